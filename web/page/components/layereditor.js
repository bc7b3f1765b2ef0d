// The layers of a model as a list that is changed in place: each with what comes out of it, and what is wrong with it.
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { compact, shape } from "../format.js";
import { inShort, layerType, moved, nameOf, newLayer, renamed, without, withSetting } from "../model/layers.js";
import { NumberField, readNumber, useTyped } from "./number.js";
import { Button, Checkbox, Field, Select } from "./ui.js";

/** @typedef {import("../types").LayerObject} LayerObject */
/** @typedef {import("../types").ModelReport} ModelReport */
/** @typedef {import("../model/layers.js").Setting} Setting */

/**
 * @param {{layers: LayerObject[], report: ModelReport | undefined, types: string[], problem: {at: number, text: string} | undefined,
 *   onChange: (layers: LayerObject[], kind: string) => void}} props `kind` says what a series of changes belongs to
 */
export function LayerEditor({ layers, report, types, problem, onChange }) {
  const [open, setOpen] = useState(-1);
  const [said, setSaid] = useState("");
  const [drop, setDrop] = useState(/** @type {{from: number, to: number} | undefined} */ (undefined));
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const focus = useRef(-1);
  useEffect(() => {
    if (focus.current < 0) return;
    /** @type {HTMLElement | null | undefined} */ (list.current?.children[focus.current]?.querySelector(".layer-head"))?.focus();
    focus.current = -1;
  });

  const move = (/** @type {number} */ at, /** @type {number} */ to) => {
    if (to < 0 || to >= layers.length || to === at) return;
    onChange(moved(layers, at, to), "");
    if (open === at) setOpen(to);
    else if (open >= 0) setOpen(-1);
    focus.current = to;
    setSaid(`${nameOf(layers, at)} is now layer ${to + 1} of ${layers.length}.`);
  };
  const remove = (/** @type {number} */ at) => {
    onChange(without(layers, at), "");
    setOpen(-1);
    focus.current = Math.min(at, layers.length - 2);
    setSaid(`${nameOf(layers, at)} is removed.`);
  };
  const add = (/** @type {string} */ type, /** @type {number} */ at) => {
    const layer = newLayer(type, layers, at);
    onChange([...layers.slice(0, at), layer, ...layers.slice(at)], "");
    setOpen(at);
    focus.current = at;
    setSaid(`${layer.name} is added as layer ${at + 1} of ${layers.length + 1}.`);
  };
  const change = (/** @type {number} */ at, /** @type {LayerObject} */ layer, /** @type {string} */ key) =>
    onChange(layers.map((other, place) => (place === at ? layer : other)), `${at}.${key}`);
  const keys = (/** @type {KeyboardEvent} */ event, /** @type {number} */ at) => {
    if (event.altKey && event.key === "ArrowUp") move(at, at - 1);
    else if (event.altKey && event.key === "ArrowDown") move(at, at + 1);
    else if (event.key === "Delete") remove(at);
    else return;
    event.preventDefault();
  };
  const drag = (/** @type {number} */ at) => ({
    draggable: true,
    onDragStart: (/** @type {DragEvent} */ event) => {
      event.dataTransfer?.setData("text/plain", nameOf(layers, at));
      setDrop({ from: at, to: at });
    },
    onDragEnd: () => setDrop(undefined),
  });
  const target = (/** @type {number} */ at) => ({
    onDragOver: (/** @type {DragEvent} */ event) => {
      if (!drop) return;
      event.preventDefault();
      if (drop.to !== at) setDrop({ ...drop, to: at });
    },
    onDrop: (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      if (drop) move(drop.from, at);
      setDrop(undefined);
    },
  });

  return html`<div class="layers">
    <ol class="layer-list" ref=${list}>
      ${layers.map((layer, at) => html`<li key=${at} ...${target(at)}
          class=${`layer ${problem?.at === at ? "layer-wrong" : ""} ${open === at ? "open" : ""} ${drop && drop.to === at && drop.from !== at ? (drop.to > drop.from ? "drop-below" : "drop-above") : ""}`}>
        <div class="layer-row" ...${drag(at)}>
          <button type="button" class="layer-head" aria-expanded=${String(open === at)} aria-keyshortcuts="Alt+ArrowUp Alt+ArrowDown Delete"
              onClick=${() => setOpen(open === at ? -1 : at)} onKeyDown=${(/** @type {KeyboardEvent} */ event) => keys(event, at)}>
            <span class="layer-name">${nameOf(layers, at)}</span>
            <span class="layer-what">${layerType(layer.type, layer).label}<span class="soft"> ${inShort(layer)}</span></span>
            <span class="layer-shape">${problem?.at === at ? "does not fit" : report?.layers[at] ? shape(report.layers[at].output) : "–"}</span>
          </button>
          <span class="layer-tools">
            <${Button} kind="quiet" aria-label=${`Move ${nameOf(layers, at)} up`} disabled=${at === 0} onClick=${() => move(at, at - 1)}>↑<//>
            <${Button} kind="quiet" aria-label=${`Move ${nameOf(layers, at)} down`} disabled=${at === layers.length - 1} onClick=${() => move(at, at + 1)}>↓<//>
            <${Button} kind="quiet" aria-label=${`Remove ${nameOf(layers, at)}`} onClick=${() => remove(at)}>✕<//>
          </span>
        </div>
        ${problem?.at === at && html`<p class="layer-problem" role="alert">${problem.text}</p>`}
        ${open === at && html`<${LayerForm} layers=${layers} at=${at} types=${types} parameters=${report?.layers[at]?.parameters}
          onChange=${(/** @type {LayerObject} */ next, /** @type {string} */ key) => change(at, next, key)}
          onRename=${(/** @type {string} */ name) => onChange(renamed(layers, at, name), `${at}.name`)} />
          <${AddLayer} label=${`Add below ${nameOf(layers, at)}`} types=${types} onAdd=${(/** @type {string} */ type) => add(type, at + 1)} />`}
      </li>`)}
    </ol>
    ${layers.length === 0 && html`<p class="soft">There are no layers yet. The last one has to be a linear layer with one output for each class.</p>`}
    <${AddLayer} label="Add at the end" types=${types} onAdd=${(/** @type {string} */ type) => add(type, layers.length)} />
    <p class="soft keys">Open a layer to change it. Alt with ↑ or ↓ moves it, Delete removes it; or drag it.</p>
    <p class="visually-hidden" role="status">${said}</p>
  </div>`;
}

