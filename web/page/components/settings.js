// How the next run is trained.
import { html, useRef } from "../vendor/preact-htm.js";
import { setSettings } from "../actions.js";
import { bytes, count, plural } from "../format.js";
import { OPTIMIZERS } from "../model/recipe.js";
import { set, useStore } from "../state.js";
import { NumberField } from "./number.js";
import { RecipeFields } from "./recipe.js";
import { Button, Checkbox, Field, Input, Notice, Select } from "./ui.js";

/** @typedef {import("../types").OptimizerSettings} Optimizer */
/** @typedef {import("../types").TrainingSettings} TrainingSettings */

/** @type {Record<string, Optimizer>} What an optimizer begins with when it is chosen. */
const FIRST = Object.fromEntries(Object.entries(OPTIMIZERS).map(([type, { lr, weightDecay }]) => {
  const own = type === "sgd" ? { momentum: 0.9, nesterov: false } : {};
  return [type, /** @type {Optimizer} */ ({ type, lr, weightDecay, ...own })];
}));

/** The settings of the next run, for the keyboard and in words. */
export function SettingsForm() {
  const settings = useStore((state) => state.settings);
  const change = (/** @type {Partial<TrainingSettings>} */ changed) => void setSettings(changed);
  return html`<form class="settings" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <${OptimizerFields} optimizer=${settings.optimizer ?? FIRST.sgd} onChange=${(/** @type {Optimizer} */ optimizer) => change({ optimizer })} />
    <div class="settings-row">
      <${NumberField} label="Epochs" whole min=${1} max=${100000} value=${settings.epochs} hint="How often every picture is seen."
        onChange=${(/** @type {number} */ epochs) => change({ epochs })} />
      <${NumberField} label="Batch size" whole min=${1} max=${65536} value=${settings.batchSize} hint="Pictures of a step."
        onChange=${(/** @type {number} */ batchSize) => change({ batchSize })} />
    </div>
    <${Steps} settings=${settings} />
    <${DeviceField} />
    <${RecipeFields} />
    <details class="more">
      <summary>More settings</summary>
      <div class="settings">
        <${RunName} />
        <div class="settings-row">
          <${NumberField} label="Seed" whole min=${0} max=${4294967295} value=${settings.seed} hint="The same seed gives the same run."
            onChange=${(/** @type {number} */ seed) => change({ seed })} />
          <${NumberField} label="Stop after steps" whole optional min=${1} max=${4294967295} value=${settings.maxSteps ?? undefined} placeholder="never"
            onChange=${(/** @type {number | undefined} */ maxSteps) => change({ maxSteps })} />
        </div>
        <${Checkbox} label="Another order of the pictures in each epoch" checked=${settings.shuffle ?? true}
          onChange=${(/** @type {boolean} */ shuffle) => change({ shuffle })} />
        <${InitField} />
      </div>
    </details>
  </form>`;
}

/** @param {{optimizer: Optimizer, onChange: (optimizer: Optimizer) => void}} props */
function OptimizerFields({ optimizer, onChange }) {
  const others = useRef(/** @type {Record<string, Optimizer>} */ ({ ...FIRST }));
  const choose = (/** @type {string} */ type) => {
    others.current[optimizer.type ?? "sgd"] = optimizer;
    onChange(others.current[type]);
  };
  const field = (/** @type {object} */ changed) => onChange(/** @type {Optimizer} */ ({ ...optimizer, ...changed }));
  const type = optimizer.type ?? "sgd";
  const sgd = type === "sgd" ? optimizer : undefined;
  const options = Object.entries(OPTIMIZERS).map(([value, { label }]) => ({ value, label }));
  return html`
    <div class="settings-row">
      <${Select} label="Optimizer" value=${type} onChange=${choose} options=${options} hint=${OPTIMIZERS[type].hint} />
      <${NumberField} label="Learning rate" min=${0} above max=${1000} value=${optimizer.lr} hint="Too high: the loss explodes. Too low: it hardly falls."
        onChange=${(/** @type {number} */ lr) => field({ lr })} />
    </div>
    <div class="settings-row">
      ${sgd && html`<${NumberField} label="Momentum" min=${0} max=${1} below value=${sgd.momentum ?? 0}
        onChange=${(/** @type {number} */ momentum) => field(momentum === 0 ? { momentum, nesterov: false } : { momentum })} />`}
      <${NumberField} label="Weight decay" min=${0} max=${1000} value=${optimizer.weightDecay ?? 0}
        onChange=${(/** @type {number} */ weightDecay) => field({ weightDecay })} />
    </div>
    ${sgd && html`<${Checkbox} label="Nesterov's look-ahead" checked=${Boolean(sgd.nesterov)} disabled=${!sgd.momentum}
      onChange=${(/** @type {boolean} */ nesterov) => field({ nesterov })} />`}`;
}

