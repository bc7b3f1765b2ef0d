// The way from pictures to a trained model: one station each, with what stands there now. On the left of wide screens, at the foot
// of narrow ones.
import { html, useState } from "../vendor/preact-htm.js";
import { cancelRun, startRun, steer } from "../actions.js";
import { compact, count, duration, percent, plural } from "../format.js";
import { useStore } from "../state.js";
import { go } from "./route.js";
import { useSuccessor } from "./successor.js";
import { Button, Progress } from "./ui.js";

/** @param {{route: string}} props */
export function Rail({ route }) {
  const says = useStations();
  const stations = [
    ["data", "Data"], ["model", "Model"], ["train", "Train"], ["understand", "Understand"], ["try", "Try"], ["runs", "Runs"],
  ];
  return html`<header class="rail">
    <a class="brand" href="#/data"><svg viewBox="0 0 32 32" aria-hidden="true"><path d="M4 8h10v10H4z M9 13h10v10H9z M14 18h10v10H14z" /></svg>Convoke</a>
    <nav aria-label="Stations">
      <ol class="stations">
        ${stations.map(([name, title]) => html`<li key=${name} class=${says[name].busy ? "busy" : says[name].done ? "done" : ""}>
          <a href=${`#/${name}`} aria-current=${name === route ? "page" : undefined}>
            <span class="station-name">${title}</span>
            <span class="station-says">${says[name].text}</span>
          </a>
        </li>`)}
      </ol>
    </nav>
    <${Transport} />
    <${Foot} />
  </header>`;
}

/** What each station says. @returns {Record<string, {text: string, done?: boolean, busy?: boolean}>} */
function useStations() {
  const data = useStore((state) => state.data);
  const opening = useStore((state) => state.opening);
  const model = useStore((state) => state.model);
  const run = useStore((state) => state.run);
  const runs = useStore((state) => state.runs);
  const best = run?.last?.testAccuracy ?? run?.bestAccuracy;
  return {
    data: opening ? { text: "Opening …", busy: true } : data ? { text: `${count(data.train + data.test)} · ${plural(data.classes.length, "class", "classes")}`, done: true } : { text: "Nothing yet" },
    model: model?.problem ? { text: "Needs a change" } : model?.totals ? { text: `${compact(model.totals.parameters)} parameters`, done: true } : { text: "…" },
    train: { text: trainingSays(run), busy: run?.state === "running", done: run?.state === "finished" },
    understand: best === undefined ? { text: "After training" } : { text: `${percent(best)} right`, done: true },
    try: best === undefined && runs.length === 0 ? { text: "After training" } : { text: "A picture, the camera", done: true },
    runs: runs.length ? { text: `${count(runs.length)} kept`, done: true } : { text: "None kept" },
  };
}

/** @param {import("../types").RunReport | undefined} run */
function trainingSays(run) {
  if (!run) return "Ready";
  if (run.state === "finished") return "Finished";
  if (run.state === "failed") return "Broke off";
  const at = run.totalSteps > 0 ? percent(run.step / run.totalSteps, 0) : "";
  return { running: `Training, ${at}`, paused: `Paused at ${at}`, stopped: `Stopped at ${at}` }[run.state];
}

/** The one button that matters most now, wherever one is. */
function Transport() {
  const run = useStore((state) => state.run);
  const data = useStore((state) => state.data);
  const wrong = useStore((state) => Boolean(state.model?.problem) || !state.model);
  const speed = useStore((state) => state.live.samplesPerSecond);
  const left = useStore((state) => state.live.secondsLeft);
  const focus = useSuccessor({ pause: "continue", continue: "pause", stop: "train", cancel: "train" });
  const pending = useStore((state) => state.pending);
  if (pending) {
    return html`<div class="transport" ...${focus}><div class="actions">
      <${Button} kind="primary" busy disabled>Getting ready …<//>
      <${Button} data-action="cancel" onClick=${cancelRun}>Cancel<//>
    </div></div>`;
  }
  if (run?.state === "running" || run?.state === "paused") {
    const running = run.state === "running";
    const note = running && speed ? html`<span class="wide-only">${count(speed)}/s · </span>${duration(left)}` : `${count(run.step)} of ${count(run.totalSteps)}`;
    return html`<div class="transport" ...${focus}>
      <${Progress} label=${running ? "Training" : "Paused"} done=${run.step} total=${run.totalSteps} note=${note} />
      <div class="actions">
        ${running ? html`<${Button} data-action="pause" onClick=${() => steer("pause")}>Pause<//>` : html`<${Button} data-action="continue" kind="primary" onClick=${() => steer("continue")}>Go on<//>`}
        <${Button} data-action="stop" onClick=${() => steer("stop")}>Stop<//>
      </div>
    </div>`;
  }
  const train = async () => (await startRun()) && go("train");
  return html`<div class="transport" ...${focus}>
    <${Button} data-action="train" kind="primary" big disabled=${!data || wrong} onClick=${train}>Train<//>
  </div>`;
}

function Foot() {
  const devices = useStore((state) => state.devices);
  const auto = useStore((state) => state.auto);
  const choice = useStore((state) => state.device);
  const device = choice === "auto" ? devices[auto] : devices.find((one) => one.choice === choice);
  return html`<div class="foot">
    ${device && html`<p class="device" title=${`${device.backend} · ${device.driver}`}><span class="lamp" aria-hidden="true"></span>${device.name}${device.kind === "software gpu" && " (a processor that plays a graphics card)"}</p>`}
    <p class="private">Nothing leaves this computer.</p>
    <${Theme} />
  </div>`;
}

function Theme() {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? "system");
  const choose = (/** @type {string} */ chosen) => {
    setTheme(chosen);
    if (chosen === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    try {
      chosen === "system" ? localStorage.removeItem("theme") : localStorage.setItem("theme", chosen);
    } catch {} // Storage may be forbidden: then it holds until the page is closed.
  };
  return html`<div class="theme" role="radiogroup" aria-label="Colours">
    ${["system", "light", "dark"].map((name) => html`<label key=${name}>
      <input type="radio" name="theme" value=${name} checked=${theme === name} onChange=${() => choose(name)} />
      <span>${name === "system" ? "Auto" : name === "light" ? "Light" : "Dark"}</span>
    </label>`)}
  </div>`;
}