/** @param {{label: string, types: string[], onAdd: (type: string) => void}} props */
function AddLayer({ label, types, onAdd }) {
  const [type, setType] = useState("");
  const chosen = types.includes(type) ? type : types.includes("conv2d") ? "conv2d" : types[0];
  const options = types.map((value) => ({ value, label: layerType(value).label }));
  return html`<div class="add-layer">
    <${Select} label=${label} inline options=${options} value=${chosen} onChange=${setType} />
    <${Button} disabled=${!chosen} onClick=${() => onAdd(chosen)}>Add<//>
  </div>`;
}

/**
 * @param {{layers: LayerObject[], at: number, types: string[], parameters: number | undefined, onChange: (layer: LayerObject, key: string) => void, onRename: (name: string) => void}} props
 */
function LayerForm({ layers, at, types, parameters, onChange, onRename }) {
  const layer = layers[at];
  const kind = layerType(layer.type, layer);
  const { control, error } = useTyped(nameOf(layers, at), String, (text) => readName(text, layers, at), onRename, true);
  const retype = (/** @type {string} */ type) => {
    const { type: _, ...settings } = newLayer(type, layers, at);
    onChange({ ...settings, type, name: nameOf(layers, at), from: layer.from ?? settings.from }, "type");
  };
  const known = types.includes(layer.type) ? types : [layer.type, ...types];
  return html`<div class="layer-form">
    ${kind.help && html`<p class="soft">${kind.help}${parameters ? ` Learns ${compact(parameters)} numbers.` : ""}</p>`}
    <div class="settings-row">
      <${Field} label="Name" error=${error}>${(/** @type {object} */ field) => html`<input ...${field} ...${control} type="text" autocomplete="off" spellcheck="false" />`}<//>
      <${Select} label="Type" value=${layer.type} onChange=${retype} options=${known.map((value) => ({ value, label: layerType(value).label }))} />
      ${kind.settings.map((setting) => html`<${SettingField} key=${`${layer.type}.${setting.key}`} setting=${setting} layer=${layer}
        onChange=${(/** @type {unknown} */ value) => onChange(withSetting(layer, setting, value), setting.key)} />`)}
    </div>
    <${FromField} layers=${layers} at=${at} several=${Boolean(kind.several)} onChange=${(/** @type {string[] | undefined} */ from) => {
      const { from: _, ...rest } = layer;
      onChange(/** @type {LayerObject} */ (from ? { ...rest, from } : rest), "from");
    }} />
  </div>`;
}

/** @param {string} text @param {LayerObject[]} layers @param {number} at */
function readName(text, layers, at) {
  const name = text.trim();
  if (!name) return { error: "A layer needs a name." };
  if (name === "input" || layers.some((_, other) => other !== at && nameOf(layers, other) === name)) return { error: "Another layer has this name." };
  return { value: name };
}

