// What goes on inside: the filters of the first layer, as they change, and what each layer makes of a picture.
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { asCommandError } from "../actions.js";
import { call } from "../client.js";
import { count, plural } from "../format.js";
import { layerType } from "../model/layers.js";
import { useStore } from "../state.js";
import { useInterval } from "./live.js";
import { Sheet } from "./sheet.js";
import { Tile } from "./tiles.js";
import { Button, Card, LinkButton, Notice, Progress, Select } from "./ui.js";

/** @typedef {import("../types").ModelChoice} ModelChoice */
/** @typedef {import("../types").RunReport} RunReport */
/** @typedef {import("../types").Tiles} Tiles */

/** @param {{choice: ModelChoice, run: RunReport | undefined}} props */
export function Filters({ choice, run }) {
  const [filters, setFilters] = useState(/** @type {{layer: string, tiles: Tiles} | undefined} */ (undefined));
  const [problem, setProblem] = useState("");
  const asking = useRef(false);
  const current = useRef("");
  const key = JSON.stringify(choice);
  current.current = key;
  const training = run?.state === "running";
  const ask = async () => {
    if (asking.current) return;
    asking.current = true;
    try {
      const reply = await call({ type: "filters", model: choice });
      if (current.current === key) {
        setFilters(reply);
        setProblem("");
      }
    } catch (error) {
      if (current.current === key) setProblem(asCommandError(error).message);
    }
    asking.current = false;
  };
  useEffect(() => {
    setFilters(undefined);
    void ask();
  }, [key]);
  useEffect(() => void (!training && ask()), [training, run?.step === 0]);
  useInterval(ask, 1000, training && !problem);
  if (problem) return html`<${Notice} title="There are no filters to show">${problem}<//>`;
  if (!filters) return html`<${Progress} label="Asking for the filters" />`;
  const size = `${filters.tiles.height} × ${filters.tiles.width}`;
  return html`<${Card} title=${`${plural(filters.tiles.count, "filter")} of ${filters.layer}`}>
    <p class="soft">Each is laid over every place of the picture: it answers where the picture looks like it. Bright is a large weight.
      ${training ? " They change as you watch." : run && run.state !== "finished" ? " While it trains, they change as you watch." : ""}</p>
    <${Sheet} tiles=${filters.tiles} size=${72} most=${512} label=${`${plural(filters.tiles.count, "filter")} of ${size} weights of the layer ${filters.layer}`} />
  <//>`;
}

const PAGE = 24;

/** @param {{choice: ModelChoice, run: RunReport | undefined, picture: number | undefined, onPick: (picture: number) => void}} props */
export function FeatureMaps({ choice, run, picture, onPick }) {
  return html`<div class="feature-view">
    <${Picker} key=${JSON.stringify(choice)} choice=${choice} picture=${picture} onPick=${onPick} />
    ${picture === undefined ? html`<p class="soft">Choose a picture to see what each layer makes of it.</p>` : html`<${Maps} choice=${choice} run=${run} picture=${picture} />`}
  </div>`;
}

