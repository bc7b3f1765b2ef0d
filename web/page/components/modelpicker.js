// Which trained model is looked into and tried: a run's, or one from a file.
import { html, useRef } from "../vendor/preact-htm.js";
import { choose, openModelFile, startRun } from "../actions.js";
import { percent } from "../format.js";
import { useStore } from "../state.js";
import { go } from "./route.js";
import { Button, Empty, Select } from "./ui.js";

/** @typedef {import("../types").RunReport} RunReport */

/** @param {RunReport} run */
function labelOf(run) {
  const score = run.last ? `, ${percent(run.last.testAccuracy)} right` : "";
  return `${run.name} (${run.state === "running" ? "training now" : run.state}${score})`;
}

/** A choice among the models there are. */
export function ModelPicker() {
  const chosen = useStore((state) => state.chosen);
  const runs = useStore((state) => state.runs);
  const opened = useStore((state) => state.opened);
  const options = runs.map((run) => ({ value: `run ${run.id}`, label: labelOf(run) }));
  if (opened) options.push({ value: "opened", label: `${opened.name} (a file)` });
  const value = chosen?.type === "run" ? `run ${chosen.run}` : "opened";
  const change = (/** @type {string} */ next) => choose(next === "opened" ? { type: "opened" } : { type: "run", run: next.slice(4) });
  return html`<div class="model-picker">
    <${Select} label="Model" value=${value} options=${options} onChange=${change} />
    <${ModelFileButton} />
  </div>`;
}

/** Opens a model.safetensors. */
export function ModelFileButton() {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const change = () => {
    const file = input.current?.files?.[0];
    if (file) void openModelFile(file);
    if (input.current) input.current.value = "";
  };
  return html`<${Button} onClick=${() => input.current?.click()}>Open a model file<//>
    <input ref=${input} type="file" hidden accept=".safetensors" aria-label="Open a model file" onChange=${change} />`;
}

/** What is shown where there is no trained model. @param {{children?: unknown}} props */
export function NoModel({ children }) {
  const ready = useStore((state) => Boolean(state.data && state.model && !state.model.problem && !state.pending));
  const train = async () => {
    if (await startRun()) go("train");
  };
  return html`<${Empty} title="No trained model yet" actions=${html`
    <${Button} kind="primary" disabled=${!ready} onClick=${train}>Train one now<//>
    <${ModelFileButton} />`}>${children}<//>`;
}
