// Several runs over one another: their curves, and in what they differ.
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { asCommandError } from "../actions.js";
import { call } from "../client.js";
import { count, loss, percent } from "../format.js";
import { get } from "../state.js";
import { Chart } from "./chart.js";
import { Curve, epochPoints } from "./curves.js";
import { OPTIMIZERS } from "../model/recipe.js";
import { useThrottled } from "./live.js";
import { Slider } from "./number.js";
import { plain } from "./runcurves.js";
import { deviceName } from "./settings.js";
import { Card, Checkbox, Notice, Progress } from "./ui.js";

/** @typedef {import("../types").RunReport} RunReport */
/** @typedef {import("../types").StepRecord} StepRecord */
/** @typedef {import("../types").EpochRecord} EpochRecord */
/** @typedef {{steps: StepRecord[], epochs: EpochRecord[], at: number}} Log its records, and the step until which they go */

/** More lines than these can't be told apart. */
export const MOST_RUNS = 8;

/** @param {{runs: RunReport[]}} props */
export function Compare({ runs }) {
  const { logs, problem } = useLogs(runs);
  const [weight, setWeight] = useState(0.95);
  const [shown, setShown] = useState({ train: true, test: true });
  const curves = useRef(/** @type {Map<string, Curve>} */ (new Map()));
  useThrottled((state) => state.live.version, 250);
  if (problem) return html`<${Notice} kind="error" title="The curves can't be read">${problem}<//>`;
  const both = shown.train && shown.test;
  const chart = (/** @type {"loss" | "accuracy"} */ measure) => {
    const lines = runs.flatMap((run, place) => {
      const log = logs.get(run.id);
      if (!log) return [];
      const key = `${run.id}.${measure}`;
      const curve = curves.current.get(key) ?? new Curve(measure);
      curves.current.set(key, curve);
      curve.update(log.steps, weight);
      const [color, factor] = [`--series-${(place % MOST_RUNS) + 1}`, 1 / (run.stepsPerEpoch || 1)];
      const test = epochPoints(log.epochs, measure === "loss" ? "testLoss" : "testAccuracy", run.stepsPerEpoch || 1);
      return [
        shown.train && { key: `${key}.train`, label: both ? `${run.name}, training` : run.name, points: { xs: curve.xs, ys: curve.smooth }, factor, color, dashed: both },
        shown.test && { key: `${key}.test`, label: both ? `${run.name}, test` : run.name, points: test, factor, color, dots: true },
      ].filter((line) => line !== false);
    });
    const best = runs.filter((run) => run.last).map((run) => `${run.name}: ${measure === "loss" ? loss(run.last?.testLoss) : percent(run.last?.testAccuracy)} in the test`);
    return html`<${Chart} key=${measure} title=${measure === "loss" ? "Loss" : "Accuracy"} lines=${lines} xLabel="epoch" summary=${best.join(". ")}
      says=${measure === "loss" ? loss : percent} scale=${measure === "loss" ? plain : (/** @type {number} */ value) => percent(value, 0)} span=${measure === "loss" ? undefined : [0, 1]}
      where=${(/** @type {number} */ x) => `epoch ${x.toFixed(2)}`} file=${`runs ${measure}`} />`;
  };
  const toggle = (/** @type {"train" | "test"} */ which) => (/** @type {boolean} */ on) => setShown({ ...shown, [which]: on });
  return html`<${Card} title=${runs.length === 1 ? runs[0].name : `${runs.length} runs compared`} actions=${html`
      <${Checkbox} label="Training" checked=${shown.train} onChange=${toggle("train")} />
      <${Checkbox} label="Test" checked=${shown.test} onChange=${toggle("test")} />
      <${Slider} label="Smoothing" value=${weight} min=${0} max=${0.99} step=${0.01} says=${weight === 0 ? "none" : weight.toFixed(2)} onChange=${setWeight} />`}>
    ${logs.size < runs.length && html`<${Progress} label="Reading the curves" done=${logs.size} total=${runs.length} />`}
    <div class="charts">${chart("loss")}${chart("accuracy")}</div>
    <${Differences} runs=${runs} />
  <//>`;
}

