// Understanding: what the model takes for what, and what goes on inside it.
import { html, useState } from "../vendor/preact-htm.js";
import { FeatureMaps, Filters } from "../components/insides.js";
import { attend, useThrottled } from "../components/live.js";
import { Mistakes } from "../components/mistakes.js";
import { ModelPicker, NoModel } from "../components/modelpicker.js";
import { Tabs } from "../components/ui.js";
import { get, useStore } from "../state.js";

attend();

export default function Understand() {
  const chosen = useStore((state) => state.chosen);
  const runs = useStore((state) => state.runs);
  const opened = useStore((state) => state.opened);
  useThrottled((state) => state.run, 500);
  const [tab, setTab] = useState("mistakes");
  const [picture, setPicture] = useState(/** @type {number | undefined} */ (undefined));
  const { run: active } = get();
  const id = chosen?.type === "run" ? chosen.run : undefined;
  const run = id === undefined ? undefined : active?.id === id ? active : runs.find((one) => one.id === id);
  const choice = chosen?.type === "opened" ? (opened ? chosen : undefined) : run && chosen;
  const look = (/** @type {number} */ index) => {
    setPicture(index);
    setTab("maps");
  };
  const tabs = [{ id: "mistakes", label: "Mistakes" }, { id: "filters", label: "Filters" }, { id: "maps", label: "Feature maps" }];
  return html`<div class="view understand">
    <header class="view-head">
      <div><h1>Understand</h1><p>Where the model is wrong, what its first layer looks for, and what becomes of a picture inside.</p></div>
      ${choice && html`<${ModelPicker} />`}
    </header>
    ${choice ? html`<${Tabs} label="What to look at" tabs=${tabs} selected=${tab} onSelect=${setTab}>
        ${tab === "mistakes" && html`<${Mistakes} key=${JSON.stringify(choice)} choice=${choice} run=${run} onLook=${look} />`}
        ${tab === "filters" && html`<${Filters} choice=${choice} run=${run} />`}
        ${tab === "maps" && html`<${FeatureMaps} choice=${choice} run=${run} picture=${picture} onPick=${setPicture} />`}
      <//>`
      : html`<${NoModel}>Train a model, or open a model.safetensors that was saved here or by the command. You can look while it trains, too.<//>`}
  </div>`;
}
