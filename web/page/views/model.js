// The model: layers to change, beside what they cost; and the same as text.
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { attempt, save, setModel, toast } from "../actions.js";
import { LayerEditor } from "../components/layereditor.js";
import { NumberField } from "../components/number.js";
import { settingsInShort } from "../components/settings.js";
import { Button, Card, Field, Input, LinkButton, Notice, Progress, Readout, Readouts, Tabs } from "../components/ui.js";
import { bytes, compact, count, shape } from "../format.js";
import { nameOf } from "../model/layers.js";
import { tables, whole } from "../model/recipe.js";
import { sentence } from "../client.js";
import { get, useStore } from "../state.js";

/** @typedef {import("../types").ModelObject} ModelObject */
/** @typedef {import("../types").ModelReport} ModelReport */
/** @typedef {import("../types").ModelSource} ModelSource */

export default function Model() {
  const report = useStore((state) => state.model);
  const editing = useEditing();
  const [tab, setTab] = useState("layers");
  const { draft } = editing;
  return html`<div class="view">
    <header class="view-head"><div>
      <h1>Model</h1>
      <p>A picture goes through these layers, one after the other; at the end there is a number for each class.</p>
    </div></header>
    <${Presets} onChoose=${editing.replace} />
    <div class="model-grid">
      <${Card} title=${draft?.name ?? "Model"} actions=${html`
          <${Button} kind="quiet" disabled=${!editing.canUndo} onClick=${editing.undo}>Undo<//>
          <${Button} kind="quiet" disabled=${!editing.canRedo} onClick=${editing.redo}>Redo<//>`}>
        ${report?.training && html`<${TakenOver} />`}
        <${Tabs} label="The model" selected=${tab} onSelect=${setTab} tabs=${[{ id: "layers", label: "Layers" }, { id: "toml", label: "As text" }]}>
          ${tab === "layers" ? html`<${Layers} editing=${editing} report=${report} onText=${() => setTab("toml")} />` : html`<${Text} report=${report} onChange=${editing.replace} />`}
        <//>
      <//>
      <${Summary} report=${report} layers=${draft?.layers.length ?? 0} />
    </div>
  </div>`;
}

/** Says that the text said how to train. */
function TakenOver() {
  const settings = useStore((state) => state.settings);
  const recipe = useStore((state) => state.recipe);
  const rest = useStore((state) => state.rest);
  const more = Object.keys({ ...recipe, ...rest });
  return html`<${Notice} title="How to train was taken over as well" actions=${html`<${LinkButton} href="#/train">See the settings<//>`}>
    ${settingsInShort(settings)}${more.length > 0 && `; ${more.join(", ")}`}.<//>`;
}

/** What the model was before, kept from one visit of the view to the next. @type {{past: ModelSource[], future: ModelSource[]}} */
const history = { past: [], future: [] };

/**
 * What is edited, with what it was before. Changes of one field that follow one another are undone at once.
 * @returns {{draft: ModelObject | undefined, edit: (draft: ModelObject, kind: string) => void, replace: (source: ModelSource) => void,
 *   undo: () => void, redo: () => void, canUndo: boolean, canRedo: boolean}}
 */
function useEditing() {
  const source = useStore((state) => state.modelSource);
  const report = useStore((state) => state.model);
  const last = useRef({ kind: "", at: 0 });
  // An object is what was drawn here: it is shown as it is, whatever the worker makes of it.
  const draft = source?.type === "object" ? source.model : report?.model ?? undefined;
  const put = (/** @type {ModelSource} */ next) => void attempt(() => setModel(next));
  const remember = (/** @type {string} */ kind) => {
    const same = kind !== "" && kind === last.current.kind && Date.now() - last.current.at < 3000;
    last.current = { kind, at: Date.now() };
    const now = get().modelSource;
    if (!same && now) history.past = [...history.past.slice(-99), now];
    history.future = [];
  };
  const travel = (/** @type {ModelSource[]} */ from, /** @type {ModelSource[]} */ to) => {
    const next = from.pop();
    const now = get().modelSource;
    if (!next || !now) return;
    to.push(now);
    last.current = { kind: "", at: 0 };
    put(next);
  };
  return {
    draft,
    edit: (model, kind) => {
      remember(kind);
      put({ type: "object", model });
    },
    replace: (next) => {
      remember(next.type === "toml" ? "toml" : "");
      put(next);
    },
    undo: () => travel(history.past, history.future),
    redo: () => travel(history.future, history.past),
    canUndo: history.past.length > 0,
    canRedo: history.future.length > 0,
  };
}

