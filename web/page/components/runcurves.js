// The curves of the active run, live.
import { html, useRef, useState } from "../vendor/preact-htm.js";
import { count, loss, percent, plural } from "../format.js";
import { get, useStore } from "../state.js";
import { Chart } from "./chart.js";
import { Curve, epochPoints } from "./curves.js";
import { marksOf, useThrottled } from "./live.js";
import { Slider } from "./number.js";
import { saveCurves } from "./svg.js";
import { Button, Card } from "./ui.js";

/** @typedef {import("./curves.js").Measure} Measure */
/** @typedef {import("./chart.js").Line} Line */

let smoothing = 0.9; // Kept from one visit of the view to the next.

/** Loss and accuracy of the active run, with a slider for how smooth they are. */
export function RunCurves() {
  const many = get().live.steps.length > 200_000;
  useThrottled((state) => state.live.version, many ? 500 : 100);
  const id = useStore((state) => state.run?.id);
  const [weight, setWeight] = useState(smoothing);
  const curves = useRef({ loss: new Curve("loss"), accuracy: new Curve("accuracy") });
  const { live, run } = get();
  const own = run && live.run === id;
  const steps = own ? live.steps : [];
  for (const curve of Object.values(curves.current)) curve.update(steps, weight);
  const smooth = (/** @type {number} */ value) => {
    smoothing = value;
    setWeight(value);
  };
  const charts = (["loss", "accuracy"]).map((measure) => {
    const kind = /** @type {Measure} */ (measure);
    return html`<${RunChart} key=${kind} measure=${kind} curve=${curves.current[kind]} weight=${weight} />`;
  });
  return html`<${Card} title="Curves" actions=${html`
      <${Slider} label="Smoothing" value=${weight} min=${0} max=${0.99} step=${0.01} says=${weight === 0 ? "none" : weight.toFixed(2)} onChange=${smooth} />
      <${Button} kind="quiet" disabled=${!run || steps.length === 0} onClick=${() => run && saveCurves(run, live.steps, live.epochs)} aria-label="Save both curves as SVG">SVG<//>`}>
    <div class="charts">${charts}</div>
    <${EpochTable} />
  <//>`;
}

/** A loss along the axis. @param {number} value */
export const plain = (value) => String(Number(value.toPrecision(6)));

/** @param {{measure: Measure, curve: Curve, weight: number}} props */
function RunChart({ measure, curve, weight }) {
  const { live, run } = get();
  const perEpoch = run?.stepsPerEpoch || 1;
  const factor = 1 / perEpoch;
  const test = epochPoints(run && live.run === run.id ? live.epochs : [], measure === "loss" ? "testLoss" : "testAccuracy", perEpoch);
  const raw = { xs: curve.xs, ys: curve.ys };
  /** @type {Line[]} */
  const lines = [
    { key: "raw", label: "each batch", points: raw, factor, color: "--train", faint: true },
    { key: "smooth", label: weight > 0 ? "Training, smoothed" : "Training", points: { xs: curve.xs, ys: curve.smooth }, factor, color: "--train" },
    { key: "test", label: "Test, after each epoch", points: test, factor, color: "--test", dots: true },
  ];
  const scale = measure === "loss" ? plain : (/** @type {number} */ value) => percent(value, 0);
  const exact = measure === "loss" ? loss : percent;
  const last = live.epochs.at(-1);
  const summary = last && run ? `After ${plural(last.epoch, "epoch")}: ${exact(measure === "loss" ? last.trainLoss : last.trainAccuracy)} in training, ${exact(measure === "loss" ? last.testLoss : last.testAccuracy)} in the test.` : "Nothing yet.";
  return html`<${Chart} title=${measure === "loss" ? "Loss" : "Accuracy"} lines=${lines} says=${exact} scale=${scale} xLabel="epoch" summary=${summary}
    where=${(/** @type {number} */ x) => `epoch ${x.toFixed(2)} · step ${count(x * perEpoch)}`} span=${measure === "loss" ? undefined : [0, 1]}
    marks=${(marksOf(run?.id)?.steps ?? []).slice(-200).map((step) => step * factor)} file=${`${run?.name ?? "run"} ${measure}`} />`;
}

/** The same in figures. */
function EpochTable() {
  useThrottled((state) => state.live.epochs.length);
  const { live, run } = get();
  const epochs = run && live.run === run.id ? live.epochs : [];
  if (epochs.length === 0) return null;
  return html`<details class="more">
    <summary>The figures of each epoch</summary>
    <div class="scroll-x" tabindex="0" role="region" aria-label="The figures of each epoch"><table>
      <thead><tr>${["Epoch", "Training loss", "Training accuracy", "Test loss", "Test accuracy", "Pictures a second"].map((head) => html`<th key=${head} scope="col" class="number">${head}</th>`)}</tr></thead>
      <tbody>${epochs.slice(-200).reverse().map((record) => html`<tr key=${record.epoch}>
        <th scope="row" class="number">${record.epoch}</th>
        <td class="number">${loss(record.trainLoss)}</td><td class="number">${percent(record.trainAccuracy)}</td>
        <td class="number">${loss(record.testLoss)}</td><td class="number">${percent(record.testAccuracy)}</td>
        <td class="number">${count(record.samplesPerSecond)}</td>
      </tr>`)}</tbody>
    </table></div>
  </details>`;
}
