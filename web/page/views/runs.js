// Runs: what was trained and is kept, to compare, to go on with and to take home.
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { asCommandError, attempt, choose, deleteRun, refreshRuns, renameRun, resumeRun, saveExport } from "../actions.js";
import { call } from "../client.js";
import { Compare, MOST_RUNS } from "../components/compare.js";
import { attend, useThrottled } from "../components/live.js";
import { go } from "../components/route.js";
import { deviceName, settingsInShort } from "../components/settings.js";
import { saveCurves } from "../components/svg.js";
import { heldBecause } from "../components/stopping.js";
import { Button, Card, Dialog, Empty, Input, LinkButton, Notice, Progress } from "../components/ui.js";
import { bytes, count, percent, plural } from "../format.js";
import { useStore } from "../state.js";

/** @typedef {import("../types").RunReport} RunReport */
/** @typedef {{key: string, down: boolean}} Order */

attend();

const dates = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const STATES = { running: "training", paused: "paused", stopped: "stopped", finished: "finished", failed: "broke off" };

/** @type {{key: string, label: string, number?: boolean, value: (run: RunReport) => string | number}[]} */
const COLUMNS = [
  { key: "name", label: "Run", value: (run) => run.name.toLowerCase() },
  { key: "state", label: "State", value: (run) => run.step / Math.max(1, run.totalSteps) },
  { key: "accuracy", label: "Test accuracy", number: true, value: (run) => run.last?.testAccuracy ?? -1 },
  { key: "model", label: "Model and pictures", value: (run) => `${run.model} ${run.data}` },
  { key: "settings", label: "Settings", value: (run) => settingsInShort(run.settings) },
  { key: "begun", label: "Begun", value: (run) => run.begun },
];

let selected = new Set(/** @type {string[]} */ ([])); // Kept from one visit of the view to the next.

