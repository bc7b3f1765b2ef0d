// What a model makes of the test pictures: how often it is right, what it confuses, and where it is wrong.
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { asCommandError } from "../actions.js";
import { call } from "../client.js";
import { count, loss, percent, plural } from "../format.js";
import { get, useStore } from "../state.js";
import { Confusion } from "./confusion.js";
import { Tile } from "./tiles.js";
import { Button, Card, Empty, LinkButton, Notice, Progress, Readout, Readouts } from "./ui.js";

/** @typedef {import("../types").EvaluationReport} EvaluationReport */
/** @typedef {import("../types").ModelChoice} ModelChoice */
/** @typedef {import("../types").RunReport} RunReport */
/** @typedef {import("./confusion.js").Cell} Cell */

/** The last evaluation, kept while other views are open. @type {{key: string, step: number, report: EvaluationReport} | undefined} */
let kept;

/** As many wrong predictions as their pictures' bytes allow. */
function mostWrong() {
  const [, height, width] = get().data?.size ?? [1, 28, 28];
  return Math.max(40, Math.min(500, Math.floor(24e6 / (4 * height * width))));
}

/** @param {{choice: ModelChoice, run: RunReport | undefined, onLook: (picture: number) => void}} props */
export function Mistakes({ choice, run, onLook }) {
  const data = useStore((state) => state.dataVersion);
  const progress = useStore((state) => state.progress);
  const key = `${JSON.stringify(choice)} ${data}`;
  const training = run?.state === "running";
  const [, redraw] = useState({});
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const evaluation = kept?.key === key ? kept : undefined;
  const evaluate = async () => {
    setBusy(true);
    setProblem("");
    try {
      const step = run?.step ?? 0;
      const report = await call({ type: "evaluate", model: choice, wrong: mostWrong() });
      kept = { key, step, report };
      redraw({});
    } catch (error) {
      setProblem(asCommandError(error).message);
    }
    setBusy(false);
  };
  // Once by itself; while it trains, and when it has gone on since, when asked.
  useEffect(() => {
    if (!evaluation && !training) void evaluate();
  }, [key, training]);
  const old = evaluation && run && run.step !== evaluation.step;
  return html`<div class="mistakes">
    <div class="actions">
      <${Button} kind=${evaluation && !old ? "plain" : "primary"} busy=${busy} disabled=${busy} onClick=${evaluate}>${evaluation ? "Evaluate again" : "Evaluate now"}<//>
      <span class="soft">${evaluation && run ? `As it was after step ${count(evaluation.step)}${old ? `; it has done ${count(run.step)} by now.` : "."}`
        : training ? "It trains: evaluating it takes a moment of that." : ""}</span>
    </div>
    ${busy && html`<${Progress} label="Evaluating the test pictures" done=${progress?.phase === "evaluating" ? progress.done : 0} total=${progress?.phase === "evaluating" ? progress.total : 0} />`}
    ${problem && html`<${Notice} kind="error" title="This model can't be evaluated on these pictures"
      actions=${html`<${LinkButton} href="#/data">Choose other pictures<//>`}>${problem}<//>`}
    ${evaluation && html`<${Report} report=${evaluation.report} onLook=${onLook} />`}
  </div>`;
}

/** @param {{report: EvaluationReport, onLook: (picture: number) => void}} props */
function Report({ report, onLook }) {
  const [cell, setCell] = useState(/** @type {Cell | undefined} */ (undefined));
  useEffect(() => setCell(undefined), [report]);
  const wrong = report.samples - Math.round(report.accuracy * report.samples);
  return html`
    <${Readouts}>
      <${Readout} label="Right" value=${percent(report.accuracy)} />
      <${Readout} label="Mean loss" value=${loss(report.loss)} />
      <${Readout} label="Test pictures" value=${count(report.samples)} />
      <${Readout} label="Wrong" value=${count(wrong)} />
    <//>
    <${Card} title="What is taken for what"><${Confusion} report=${report} chosen=${cell} onChoose=${setCell} /><//>
    <${Wrong} report=${report} cell=${cell} onAll=${() => setCell(undefined)} onLook=${onLook} />`;
}

/** Wrong predictions, the surest first. @param {{report: EvaluationReport, cell: Cell | undefined, onAll: () => void, onLook: (picture: number) => void}} props */
function Wrong({ report, cell, onAll, onLook }) {
  const [most, setMost] = useState(0); // The list comes a frame after the table: together they would hold the page up.
  useEffect(() => {
    const frame = requestAnimationFrame(() => setMost(24));
    return () => cancelAnimationFrame(frame);
  }, [cell, report]);
  const { classes, wrong, confusion } = report;
  const list = wrong.map((prediction, at) => ({ prediction, at }))
    .filter(({ prediction }) => !cell || (prediction.label === cell.label && prediction.predicted === cell.predicted));
  const all = cell ? confusion[cell.label * classes.length + cell.predicted] : undefined;
  const title = cell ? `${classes[cell.label]} taken for ${classes[cell.predicted]}` : "Wrong, and surest of it";
  return html`<${Card} title=${title} actions=${cell && html`<${Button} onClick=${onAll}>All wrong predictions<//>`}>
    <p class="visually-hidden" role="status">${plural(list.length, "wrong prediction")} listed.</p>
    ${list.length === 0 ? (wrong.length === 0 ? html`<${Empty} title="Every test picture is right">There is nothing wrong to show. Try it with pictures of your own.<//>`
        : html`<p class="soft">None of these ${all ? count(all) : ""} is among the ${count(wrong.length)} wrong predictions that are listed: the model was less sure of them.</p>`)
      : html`<ul class="wrong-list">${list.slice(0, most).map(({ prediction, at }) => html`<li key=${prediction.index}>
          <button type="button" class="wrong-picture" onClick=${() => onLook(prediction.index)} title="What each layer makes of it">
            <${Tile} tiles=${report.tiles} index=${at} size=${84} label=${`Test picture ${prediction.index + 1}, ${classes[prediction.label]}: see what each layer makes of it`} /></button>
          <div class="wrong-says"><p><strong>${classes[prediction.predicted]}</strong>, it says; it is <strong>${classes[prediction.label]}</strong></p>
            <${Probabilities} classes=${classes} prediction=${prediction} /></div>
        </li>`)}</ul>
        ${list.length > most && html`<${Button} onClick=${() => setMost(most + 96)}>Show more<//>`}
        ${all !== undefined && all > list.length && html`<p class="soft">${count(all - list.length)} more, of which the model was less sure, are not listed.</p>`}`}
  <//>`;
}

/** The three most probable classes, and the right one. @param {{classes: string[], prediction: import("../types").WrongPrediction}} props */
function Probabilities({ classes, prediction }) {
  const order = prediction.probabilities.map((_, at) => at).sort((a, b) => prediction.probabilities[b] - prediction.probabilities[a]).slice(0, 3);
  if (!order.includes(prediction.label)) order[2] = prediction.label;
  return html`<ul class="probabilities">${order.map((at) => html`<li key=${at} class=${at === prediction.label ? "true" : ""}>
    <span class="probability-name">${classes[at]}</span>
    <span class="probability-bar" aria-hidden="true"><span style=${{ transform: `scaleX(${prediction.probabilities[at]})` }}></span></span>
    <span class="figure">${percent(prediction.probabilities[at], 0)}</span>
  </li>`)}</ul>`;
}
