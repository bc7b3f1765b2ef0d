// Training: how, and how it goes.
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { cancelRun, resumeRun, saveExport, setSettings, startRun, steer } from "../actions.js";
import { call } from "../client.js";
import { attend, marksOf, useThrottled } from "../components/live.js";
import { RunCurves } from "../components/runcurves.js";
import { SettingsForm, deviceName } from "../components/settings.js";
import { useSuccessor } from "../components/successor.js";
import { heldBecause, isFull } from "../components/stopping.js";
import { Button, Card, LinkButton, Notice, Progress, Readout, Readouts } from "../components/ui.js";
import { bytes, count, duration, percent } from "../format.js";
import { get, useStore } from "../state.js";

/** @typedef {import("../types").RunReport} RunReport */

attend();

// What changes with every step is read where it is drawn, and not more often than is seen: the rest stands still meanwhile.
export default function Train() {
  const run = useStore((state) => state.run?.id);
  return html`<div class="view train">
    <header class="view-head"><div>
      <h1>Train</h1>
      <p>The network sees the pictures again and again, and each time its weights move a little towards what would have been right.</p>
    </div></header>
    <${Control} />
    <${Outcome} />
    <div class=${`train-grid ${run ? "has-run" : ""}`}>
      ${run && html`<div class="train-main"><${Figures} /><${RunCurves} /></div>`}
      <${Card} title=${run ? "Settings of the next run" : "Settings"} class="train-settings"><${SettingsForm} /><//>
    </div>
  </div>`;
}

/** Why a run can't begin now, and where that can be changed. @returns {{text: string, href: string, label: string} | undefined} */
function useHindrance() {
  const data = useStore((state) => state.data);
  const opening = useStore((state) => state.opening);
  const model = useStore((state) => state.model);
  if (!data) return opening ? { text: "The pictures are being opened.", href: "", label: "" } : { text: "There are no pictures yet to train on.", href: "#/data", label: "Choose pictures" };
  if (!model) return { text: "The model is being read.", href: "", label: "" };
  if (model.problem) return { text: `The model can't be trained as it is: ${model.problem.message}`, href: "#/model", label: "Change the model" };
  return undefined;
}

/** Which button takes the place of another. */
const NEXT = { start: "pause", resume: "pause", continue: "pause", pause: "continue", step: "continue", stop: "resume", cancel: "start" };

/** The buttons that steer the run, and what is being waited for. */
function Control() {
  const id = useStore((state) => state.run?.id);
  const state = useStore((state) => state.run?.state);
  const progress = useStore((state) => state.progress);
  const pending = useStore((state) => state.pending);
  const hindrance = useHindrance();
  const focus = useSuccessor(NEXT);
  const [waiting, setWaiting] = useState("");
  const during = (/** @type {string} */ name, /** @type {() => Promise<unknown>} */ action) => async () => {
    setWaiting(name);
    await action();
    setWaiting("");
  };
  const button = (/** @type {string} */ name, /** @type {string} */ label, /** @type {() => Promise<unknown>} */ action, /** @type {object} */ rest = {}) =>
    html`<${Button} key=${name} data-action=${name} busy=${waiting === name} disabled=${waiting !== ""} onClick=${during(name, action)} ...${rest}>${label}<//>`;
  const active = state === "running" || state === "paused";
  const start = button("start", id ? "Start a new run" : "Start", startRun, {
    kind: state === "stopped" ? "plain" : "primary", big: !id, disabled: waiting !== "" || Boolean(hindrance),
  });
  const phases = { preparing: "Preparing kernels for the device", evaluating: "Evaluating the test pictures", fetching: "Fetching pictures", decoding: "Decoding pictures" };
  const shown = progress && (pending || waiting || active) ? progress : undefined;
  const bar = shown ? html`<${Progress} label=${phases[shown.phase]} done=${shown.done} total=${shown.total} note=${`${count(shown.done)} of ${count(shown.total)}`} />`
    : pending && html`<${Progress} label="Getting ready" />`;
  if (pending) {
    return html`<div class="actions control" role="group" aria-label="Training" ...${focus}>
      <${Button} kind="primary" big=${!id} busy disabled>Getting ready …<//>
      <${Button} data-action="cancel" onClick=${cancelRun}>Cancel<//>
    </div>${bar}`;
  }
  return html`
    <div class="actions control" role="group" aria-label="Training" ...${focus}>
      ${state === "running" && [button("pause", "Pause", () => steer("pause")), button("stop", "Stop", () => steer("stop"))]}
      ${state === "paused" && [
        button("continue", "Continue", () => steer("continue"), { kind: "primary" }), button("step", "One step", () => steer("step")),
        button("stop", "Stop", () => steer("stop")),
      ]}
      ${id && state === "stopped" && button("resume", "Resume", () => resumeRun(id), { kind: "primary" })}
      ${!active && start}
      ${!active && hindrance?.href && html`<${LinkButton} href=${hindrance.href}>${hindrance.label}<//>`}
      ${!active && hindrance && html`<span class="soft">${hindrance.text}</span>`}
    </div>
    ${bar}`;
}

/** How the run stands, in figures. */
function Figures() {
  const run = useThrottled((state) => state.run);
  const speed = useThrottled((state) => state.live.samplesPerSecond, 500);
  const left = useThrottled((state) => state.live.secondsLeft, 500);
  const saved = useThrottled((state) => marksOf(state.run?.id)?.steps.at(-1) ?? 0, 500);
  if (!run) return null;
  const epochs = run.stepsPerEpoch ? run.step / run.stepsPerEpoch : 0;
  const all = run.stepsPerEpoch ? Math.ceil(run.totalSteps / run.stepsPerEpoch) : 0;
  const running = run.state === "running";
  return html`<${Card} title=${run.name} class="train-figures">
    <${Progress} label=${{ running: "Training", paused: "Paused", stopped: "Stopped", finished: "Finished", failed: "Broke off" }[run.state]}
      done=${run.step} total=${run.totalSteps} note=${`step ${count(run.step)} of ${count(run.totalSteps)}`} />
    <${Readouts}>
      <${Readout} label="Epochs done" value=${epochs.toFixed(1)} unit=${`of ${all}`} live=${running} />
      <${Readout} label="Test accuracy" value=${percent(run.last?.testAccuracy)} />
      <${Readout} label="Best so far" value=${percent(run.bestAccuracy)} />
      <${Readout} label="Pictures a second" value=${running && speed ? count(speed) : "–"} live=${running} />
      <${Readout} label="Time left" value=${running && speed ? duration(left) : "–"} live=${running} />
      <${Readout} label="On the device" value=${bytes(run.deviceBytes)} />
    <//>
    <p class="soft train-device">On ${deviceName(run.device)} (${[run.device.choice === "cpu" ? "" : run.device.backend, run.device.driver].filter(Boolean).join(", ")}).
      ${saved > 0 && html` Last saved after step ${count(saved)}; the marks under the curves are what was saved.`}</p>
  <//>`;
}