export default function Runs() {
  const kept = useStore((state) => state.runs);
  const active = useThrottled((state) => state.run, 500);
  const [order, setOrder] = useState(/** @type {Order} */ ({ key: "begun", down: true }));
  const [open, setOpen] = useState("");
  const [, redraw] = useState({});
  useEffect(() => {
    // Other tabs keep, end and delete runs too: what they did is seen when this one is looked at again.
    const read = () => void (document.visibilityState === "visible" && attempt(refreshRuns));
    read();
    const heard = new AbortController();
    document.addEventListener("visibilitychange", read, heard);
    window.addEventListener("focus", read, heard);
    return () => heard.abort();
  }, []);
  useReleases(kept);
  const runs = kept.map((run) => (run.id === active?.id ? { ...active, storedBytes: Math.max(active.storedBytes, run.storedBytes) } : run));
  const column = COLUMNS.find(({ key }) => key === order.key) ?? COLUMNS[0];
  const sorted = [...runs].sort((a, b) => {
    const [x, y] = [column.value(a), column.value(b)];
    return (x < y ? -1 : x > y ? 1 : 0) * (order.down ? -1 : 1);
  });
  const ticked = runs.filter((run) => selected.has(run.id)).slice(0, MOST_RUNS);
  const chosen = ticked.length > 0 ? ticked : runs.filter((run) => run.id === open);
  const toggle = (/** @type {string} */ id) => {
    selected = new Set(runs.filter((run) => (run.id === id) !== selected.has(run.id)).map((run) => run.id));
    redraw({});
  };
  return html`<div class="view runs">
    <header class="view-head"><div><h1>Runs</h1><p>Every run is kept in this browser, with its curves and its last checkpoint, until you delete it.</p></div></header>
    ${runs.length === 0
      ? html`<${Empty} title="No run is kept yet" actions=${html`<${LinkButton} kind="primary" href="#/train">Train<//>`}>
          As soon as a run has begun, it is here: to compare it with others, to go on with it after the page was closed, and to save its files.<//>`
      : html`<${Table} runs=${sorted} order=${order} onOrder=${setOrder} selected=${selected} full=${ticked.length >= MOST_RUNS} onToggle=${toggle} open=${open} onOpen=${setOpen} />
        ${chosen.length > 0 ? html`<${Compare} runs=${chosen} />` : html`<p class="soft">Tick runs to see their curves over one another, and in what they differ; open one to see its own.</p>`}`}
    <${Room} />
  </div>`;
}

/** Reads the runs again as soon as another tab lets one of them go: it holds the lock that the worker takes. @param {RunReport[]} runs */
function useReleases(runs) {
  const elsewhere = runs.filter((run) => run.elsewhere).map((run) => run.id).join(" ");
  useEffect(() => {
    const waiting = new AbortController();
    for (const id of elsewhere.split(" ").filter(Boolean)) {
      navigator.locks?.request(`convoke-run-${id}`, { mode: "shared", signal: waiting.signal }, () => {}).then(() => attempt(refreshRuns), () => {});
    }
    return () => waiting.abort();
  }, [elsewhere]);
}

/**
 * @param {{runs: RunReport[], order: Order, onOrder: (order: Order) => void, selected: Set<string>, full: boolean, onToggle: (id: string) => void,
 *   open: string, onOpen: (id: string) => void}} props
 */
function Table({ runs, order, onOrder, selected, full, onToggle, open, onOpen }) {
  const sort = (/** @type {string} */ key) => onOrder({ key, down: order.key === key ? !order.down : key === "accuracy" || key === "begun" });
  return html`<div class="runs-table"><table>
    <caption class="visually-hidden">Kept runs</caption>
    <thead><tr>
      <th scope="col"><span class="visually-hidden">Compare</span></th>
      ${COLUMNS.map(({ key, label, number }) => html`<th key=${key} scope="col" class=${number ? "number" : ""}
        aria-sort=${order.key === key ? (order.down ? "descending" : "ascending") : "none"}>
        <button type="button" class="sort" onClick=${() => sort(key)}>${label}<span aria-hidden="true"> ${order.key === key ? (order.down ? "↓" : "↑") : ""}</span></button></th>`)}
      <th scope="col"><span class="visually-hidden">More</span></th>
    </tr></thead>
    <tbody>${runs.map((run) => html`
      <tr key=${run.id} class=${open === run.id ? "open" : ""}>
        <td><input type="checkbox" aria-label=${`Compare ${run.name}`} checked=${selected.has(run.id)} disabled=${full && !selected.has(run.id)} onChange=${() => onToggle(run.id)} /></td>
        <th scope="row" class="run-name">${run.name}</th>
        <td data-label="State"><${State} run=${run} /></td>
        <td data-label="Test accuracy" class="number">${percent(run.last?.testAccuracy)}${run.bestAccuracy !== undefined && run.bestAccuracy !== null && run.last && run.bestAccuracy > run.last.testAccuracy
          ? html`<span class="soft run-best">best ${percent(run.bestAccuracy)}</span>` : ""}</td>
        <td data-label="Model and pictures">${run.model}<span class="soft run-second">${run.data}, ${plural(run.classes.length, "class", "classes")}</span></td>
        <td data-label="Settings">${settingsInShort(run.settings)}</td>
        <td data-label="Begun">${dates.format(run.begun)}</td>
        <td><${Button} kind="quiet" aria-expanded=${String(open === run.id)} aria-label=${`More of ${run.name}`} onClick=${() => onOpen(open === run.id ? "" : run.id)}>More <span aria-hidden="true">${open === run.id ? "▴" : "▾"}</span><//></td>
      </tr>
      ${open === run.id && html`<tr key=${`${run.id} more`} class="run-more"><td colspan=${COLUMNS.length + 2}><${More} run=${run} /></td></tr>`}`)}
    </tbody>
  </table></div>`;
}

/** @param {{run: RunReport}} props */
function State({ run }) {
  const share = run.totalSteps > 0 ? percent(run.step / run.totalSteps, 0) : "";
  return html`<span class=${`state ${run.state}`}>${STATES[run.state]}${run.elsewhere ? " in another tab" : ""}${run.state === "finished" ? "" : ` at ${share}`}</span>`;
}

/** Closes the dialog that a button or a form is in: the focus goes back to where it was. @param {globalThis.Event} event */
const closeDialog = (event) => /** @type {HTMLElement} */ (event.currentTarget).closest("dialog")?.close();

/** What can be done with a run. @param {{run: RunReport}} props */
function More({ run }) {
  const [dialog, setDialog] = useState("");
  const [busy, setBusy] = useState("");
  const active = !run.elsewhere && (run.state === "running" || run.state === "paused");
  const kept = !run.elsewhere && run.state !== "running"; // By nobody changed meanwhile.
  const during = (/** @type {string} */ name, /** @type {() => Promise<unknown>} */ action) => async () => {
    setBusy(name);
    await action();
    setBusy("");
  };
  const devices = useStore((state) => state.devices);
  const pending = useStore((state) => state.pending);
  const resume = async (/** @type {import("../types").DeviceChoice | undefined} */ device = undefined) => (await resumeRun(run.id, device)) && go("train");
  const others = devices.filter(({ choice }) => choice !== run.device.choice);
  const remove = async (/** @type {globalThis.Event} */ event) => {
    closeDialog(event);
    if (await deleteRun(run.id)) document.querySelector("main")?.focus(); // What had the focus is gone.
  };
  const look = (/** @type {string} */ view) => () => {
    choose({ type: "run", run: run.id });
    go(view);
  };
  const curves = () => attempt(async () => {
    const { steps, epochs } = await call({ type: "log", run: run.id });
    saveCurves(run, steps, epochs);
  });
  /** @type {{label: string, save: () => Promise<unknown>}[]} */
  const files = [
    { label: "model.safetensors", save: () => saveExport(run.id, "model") },
    { label: "Checkpoint", save: () => saveExport(run.id, "checkpoint") },
    { label: "metrics.jsonl", save: () => saveExport(run.id, "log") },
    { label: "Curves as SVG", save: curves },
    { label: "model.toml", save: () => saveExport(run.id, "toml") },
  ];
  return html`<div class="more-of-run">
    ${run.problem && html`<${Problem} run=${run} />`}
    ${run.elsewhere && html`<${Notice} title="Another tab has this run open">Go on with it there. Here it can be resumed, renamed and deleted when it is stopped there, or that tab is closed.<//>`}
    <dl class="facts">
      <div><dt>Steps</dt><dd>${count(run.step)} of ${count(run.totalSteps)}</dd></div>
      <div><dt>Pictures</dt><dd>${count(run.train)} to train on, ${count(run.test)} to test on</dd></div>
      <div><dt>Parameters</dt><dd>${count(run.parameters)}</dd></div>
      <div><dt>Seed</dt><dd>${run.settings.seed ?? 0}</dd></div>
      ${run.settings.more && html`<div><dt>More settings</dt><dd><pre>${run.settings.more}</pre></dd></div>`}
      <div><dt>Device</dt><dd>${deviceName(run.device)}</dd></div>
      <div><dt>Kept</dt><dd>${bytes(run.storedBytes)}</dd></div>
    </dl>
    <div class="actions">
      ${!run.elsewhere && (run.state === "stopped" || run.state === "failed") && html`
        <${Button} kind="primary" busy=${busy === "resume"} disabled=${busy !== "" || pending !== ""} onClick=${during("resume", () => resume())}>Resume<//>
        ${others.map((device) => html`<${Button} key=${device.choice} busy=${busy === device.choice} disabled=${busy !== "" || pending !== ""}
          onClick=${during(device.choice, () => resume(device.choice))}>Go on with ${device.choice === "cpu" ? "the CPU" : "WebGPU"}<//>`)}`}
      ${active && html`<${LinkButton} href="#/train">Go to the training<//>`}
      <${Button} onClick=${look("understand")}>Understand<//>
      <${Button} onClick=${look("try")}>Try<//>
      <${Button} disabled=${run.elsewhere} onClick=${() => setDialog("rename")}>Rename<//>
      <${Button} kind="danger" disabled=${!kept || pending === run.id} onClick=${() => setDialog("delete")}>Delete<//>
      ${active && !kept && html`<span class="soft">Stop or pause it before you delete it.</span>`}
    </div>
    <div class="actions" role="group" aria-label="Save to the downloads">
      <span class="soft">Download</span>
      ${files.map(({ label, save }) => html`<${Button} key=${label} busy=${busy === label} disabled=${busy !== ""} onClick=${during(label, save)}>${label}<//>`)}
    </div>
    ${dialog === "rename" && html`<${Rename} run=${run} onClose=${() => setDialog("")} />`}
    ${dialog === "delete" && html`<${Dialog} title="Delete this run?" onClose=${() => setDialog("")} actions=${html`
        <${Button} kind="danger" onClick=${remove}>Delete ${run.name}<//><${Button} onClick=${closeDialog}>Keep it<//>`}>
      ${active && html`<p>It is held after step ${count(run.step)}${(run.saved ?? 0) < run.step ? `, and kept only up to step ${count(run.saved ?? 0)}` : ""}. Deleted, it can't go on.</p>`}
      <p>Its model, checkpoint and curves are deleted, ${bytes(run.storedBytes)}. That can't be undone. Download what you want to keep first.</p><//>`}
  </div>`;
}

/** Why a run is not as it should be. @param {{run: RunReport}} props */
function Problem({ run }) {
  if (run.state === "failed") return html`<${Notice} kind="error" title="It broke off">${run.problem}<//>`;
  return html`<${Notice} kind="warning" title=${run.state === "paused" ? `It is held${heldBecause(run)}, and nothing is lost` : "Something went wrong"}>${run.problem}<//>`;
}

/** @param {{run: RunReport, onClose: () => void}} props */
function Rename({ run, onClose }) {
  const [name, setName] = useState(run.name);
  const good = name.trim().length > 0;
  const rename = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLElement} */ (event.currentTarget);
    if (good && (await renameRun(run.id, name.trim()))) form.closest("dialog")?.close();
  };
  return html`<${Dialog} title="Rename the run" onClose=${onClose}>
    <form onSubmit=${rename} class="settings">
      <${Input} label="Name" value=${name} maxlength="100" autocomplete="off" error=${good ? undefined : "A run needs a name."}
        onInput=${(/** @type {InputEvent} */ event) => setName(/** @type {HTMLInputElement} */ (event.currentTarget).value)} />
      <div class="actions"><button type="submit" class="button primary" disabled=${!good}>Rename</button></div>
    </form>
  <//>`;
}