/** Test pictures to choose from: those that belong to the model. @param {{choice: ModelChoice, picture: number | undefined, onPick: (picture: number) => void}} props */
function Picker({ choice, picture, onPick }) {
  const data = useStore((state) => state.data);
  const version = useStore((state) => state.dataVersion);
  const [chosen, setChosen] = useState("");
  const [from, setFrom] = useState(Math.floor((picture ?? 0) / PAGE) * PAGE); // Where the picture is that was chosen elsewhere.
  const [page, setPage] = useState(/** @type {Extract<import("../types").Reply, {type: "pictures"}> | undefined} */ (undefined));
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let current = true;
    call({ type: "pictures", of: choice, part: "test", class: chosen === "" ? undefined : Number(chosen), from, count: PAGE }).then((reply) => {
      if (!current) return;
      setPage(reply);
      setProblem("");
      if (reply.indices.length === 0 && from > 0) return setFrom(0); // It was chosen among the pictures of another model.
      if (reply.indices.length > 0 && (picture === undefined || (chosen === "" && picture >= reply.total))) onPick(reply.indices[0]);
    }, (error) => current && setProblem(asCommandError(error).message));
    return () => {
      current = false;
    };
  }, [version, chosen, from]);
  if (!data) return html`<${Notice} title="There are no pictures" actions=${html`<${LinkButton} href="#/data">Choose pictures<//>`}>Open pictures first: this shows what the layers make of one.<//>`;
  if (problem) return html`<${Notice} kind="error" title="The pictures can't be shown">${problem}<//>`;
  const options = [{ value: "", label: "of any class" }, ...(page?.classes ?? []).map((name, at) => ({ value: String(at), label: name }))];
  const total = page?.total ?? 0;
  return html`<${Card} title="A test picture" actions=${html`<${Select} label="Show" inline options=${options} value=${chosen} onChange=${(/** @type {string} */ value) => {
    setChosen(value);
    setFrom(0);
  }} />`}>
    <ul class="picker">${page?.indices.map((index, at) => html`<li key=${index}>
      <button type="button" class=${index === picture ? "chosen" : ""} aria-pressed=${String(index === picture)} onClick=${() => onPick(index)}>
        <${Tile} tiles=${page.tiles} index=${at} size=${56} label=${`Test picture ${index + 1}, ${page.classes[page.labels[at]]}`} /></button>
    </li>`)}</ul>
    <div class="actions">
      <${Button} disabled=${from === 0} onClick=${() => setFrom(Math.max(0, from - PAGE))}>Earlier<//>
      <${Button} disabled=${from + PAGE >= total} onClick=${() => setFrom(from + PAGE)}>Later<//>
      <span class="soft">${total > 0 ? `${count(from + 1)} to ${count(Math.min(total, from + PAGE))} of ${count(total)}` : ""}${picture !== undefined ? `; chosen is ${count(picture + 1)}` : ""}</span>
    </div>
  <//>`;
}

/** @param {{choice: ModelChoice, run: RunReport | undefined, picture: number}} props */
function Maps({ choice, run, picture }) {
  const version = useStore((state) => state.dataVersion);
  const [layers, setLayers] = useState(/** @type {import("../types").FeatureMap[] | undefined} */ (undefined));
  const [problem, setProblem] = useState("");
  const key = `${JSON.stringify(choice)} ${picture} ${version}`;
  const current = useRef("");
  const asking = useRef("");
  current.current = key;
  const ask = async () => {
    if (asking.current === key) return;
    asking.current = key;
    try {
      const reply = await call({ type: "featureMaps", model: choice, picture });
      if (current.current !== key) return;
      setLayers(reply.layers);
      setProblem("");
    } catch (error) {
      if (current.current === key) setProblem(asCommandError(error).message);
    }
    if (asking.current === key) asking.current = "";
  };
  useEffect(() => void ask(), [key]);
  useInterval(ask, 2000, run?.state === "running" && !problem);
  if (problem) return html`<${Notice} kind="error" title="The layers can't be shown for this picture" actions=${html`<${LinkButton} href="#/data">Choose other pictures<//>`}>${problem}<//>`;
  if (!layers) return html`<${Progress} label="Computing the layers" />`;
  return html`<div class="maps">${layers.map((map) => html`<${LayerMap} key=${map.layer} map=${map} />`)}</div>`;
}

/** @param {{map: import("../types").FeatureMap}} props */
function LayerMap({ map: { layer, type, tiles } }) {
  const [all, setAll] = useState(false);
  const most = all ? Math.min(tiles.count, 2048) : 64;
  const row = tiles.height === 1;
  const says = row ? plural(tiles.width, "number") : `${plural(tiles.count, "channel")} of ${tiles.height} × ${tiles.width}`;
  return html`<${Card} level=${3} title=${html`${layer} <span class="soft map-type">${layerType(type).label} · ${says}</span>`}>
    ${row ? html`<${Tile} tiles=${tiles} label=${`${layer}: ${says}, brighter where larger`} />`
      : html`<${Sheet} tiles=${tiles} size=${tiles.height > 1 ? 64 : 24} most=${most} label=${`${layer}: ${says}, brighter where larger`} />`}
    ${!row && tiles.count > 64 && !all && html`<${Button} onClick=${() => setAll(true)}>Show all ${count(tiles.count)}<//>`}
  <//>`;
}