/**
 * The share of the test pictures that a run that has ended gets right. One that ended in the middle of an epoch was not tested then: that
 * is made up for.
 * @param {RunReport | undefined} run @returns {{waiting: boolean, accuracy?: number}}
 */
function useScore(run) {
  const [tested, setTested] = useState(/** @type {{key: string, accuracy?: number}} */ ({ key: "" }));
  const late = run?.state === "finished" && (run.last?.epoch ?? 0) * run.stepsPerEpoch < run.step;
  const key = late ? `${run.id} ${run.step}` : "";
  useEffect(() => {
    if (!run || !key) return;
    call({ type: "evaluate", model: { type: "run", run: run.id }, wrong: 0 })
      .then(({ accuracy }) => setTested({ key, accuracy }), () => setTested({ key })); // Other pictures are open, say: then it is not known.
  }, [key]);
  return key ? { waiting: tested.key !== key, accuracy: tested.accuracy } : { waiting: false, accuracy: run?.last?.testAccuracy };
}

/** What has come of it, and what to do next. */
function Outcome() {
  useStore(({ run }) => `${run?.id} ${run?.state} ${run?.last?.epoch} ${run?.problem}`);
  const { run } = get();
  const score = useScore(run);
  const lost = useThrottled((state) => marksOf(state.run?.id)?.lost ?? "", 200);
  if (!run) return null;
  const save = () => saveExport(run.id, "model");
  const download = html`<${Button} onClick=${save}>Download the model<//>`;
  if (run.state === "failed") return html`<${Failed} run=${run} download=${download} />`;
  if (score.waiting) return html`<${Progress} label="Testing what it has learned" />`;
  if (run.state === "finished" || (run.state === "stopped" && run.last)) {
    return html`<${Notice} kind=${run.state === "finished" ? "good" : "info"} title=${run.state === "finished" ? "The training is finished" : "The training was stopped"}
      actions=${html`
        <${LinkButton} href="#/try" kind="primary">Try it<//>
        <${LinkButton} href="#/understand">See its mistakes<//>
        ${download}`}>
      ${score.accuracy === undefined ? "" : `${percent(score.accuracy)} of the ${count(run.test)} test pictures are right.`}
      ${run.state === "stopped" && ` It is kept as it stood after step ${count(run.step)}, and can be resumed.`}
    <//>`;
  }
  if (run.problem) {
    const room = isFull(run) && html`<${LinkButton} href="#/runs">Make room among the runs<//>`;
    return html`<${Notice} kind="warning" title=${run.state === "paused" ? `The training is held${heldBecause(run)}, and nothing is lost` : "Something went wrong"}
      actions=${html`${room}${download}`}>${run.problem}<//>`;
  }
  if (run.state === "stopped") return html`<${Notice} title="The training was stopped" actions=${download}>It is kept as it stood after step ${count(run.step)}, and can be resumed.<//>`;
  return lost ? html`<${Notice} kind="warning" title="The device was lost">${lost}<//>` : null;
}

/** @param {{run: RunReport, download: unknown}} props */
function Failed({ run, download }) {
  const problem = run.problem ?? "No reason was given.";
  const wild = /nan|infinit|finite/i.test(problem);
  const large = /memory|bytes|too large|allocat/i.test(problem);
  const { optimizer, batchSize = 64 } = run.settings;
  const slower = optimizer?.lr === undefined ? undefined : { ...optimizer, lr: Number((optimizer.lr / 10).toPrecision(3)) };
  const smaller = Math.max(1, batchSize >> 1);
  return html`<${Notice} kind="error" title="The training broke off" actions=${html`
      ${wild && slower && html`<${Button} onClick=${() => setSettings({ optimizer: slower })}>Take a learning rate of ${slower.lr}<//>`}
      ${large && html`<${Button} onClick=${() => setSettings({ batchSize: smaller })}>Take batches of ${smaller}<//>`}
      ${run.step > 0 && download}
      <${LinkButton} href="#/runs">All runs<//>`}>
    <p>${problem}</p>
    ${wild && html`<p>Most often the learning rate is too high. Take a tenth of it, then start again.</p>`}
    ${large && html`<p>A smaller batch, smaller pictures or a smaller model take less memory.</p>`}
    ${run.step > 0 && html`<p>What was learned before is kept, up to the last checkpoint.</p>`}
  <//>`;
}