/** The records of runs: the active one's as they come, the others' as they were kept. @param {RunReport[]} runs */
function useLogs(runs) {
  const kept = useRef(/** @type {Map<string, Log>} */ (new Map()));
  const [problem, setProblem] = useState("");
  const [, redraw] = useState({});
  const { live, run: active } = get();
  const isLive = (/** @type {RunReport} */ run) => run.id === active?.id && live.run === run.id && live.steps.length > 0;
  const wanted = runs.filter((run) => !isLive(run) && kept.current.get(run.id)?.at !== run.step);
  useEffect(() => {
    let current = true;
    (async () => {
      for (const run of wanted) {
        const { steps, epochs } = await call({ type: "log", run: run.id });
        kept.current.set(run.id, { steps, epochs, at: run.step });
        if (!current) return;
        redraw({});
      }
    })().catch((error) => current && setProblem(asCommandError(error).message));
    return () => {
      current = false;
    };
  }, [wanted.map((run) => `${run.id} ${run.step}`).join()]);
  const logs = new Map(runs.flatMap((run) => {
    const log = isLive(run) ? { steps: live.steps, epochs: live.epochs, at: 0 } : kept.current.get(run.id);
    return log ? [[run.id, log]] : [];
  }));
  return { logs, problem };
}

/** What a run was given, by name. @param {RunReport} run @returns {Record<string, string>} */
function given(run) {
  const { settings } = run;
  const { optimizer } = settings;
  const type = optimizer?.type ?? "sgd";
  const sgd = type === "sgd" ? optimizer : undefined;
  return {
    Model: run.model,
    Parameters: count(run.parameters),
    "Model's text": run.toml,
    Pictures: `${run.data}, ${count(run.train)} + ${count(run.test)}`,
    Optimizer: OPTIMIZERS[type].label,
    "Learning rate": String(optimizer?.lr ?? "–"),
    Momentum: sgd ? String(sgd.momentum ?? 0) : "–",
    "Nesterov's look-ahead": sgd ? (sgd.nesterov ? "yes" : "no") : "–",
    "Weight decay": String(optimizer?.weightDecay ?? 0),
    "Batch size": String(settings.batchSize ?? "–"),
    Epochs: String(settings.epochs ?? "–"),
    "Stop after steps": String(settings.maxSteps ?? "never"),
    Seed: String(settings.seed ?? 0),
    "Another order each epoch": settings.shuffle === false ? "no" : "yes",
    "More settings": settings.more || "none",
    Device: deviceName(run.device),
  };
}

/** @param {{runs: RunReport[]}} props */
function Differences({ runs }) {
  if (runs.length < 2) return null;
  const all = runs.map(given);
  const names = Object.keys(all[0]).filter((name) => all.some((one) => one[name] !== all[0][name]));
  const results = [
    { name: "Test accuracy", says: (/** @type {RunReport} */ run) => percent(run.last?.testAccuracy) },
    { name: "Best", says: (/** @type {RunReport} */ run) => percent(run.bestAccuracy) },
    { name: "Test loss", says: (/** @type {RunReport} */ run) => loss(run.last?.testLoss) },
    { name: "Pictures a second", says: (/** @type {RunReport} */ run) => (run.last ? count(run.last.samplesPerSecond) : "–") },
  ];
  return html`<div class="scroll-x" tabindex="0" role="region" aria-label="In what the runs differ"><table class="differences">
    <thead><tr><th scope="col">In what they differ</th>${runs.map((run, place) => html`<th key=${run.id} scope="col">
      <span class="chart-key" style=${{ color: `var(--series-${(place % MOST_RUNS) + 1})` }} aria-hidden="true"></span>${run.name}</th>`)}</tr></thead>
    <tbody>
      ${names.length === 0 && html`<tr><td colspan=${runs.length + 1}>In nothing that was set.</td></tr>`}
      ${names.map((name) => html`<tr key=${name}><th scope="row">${name}</th>
        ${all.map((one, place) => html`<td key=${place}>${name === "Model's text" ? html`<details><summary>show</summary><pre>${one[name]}</pre></details>` : one[name]}</td>`)}</tr>`)}
      ${results.map(({ name, says }) => html`<tr key=${name}><th scope="row">${name}</th>${runs.map((run) => html`<td key=${run.id} class="figure">${says(run)}</td>`)}</tr>`)}
    </tbody>
  </table></div>`;
}