/** @param {{setting: Setting, layer: LayerObject, onChange: (value: unknown) => void}} props */
function SettingField({ setting, layer, onChange }) {
  const { key, label, kind, fallback, otherwise, min, max, help } = setting;
  const value = layer[key];
  const placeholder = otherwise ?? (fallback === undefined ? undefined : String(fallback));
  if (kind === "switch") return html`<${Checkbox} label=${label} checked=${value ?? fallback ?? false} onChange=${onChange} />`;
  if (kind === "pair") return html`<${PairField} setting=${setting} value=${value} placeholder=${placeholder} onChange=${onChange} />`;
  if (kind === "features") return html`<${FeaturesField} setting=${setting} value=${value} onChange=${onChange} />`;
  return html`<${NumberField} label=${label} hint=${help} whole=${kind === "integer"} min=${min} max=${max} optional=${fallback !== undefined}
    placeholder=${placeholder} value=${value} onChange=${onChange} />`;
}

/** @param {{setting: Setting, value: unknown, placeholder: string | undefined, onChange: (value: unknown) => void}} props */
function PairField({ setting, value, placeholder, onChange }) {
  const { min, max, label, help, fallback, otherwise } = setting;
  const read = (/** @type {string} */ text) => {
    if (text.trim() === "" && (fallback !== undefined || otherwise)) return { value: undefined };
    const parts = text.split(/[×x,;\s]+/).filter(Boolean).map((part) => readNumber(part, { min, max, whole: true }));
    const wrong = parts.find((part) => part.error);
    if (wrong || parts.length < 1 || parts.length > 2) return { error: `This takes a whole number, or two: 3 × 5.${min ? ` From ${min}.` : ""}` };
    const [a, b = a] = parts.map((part) => part.value);
    return { value: a === b ? a : [a, b] };
  };
  const write = (/** @type {unknown} */ pair) => (pair === undefined ? "" : Array.isArray(pair) ? pair.join(" × ") : String(pair));
  const { control, error } = useTyped(value, write, read, onChange);
  return html`<${Field} label=${label} hint=${help} error=${error}>
    ${(/** @type {object} */ field) => html`<input ...${field} ...${control} type="text" class="number" autocomplete="off" placeholder=${placeholder} />`}
  <//>`;
}

/** @param {{setting: Setting, value: unknown, onChange: (value: unknown) => void}} props */
function FeaturesField({ setting, value, onChange }) {
  const { min = 1, max, label, help } = setting;
  const classes = value === "classes";
  return html`<div class="features-field">
    ${classes ? html`<${Field} label=${label} hint=${help}>${(/** @type {object} */ field) => html`<input ...${field} type="text" class="number" value="one for each class" readonly />`}<//>`
      : html`<${NumberField} label=${label} hint=${help} whole min=${min} max=${max} value=${value} onChange=${onChange} />`}
    <${Checkbox} label="As many as classes" checked=${classes} onChange=${(/** @type {boolean} */ on) => onChange(on ? "classes" : 10)} />
  </div>`;
}

/**
 * The layers that a layer takes its input from.
 * @param {{layers: LayerObject[], at: number, several: boolean, onChange: (from: string[] | undefined) => void}} props
 */
function FromField({ layers, at, several, onChange }) {
  const names = ["input", ...layers.slice(0, at).map((_, other) => nameOf(layers, other))];
  const before = names[names.length - 1];
  const from = layers[at].from ?? [];
  if (!several) {
    const options = [{ value: "", label: `the one before (${before})` }, ...names.map((name) => ({ value: name, label: name }))];
    for (const name of from) if (!names.includes(name)) options.push({ value: name, label: `${name} (not before this layer)` });
    return html`<${Select} label="Takes its input from" options=${options} value=${from[0] ?? ""} onChange=${(/** @type {string} */ name) => onChange(name ? [name] : undefined)} />`;
  }
  const change = (/** @type {number} */ place, /** @type {string} */ name) => onChange(from.map((one, other) => (other === place ? name : one)));
  return html`<fieldset class="from"><legend>Takes its inputs from</legend>
    ${from.map((name, place) => html`<div class="add-layer" key=${place}>
      <${Select} label=${`Input ${place + 1}`} inline value=${name} onChange=${(/** @type {string} */ other) => change(place, other)}
        options=${(names.includes(name) ? names : [...names, name]).map((value) => ({ value, label: value }))} />
      <${Button} kind="quiet" aria-label=${`Take no input from ${name}`} onClick=${() => {
        const rest = from.filter((_, other) => other !== place);
        onChange(rest.length ? rest : undefined);
      }}>✕<//>
    </div>`)}
    <${Button} onClick=${() => onChange([...from, before])}>Add an input<//>
  </fieldset>`;
}