/** What the settings come to. @param {{settings: TrainingSettings}} props */
function Steps({ settings }) {
  const data = useStore((state) => state.data);
  const totals = useStore((state) => state.model?.totals);
  if (!data) return null;
  const { epochs = 1, batchSize = 64, maxSteps } = settings;
  const each = Math.ceil(data.train / batchSize);
  const all = Math.min(epochs * each, maxSteps ?? Infinity);
  return html`<p class="soft settings-sum">
    ${plural(epochs, "epoch")} of ${plural(each, "step")} for ${plural(data.train, "picture")}: ${plural(all, "step")}.
    ${totals && html` Takes about ${bytes(totals.trainingBytes + data.bytes)} on the device.`}
  </p>`;
}

function DeviceField() {
  const devices = useStore((state) => state.devices);
  const auto = useStore((state) => state.auto);
  const noGpu = useStore((state) => state.noGpu);
  const device = useStore((state) => state.device);
  const gpu = devices.find((one) => one.choice === "gpu");
  const cpu = devices.find((one) => one.choice === "cpu");
  const options = [
    { value: "auto", label: `Automatic${devices[auto] ? `: ${deviceName(devices[auto])}` : ""}` },
    { value: "gpu", label: gpu ? `WebGPU: ${deviceName(gpu)}` : "WebGPU: not here", disabled: !gpu },
    { value: "cpu", label: "The CPU, by WebAssembly", disabled: devices.length > 0 && !cpu },
  ];
  const chosen = device === "auto" ? devices[auto] : devices.find((one) => one.choice === device);
  const hint = chosen && [chosen.choice === "cpu" ? "" : chosen.backend, chosen.driver].filter(Boolean).join(" · ");
  return html`
    <${Select} label="Device" options=${options} value=${device} hint=${hint} onChange=${(/** @type {import("../types").DeviceChoice} */ device) => set({ device })} />
    ${noGpu && html`<${Notice} kind="warning" title="Without WebGPU">${noGpu}<//>`}
    ${chosen?.kind === "software gpu" && html`<${Notice} title="This adapter computes on the CPU">
      Your browser gives WebGPU without a graphics processor behind it. Automatic takes what is fastest here.<//>`}`;
}

function RunName() {
  const name = useStore((state) => state.runName);
  return html`<${Input} label="Name of the run" type="text" value=${name} maxlength="100" placeholder="made up where empty" autocomplete="off"
    onInput=${(/** @type {InputEvent} */ event) => set({ runName: /** @type {HTMLInputElement} */ (event.currentTarget).value })} />`;
}

/** Weights to begin with. */
function InitField() {
  const init = useStore((state) => state.init);
  const pick = useRef(/** @type {HTMLInputElement | null} */ (null));
  const take = (/** @type {Event} */ event) => {
    const input = /** @type {HTMLInputElement} */ (event.currentTarget);
    if (input.files?.[0]) set({ init: input.files[0] });
    input.value = "";
  };
  return html`<${Field} label="Begin with weights" hint="A model.safetensors of this model, from here, from the command or from PyTorch.">
    ${(/** @type {object} */ control) => html`<div class="actions">
      <input ...${control} ref=${pick} type="file" accept=".safetensors" class="visually-hidden" tabindex="-1" onChange=${take} />
      <${Button} onClick=${() => pick.current?.click()}>${init ? "Another file" : "Choose a file"}<//>
      ${init && html`<span class="file-name">${init.name} <span class="soft">${bytes(init.size)}</span></span>
        <${Button} kind="quiet" onClick=${() => set({ init: undefined })}>Begin anew instead<//>`}
    </div>`}
  <//>`;
}

/** A device's name: a browser tells none of the processor, and not always the adapter's. @param {import("../types").DeviceReport} device */
export const deviceName = ({ name }) => name || "an adapter that keeps its name to itself";

/** How a run is trained, in one line. @param {TrainingSettings} settings */
export function settingsInShort({ optimizer, batchSize, epochs }) {
  const { type = "sgd", lr = 0 } = optimizer ?? {};
  const momentum = type === "sgd" && optimizer?.momentum ? `, momentum ${optimizer.momentum}` : "";
  return `${OPTIMIZERS[type].label} ${lr}${momentum} · batch ${count(batchSize ?? 64)} · ${plural(epochs ?? 1, "epoch")}`;
}