/** @param {{onChoose: (source: ModelSource) => void}} props */
function Presets({ onChoose }) {
  const presets = useStore((state) => state.presets);
  const layers = [{ type: "flatten", name: "flatten" }, { type: "linear", name: "fc", out_features: "classes" }];
  const size = get().data?.size ?? [3, 28, 28];
  const plain = { type: /** @type {const} */ ("object"), model: { name: "plain", input: size, classes: 10, layers } };
  return html`<div class="presets" role="group" aria-label="Models to begin with">
    <span class="soft">Begin with</span>
    ${presets.map((preset) => html`<${Button} key=${preset.name} onClick=${() => onChoose({ type: "toml", toml: preset.toml })}>${preset.name}<//>`)}
    <${Button} onClick=${() => onChoose(plain)}>a single layer<//>
  </div>`;
}

/** @param {{editing: ReturnType<typeof useEditing>, report: ModelReport | undefined, onText: () => void}} props */
function Layers({ editing, report, onText }) {
  const types = useStore((state) => state.layerTypes);
  const data = useStore((state) => state.data);
  const { draft, edit } = editing;
  if (!draft) {
    return report?.problem ? html`<${Notice} kind="error" title="The text can't be read as a model" actions=${html`<${Button} onClick=${onText}>Go to the text<//>`}>${report.problem.message}<//>`
      : html`<${Progress} label="Reading the model" />`;
  }
  const input = (/** @type {number} */ place) => (/** @type {number} */ value) => {
    const next = /** @type {[number, number, number]} */ ([...draft.input]);
    next[place] = value;
    edit({ ...draft, input: next }, `input.${place}`);
  };
  const { problem } = report ?? {};
  const at = problem?.layer === undefined || problem.layer === null ? -1 : draft.layers.findIndex((_, place) => nameOf(draft.layers, place) === problem.layer);
  return html`
    <fieldset class="model-input"><legend>Pictures go in as</legend>
      <div class="settings-row">
        <${NumberField} label="Channels" whole late min=${1} max=${1024} value=${draft.input[0]} hint=${draft.input[0] === 1 ? "grey" : draft.input[0] === 3 ? "colour" : "1 grey, 3 colour"} onChange=${input(0)} />
        <${NumberField} label="Height" whole late min=${1} max=${16384} value=${draft.input[1]} hint="pixels" onChange=${input(1)} />
        <${NumberField} label="Width" whole late min=${1} max=${16384} value=${draft.input[2]} hint="pixels" onChange=${input(2)} />
        <${Input} label="Name" value=${draft.name} maxlength="100" autocomplete="off" hint=${data ? `${count(data.classes.length)} classes, from the data` : "Classes come from the data"}
          onChange=${(/** @type {Event} */ event) => edit({ ...draft, name: /** @type {HTMLInputElement} */ (event.currentTarget).value }, "name")} />
      </div>
    </fieldset>
    ${problem && at < 0 && html`<${Notice} kind="error" title="The model can't be trained as it is">${problem.message}<//>`}
    <${LayerEditor} layers=${draft.layers} report=${report} types=${types} problem=${problem && at >= 0 ? { at, text: problem.message } : undefined}
      onChange=${(/** @type {ModelObject["layers"]} */ layers, /** @type {string} */ kind) => edit({ ...draft, layers }, kind)} />`;
}

/** @param {{report: ModelReport | undefined, layers: number}} props */
function Summary({ report, layers }) {
  const batch = useStore((state) => state.settings.batchSize ?? 64);
  const totals = report?.totals;
  const rows = report?.layers ?? [];
  const most = Math.max(1, ...rows.map((row) => row.parameters));
  return html`<${Card} title="What it costs" class="summary">
    <div aria-live="polite">
      ${totals ? html`<${Readouts}>
          <${Readout} label="Parameters" value=${compact(totals.parameters)} />
          <${Readout} label="Forward, a picture" value=${compact(totals.forwardFlops)} unit="FLOPs" />
          <${Readout} label="Training, a picture" value=${compact(totals.trainingFlops)} unit="FLOPs" />
          <${Readout} label=${`On the device, batch ${count(batch)}`} value=${bytes(totals.trainingBytes)} />
        <//>`
        : report?.problem ? html`<p class="summary-problem">${rows.length < layers ? `${count(rows.length)} of ${count(layers)} layers fit.` : sentence(report.problem.message)} What it costs is told when all is right.</p>`
        : html`<${Progress} label="Reading the model" />`}
    </div>
    <div class="scroll-x" tabindex="0" role="region" aria-label="The layers and what they cost"><table class="summary-table">
      <thead><tr><th scope="col">Layer</th><th scope="col" class="number">Output</th><th scope="col" class="number">Parameters</th>
        <th scope="col" class="number">FLOPs</th><th scope="col" class="number">Bytes</th></tr></thead>
      <tbody>${rows.map((row) => html`<tr key=${row.name}>
        <th scope="row">${row.name}</th><td class="number">${shape(row.output).replaceAll(" ", "")}</td>
        <td class="number"><span class="bar" style=${{ transform: `scaleX(${row.parameters / most})` }} aria-hidden="true"></span>${compact(row.parameters)}</td>
        <td class="number">${compact(row.forwardFlops)}</td><td class="number">${bytes(row.activationBytes)}</td>
      </tr>`)}</tbody>
    </table></div>
    <p class="soft keys">Outputs, FLOPs and bytes are of one picture.</p>
  <//>`;
}

