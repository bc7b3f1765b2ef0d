// Data: which pictures, of which classes, and what to know about them before training.
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { dismissDataProblem, fitData, leaveUnreadableOut, setTestFraction } from "../actions.js";
import { Classes } from "../components/classes.js";
import { lonelyClass, Sources } from "../components/sources.js";
import { Button, Card, Field, Notice, Readout, Readouts } from "../components/ui.js";
import { bytes, count, percent, plural } from "../format.js";
import { useStore } from "../state.js";

/** @typedef {import("../types").DataReport} DataReport */

export default function Data() {
  const data = useStore((state) => state.data);
  const model = useStore((state) => state.model);
  const opening = useStore((state) => state.opening);
  useEffect(() => void fitData(), [model, opening]);
  const first = useStore((state) => state.runs.length === 0 && !state.run && state.dataSource.type === "embedded");
  return html`<div class="view data-view">
    <header class="view-head"><div>
      <h1>${first ? "Teach this computer to tell pictures apart" : "Data"}</h1>
      <p>${first
        ? "Seven thousand pictures of clothing are here to begin with: press Train and watch it learn, on this device's own processor. Then bring your own."
        : "What the network learns from: pictures in classes, some of them held back to test it on pictures that it has never seen."}</p>
    </div></header>
    <${Sources} />
    <${Problem} />
    ${data && html`<${Open} data=${data} />`}
  </div>`;
}

/** What to call a problem, by its code. @type {Record<string, string>} */
const TITLES = {
  "one-class": "There is only one class",
  "empty-class": "A class has no pictures",
  "too-few": "There are too few pictures",
  "picture-too-large": "A picture is too large",
  "not-a-picture": "A file is not a picture",
  "too-large": "That is more than this browser can hold",
  offline: "The pictures can't be fetched",
  crashed: "The part that computes has stopped",
};

/** Why the last pictures could not be opened, and what to do. */
function Problem() {
  const problem = useStore((state) => state.dataProblem);
  const open = useStore((state) => Boolean(state.data));
  if (!problem) return null;
  if (problem.files.length > 0) return html`<${Named} problem=${problem} open=${open} />`;
  const lonely = lonelyClass();
  const actions = open && html`<${Button} onClick=${dismissDataProblem}>Stay with what is open<//>`;
  return html`<${Notice} kind="error" title=${TITLES[problem.code] ?? "These pictures could not be opened"} actions=${actions}>
    <p>${problem.message}</p>
    ${lonely && html`<p>“${lonely.folder}” holds the pictures of one class. Drop or choose the folder of another class now: it is added to this one.</p>`}
  <//>`;
}

/** The files that can't be read, or are no part of the data, by name. @param {{problem: import("../client.js").CommandError, open: boolean}} props */
function Named({ problem, open }) {
  const { files, code } = problem;
  const [all, setAll] = useState(false);
  const shown = all ? files : files.slice(0, 20);
  const [what, why] = code === "unused"
    ? ["would be passed over", "Pictures belong into the folders of their classes; an archive is opened alone, and so are IDX and CIFAR files."]
    : ["can't be read", ""];
  return html`<${Notice} kind="error" title=${`${plural(files.length, "file")} ${what}`} actions=${html`
      <${Button} kind="primary" onClick=${leaveUnreadableOut}>Leave ${files.length === 1 ? "it" : "these"} out and go on<//>
      ${open && html`<${Button} onClick=${dismissDataProblem}>Stay with what is open<//>`}`}>
    <p>Nothing was opened, so that no file is missing unseen. ${why}</p>
    <div class="file-list" tabindex="0" role="region" aria-label=${`Files that ${what}`}><ul>
      ${shown.map((file) => html`<li key=${file.path}><code>${file.path}</code> <span>${file.reason.replace(`${file.path} `, "")}</span></li>`)}
    </ul></div>
    ${!all && files.length > shown.length && html`<${Button} kind="quiet" onClick=${() => setAll(true)}>Show all ${count(files.length)}<//>`}
  <//>`;
}

/** The open data. @param {{data: DataReport}} props */
function Open({ data }) {
  const opening = useStore((state) => state.opening);
  const [channels, height, width] = data.size;
  const total = data.train + data.test;
  return html`<${Card} title=${data.name === "fashion-mnist-mini" ? "Clothing (Fashion-MNIST, a part of it)" : data.name} class=${opening ? "waiting" : ""}>
    <${Readouts}>
      <${Readout} label="Pictures" value=${count(total)} />
      <${Readout} label="Classes" value=${count(data.classes.length)} />
      <${Readout} label="To train on" value=${count(data.train)} />
      <${Readout} label="To test on" value=${count(data.test)} unit=${percent(data.test / Math.max(1, total), 0)} />
      <${Readout} label="The model sees" value=${`${width}×${height}`} unit=${channels === 1 ? "grey" : "colour"} />
      <${Readout} label="In memory" value=${bytes(data.bytes)} />
    <//>
    ${data.warnings.map((warning) => html`<${Notice} key=${warning.code} kind="warning">${warning.message}<//>`)}
    <${Split} />
    <${Classes} data=${data} />
  <//>`;
}

/** Which share is held back for testing, where the files don't say so themselves. */
function Split() {
  const fraction = useStore((state) => state.testFraction);
  const ours = useStore((state) => state.dataSource.type === "files");
  const opening = useStore((state) => state.opening);
  const [moving, setMoving] = useState(/** @type {number | undefined} */ (undefined));
  if (!ours) return null;
  const value = moving ?? Math.round(100 * fraction);
  const read = (/** @type {Event} */ event) => Number(/** @type {HTMLInputElement} */ (event.currentTarget).value);
  const settle = (/** @type {Event} */ event) => {
    setMoving(undefined);
    void setTestFraction(read(event) / 100);
  };
  return html`<div class="split"><${Field} label=${`Held back for testing: ${value} %`} hint="Of each class, and at least one picture of several. Those that the data itself marks for testing (folders train and test, IDX and CIFAR files) stay as they are.">
    ${(/** @type {object} */ control) => html`<input ...${control} type="range" min="5" max="50" step="5" value=${value} disabled=${opening}
      aria-valuetext=${`${value} percent`} onInput=${(/** @type {Event} */ event) => setMoving(read(event))} onChange=${settle} />`}
  <//></div>`;
}