/** How much room runs take. */
function Room() {
  const runs = useStore((state) => state.runs);
  const [room, setRoom] = useState(/** @type {{used: number, quota: number, persisted: boolean} | undefined} */ (undefined));
  const [problem, setProblem] = useState("");
  const read = () => call({ type: "storage" }).then(setRoom, (error) => setProblem(asCommandError(error).message));
  useEffect(() => void read(), [runs]);
  const keep = async () => {
    const granted = await navigator.storage?.persist?.();
    if (!granted) setProblem("The browser has not agreed to keep them for good. Download what matters.");
    await read();
  };
  if (!room) return problem ? html`<${Notice} kind="warning">${problem}<//>` : null;
  const full = room.quota > 0 && room.used > 0.9 * room.quota;
  return html`<${Card} title="Room in this browser" class="room">
    <${Progress} label="In use" done=${room.used} total=${room.quota} note=${`${bytes(room.used)} of ${bytes(room.quota)}`} />
    ${full && html`<${Notice} kind="warning" title="The room is nearly full">New checkpoints may not fit. Download runs that matter, then delete some.<//>`}
    ${room.persisted ? html`<p class="soft">The browser has promised to keep this until you delete it.</p>`
      : html`<div class="actions"><p class="soft">The browser may delete this when the disk fills up.</p><${Button} onClick=${keep}>Ask it to keep everything<//></div>`}
    ${problem && html`<${Notice} kind="warning">${problem}<//>`}
  <//>`;
}