/** The model as the command's TOML, with how it is trained. @param {ModelReport | undefined} report */
function useWhole(report) {
  const source = useStore((state) => state.modelSource);
  const described = useStore((state) => state.described);
  const settings = useStore((state) => state.settings);
  const usual = useStore((state) => state.usual);
  const recipe = useStore((state) => state.recipe);
  const rest = useStore((state) => state.rest);
  const model = source?.type === "toml" ? source.toml : report?.toml ?? "";
  // What can't be read, or says itself how to train, stays as it is.
  if (source !== described || !report?.model || report.training || report.problem?.code === "setting") return model;
  return whole(model, { ...settings, more: tables(recipe, settings.optimizer, rest) }, usual);
}

/** The model as text. @param {{report: ModelReport | undefined, onChange: (source: ModelSource) => void}} props */
function Text({ report, onChange }) {
  const all = useWhole(report);
  const [text, setText] = useState(all);
  const timer = useRef(0);
  const typing = useRef(false);
  const pick = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => {
    if (!typing.current) setText(all);
  }, [all]);
  const put = (/** @type {string} */ toml) => {
    clearTimeout(timer.current);
    timer.current = 0;
    setText(toml);
    onChange({ type: "toml", toml });
  };
  const type = (/** @type {InputEvent} */ event) => {
    const toml = /** @type {HTMLTextAreaElement} */ (event.currentTarget).value;
    typing.current = true;
    setText(toml);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => put(toml), 250);
  };
  // Only who has left the text sees what is added to it.
  const leave = () => {
    typing.current = false;
    if (timer.current) put(text);
    else setText(all);
  };
  const copy = () => navigator.clipboard.writeText(text).then(() => toast("good", "The text is on the clipboard."), () => toast("error", "The browser does not let the page write to the clipboard. Select the text and copy it."));
  const paste = () => navigator.clipboard.readText().then(put, () => toast("error", "The browser does not let the page read the clipboard. Paste with the keyboard."));
  const open = async (/** @type {Event} */ event) => {
    const input = /** @type {HTMLInputElement} */ (event.currentTarget);
    const file = input.files?.[0];
    input.value = "";
    if (!file) return;
    if (file.size > 1 << 20) return toast("error", `${file.name} has ${bytes(file.size)}; a model's text has less than 1 MB. Choose another file.`);
    put(await file.text());
  };
  const { problem } = report ?? {};
  return html`<div class="toml">
    <${Field} label="TOML, as the command reads it" error=${problem?.message}>
      ${(/** @type {object} */ control) => html`<textarea ...${control} value=${text} onInput=${type} onBlur=${leave} spellcheck="false" autocapitalize="off" rows="22"></textarea>`}
    <//>
    <div class="actions">
      <${Button} onClick=${copy}>Copy<//>
      ${"clipboard" in navigator && "readText" in navigator.clipboard && html`<${Button} onClick=${paste}>Paste<//>`}
      <${Button} onClick=${() => pick.current?.click()}>Open a file<//>
      <${Button} onClick=${() => save("model.toml", new Blob([text], { type: "application/toml" }))}>Download<//>
      <input ref=${pick} type="file" accept=".toml,text/plain" class="visually-hidden" tabindex="-1" aria-label="A file with a model" onChange=${open} />
    </div>
  </div>`;
}
