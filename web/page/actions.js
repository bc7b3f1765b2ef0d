// What can be done: each action asks the worker and writes the outcome into the state. Views call these; where only one view
// needs an answer (pictures, an evaluation, a log), it asks by `call` itself.
import { CommandError, call, onEvent, onState, start } from "./client.js";
import { fromTables, tables, whole } from "./model/recipe.js";
import { get, set } from "./state.js";

/** @typedef {import("./types").DataSource} DataSource */
/** @typedef {import("./types").ModelSource} ModelSource */
/** @typedef {import("./types").RunReport} RunReport */
/** @typedef {import("./types").Event} WorkerEvent */
/** @typedef {import("./types").Export} Export */
/** @typedef {import("./types").ModelChoice} ModelChoice */
/** @typedef {import("./state.js").Toast} Toast */

/** Starts the worker and opens what a first visit shows. */
export function boot() {
  onState((worker, crash) => {
    set({ worker, crash });
    if (worker === "crashed") afterCrash();
  });
  onEvent(take);
  restart();
}

/** Starts the worker anew: after a crash too. What was open is opened again. */
export function restart() {
  start();
  void attempt(async () => {
    const [devices, presets] = await Promise.all([call({ type: "devices" }), call({ type: "presets" })]);
    set({
      devices: devices.devices, auto: devices.auto, noGpu: devices.noGpu ?? undefined,
      presets: presets.presets, layerTypes: presets.layerTypes, usual: presets.usual,
    });
    const first = presets.presets.find((preset) => preset.name === "reference-cnn") ?? presets.presets[0];
    const source = get().modelSource ?? (first && { type: "toml", toml: first.toml });
    if (source) await setModel(source);
    await openData(get().dataSource, get().leaveOut);
    await refreshRuns();
  });
}

// ---- Data

let opening = 0;
/** The input of the model that the open data was opened for. */
let openedFor = "";

/**
 * Opens data. Where that fails, what was open before stays open, and the state says why (`dataProblem`).
 * @param {DataSource} source
 * @param {string[]} [leaveOut] paths of files that can't be read and are not wanted
 */
export async function openData(source, leaveOut = []) {
  const own = ++opening;
  set({ attempted: { source, leaveOut }, opening: true, dataProblem: undefined, progress: undefined });
  try {
    const { settings, testFraction } = get();
    const rest = await handOver(source, () => own === opening);
    if (own !== opening) return;
    const input = modelInput();
    const data = await call({ type: "openData", source: rest, input, seed: settings.seed ?? 0, testFraction, leaveOut });
    if (own !== opening) return;
    openedFor = input.join();
    set({ data, dataSource: source, leaveOut, dataVersion: get().dataVersion + 1, opening: false, progress: undefined });
  } catch (error) {
    if (own !== opening) return;
    set({ opening: false, progress: undefined, dataProblem: asCommandError(error) });
  }
}

/** Files that are sent at once: copying a file's handle takes a tenth of a millisecond or more, and no task may take 50. */
const PART = 100;

/**
 * Hands the worker the files of a source in parts, so that the page goes on in between.
 * @param {DataSource} source @param {() => boolean} wanted whether it still is
 * @returns {Promise<DataSource>} what to open: the source with the last part
 */
async function handOver(source, wanted) {
  if (source.type !== "files") return source;
  const { name, files } = source;
  let from = 0;
  for (; files.length - from > PART && wanted(); from += PART) {
    await call({ type: "handOver", files: files.slice(from, from + PART), first: from === 0 });
    set({ progress: { phase: "fetching", done: from + PART, total: files.length } });
  }
  return { type: "files", name, files: files.slice(from) };
}

/** Tries the same data again without the files that could not be read. */
export function leaveUnreadableOut() {
  const { attempted, dataProblem } = get();
  return openData(attempted.source, [...attempted.leaveOut, ...(dataProblem?.files ?? []).map((file) => file.path)]);
}

/** Opens the same data with another share of it for testing. @param {number} testFraction */
export function setTestFraction(testFraction) {
  set({ testFraction });
  return openData(get().dataSource, get().leaveOut);
}

/** Forgets a problem with data: what was open before stays open. */
export function dismissDataProblem() {
  set({ dataProblem: undefined });
}

/**
 * Opens the same data again where the model wants pictures of another size: for who looks at them as the model sees them. A run that begins
 * sees to it by itself; until then who only looks at models need not wait for it.
 */
export async function fitData() {
  const { data, opening: busy, dataProblem, model, dataSource, leaveOut } = get();
  const wanted = model?.problem ? undefined : model?.model?.input;
  if (wanted && data && !busy && !dataProblem && wanted.join() !== openedFor) await openData(dataSource, leaveOut);
}

/** @returns {[number, number, number]} */
function modelInput() {
  return get().model?.model?.input ?? get().data?.size ?? [1, 28, 28];
}

// ---- Model

let describing = 0;

/**
 * Makes a model the one that is trained next. What is wrong with it is told in the state (`model.problem`). Where its text says how to
 * train, that is taken over.
 * @param {ModelSource} modelSource
 */
export async function setModel(modelSource) {
  const own = ++describing;
  set({ modelSource });
  const model = await call({ type: "describeModel", model: modelSource, batchSize: get().settings.batchSize ?? 64 });
  if (own !== describing) return;
  set({ model, described: modelSource });
  if (model.training) {
    const { settings: { more: _, ...settings }, tables } = model.training;
    const other = settings.batchSize !== get().settings.batchSize;
    set({ settings, ...fromTables(tables, settings.optimizer) });
    if (other) return setModel(modelSource); // It takes other room on the device.
  }
}

// ---- Training

/** Changes how the next run is trained. @param {Partial<import("./types").TrainingSettings>} change */
export async function setSettings(change) {
  const { settings: before, modelSource } = get();
  set({ settings: { ...before, ...change } });
  const source = withoutTraining() ?? ("batchSize" in change && change.batchSize !== before.batchSize ? modelSource : undefined);
  if (source) await attempt(() => setModel(source));
}

/** Changes what is set beyond these. @param {Partial<Pick<import("./state.js").State, "recipe" | "rest">>} change */
export async function setRecipe(change) {
  set(change);
  const source = withoutTraining();
  if (source) await attempt(() => setModel(source));
}

/** The model without what its text says of training, where it does: what is set by hand counts from now on. @returns {ModelSource | undefined} */
function withoutTraining() {
  const { model } = get();
  return model?.training && model.toml !== undefined ? { type: "toml", toml: model.toml } : undefined;
}

/**
 * Begins a run with the model, the data, the settings, the name, the first weights and the device of the state.
 * @returns {Promise<boolean>} whether it began
 */
export function startRun() {
  return prepare("new", async () => {
    const { modelSource, described } = get();
    if (!modelSource) return;
    if (described !== modelSource) await setModel(modelSource); // Its text was changed a moment ago, and may say how to train.
    const { model, settings, recipe, rest, device, runName, init } = get();
    if (model?.problem) throw new CommandError(model.problem);
    const all = { ...settings, more: tables(recipe, settings.optimizer, rest) };
    const command = { type: /** @type {const} */ ("start"), model: modelSource, settings: all, device, name: runName };
    const { run } = await call(init ? { ...command, init: new Uint8Array(await init.arrayBuffer()) } : command);
    set({ runName: "" });
    adopt(run);
  });
}

/**
 * Goes on with a kept run where its last checkpoint was taken: on the device that it was on, where that is here, so that it goes on as if
 * nothing had happened.
 * @param {string} id @param {import("./types").DeviceChoice} [device] another one
 */
export function resumeRun(id, device) {
  return prepare(id, async () => {
    const log = await call({ type: "log", run: id });
    const own = get().runs.find((kept) => kept.id === id)?.device.choice ?? "auto";
    const here = get().devices.some((one) => one.choice === own) ? own : "auto";
    const { run } = await call({ type: "resume", run: id, device: device ?? here });
    adopt(run, { steps: log.steps.filter((record) => record.step <= run.step), epochs: log.epochs.filter(({ epoch }) => epoch * run.stepsPerEpoch <= run.step) });
  });
}

/**
 * Prepares a run, unless one is being prepared.
 * @param {string} pending which @param {() => Promise<unknown>} action
 * @returns {Promise<boolean>} whether it goes
 */
async function prepare(pending, action) {
  if (get().pending) return false;
  set({ pending });
  const goes = await attempt(action);
  set(goes ? { pending: "" } : { pending: "", progress: undefined });
  if (goes) await attempt(refreshRuns);
  return goes;
}

/** Gives up the run that is being prepared: all is as it was before. */
export function cancelRun() {
  return attempt(() => call({ type: "cancel" }));
}

/** Asks something of the active run. @param {"continue" | "pause" | "step" | "stop" | "abandon"} type */
export function steer(type) {
  return attempt(async () => {
    try {
      const { run } = await call({ type });
      set({ unkept: "" });
      adopt(run);
    } catch (error) {
      const { code, message } = asCommandError(error);
      if (type !== "stop" || !code.startsWith("storage")) throw error;
      set({ unkept: message }); // It is held: whether it ends all the same is asked.
    }
    if (type === "stop" || type === "abandon") await refreshRuns();
  });
}

/** Lets a run that could not be kept be held, and not end. */
export function keepHeld() {
  set({ unkept: "" });
}

/** Makes a run the active one, with its figures so far. @param {RunReport} run @param {{steps: import("./types").StepRecord[], epochs: import("./types").EpochRecord[]}} [log] */
function adopt(run, log) {
  const { live, progress } = get();
  const chosen = { type: /** @type {const} */ ("run"), run: run.id };
  const same = live.run === run.id && !log;
  const steps = same ? live.steps : (log?.steps ?? []);
  const epochs = same ? live.epochs : (log?.epochs ?? []);
  set({
    run, chosen, runs: get().runs.map((kept) => (kept.id === run.id ? run : kept)),
    live: same ? live : { run: run.id, steps, epochs, version: live.version + 1, samplesPerSecond: 0, secondsLeft: 0 },
    progress: run.state === "running" ? progress : undefined,
  });
}

// ---- Runs

/** Reads the list of runs again. */
export async function refreshRuns() {
  const { runs } = await call({ type: "runs" });
  set({ runs, chosen: get().chosen ?? (runs[0] && { type: "run", run: runs[0].id }) });
}

/** @param {string} run @param {string} name */
export function renameRun(run, name) {
  return attempt(async () => {
    await call({ type: "rename", run, name });
    const active = get().run;
    if (active?.id === run) set({ run: { ...active, name } });
    await refreshRuns();
  });
}

/** @param {string} run */
export function deleteRun(run) {
  return attempt(async () => {
    await call({ type: "delete", run });
    const { chosen, run: active } = get();
    if (chosen?.type === "run" && chosen.run === run) set({ chosen: undefined });
    if (active?.id === run) set({ run: undefined, unkept: "" });
    await refreshRuns();
  });
}

/** Saves a file of a run to the downloads. @param {string} run @param {Export} what */
export function saveExport(run, what) {
  return attempt(async () => {
    const file = await call({ type: "export", run, what });
    const { runs, usual } = get();
    const kept = runs.find((one) => one.id === run);
    // With the text, the command trains the model as the run did.
    const content = what === "toml" && kept ? whole(kept.toml, kept.settings, usual) : /** @type {BlobPart} */ (file.bytes);
    save(file.name, new Blob([content], { type: file.mediaType }));
  });
}

/** Saves something to the downloads. @param {string} name @param {Blob} blob */
export function save(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Opens a model file, to try it or to begin from its weights. @param {File} file */
export function openModelFile(file) {
  return attempt(async () => {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const opened = await call({ type: "openModel", name: file.name, bytes }, [bytes.buffer]);
    set({ opened, chosen: { type: "opened" } });
  });
}

/** Chooses the model that is looked into and tried. @param {ModelChoice} chosen */
export function choose(chosen) {
  set({ chosen });
}

// ---- What happens

/** @param {WorkerEvent} event */
function take(event) {
  const { live } = get();
  switch (event.type) {
    case "progress":
      return set({ progress: event.done < event.total ? { phase: event.phase, done: event.done, total: event.total } : undefined });
    case "data":
      openedFor = event.input.join();
      return set({ data: event.data, dataVersion: get().dataVersion + 1 });
    case "steps": {
      const own = live.run === event.run ? live : { ...live, run: event.run, steps: [], epochs: [] };
      own.steps.push(...event.steps);
      return count(event.run, event.steps.at(-1)?.step, {
        ...own, version: live.version + 1, samplesPerSecond: event.samplesPerSecond, secondsLeft: event.secondsLeft,
      });
    }
    case "epoch":
      if (live.run === event.run) live.epochs.push(event.epoch);
      return set({ live: { ...live, version: live.version + 1 }, run: afterEpoch(event.run, event.epoch) });
    case "saved":
      return;
    case "state":
      adopt(event.run);
      if (event.run.state === "finished" || event.run.state === "failed") void attempt(refreshRuns);
      return;
    case "deviceLost":
      live.steps = live.steps.filter((record) => record.step <= event.step);
      toast("warning", `The device was lost (${event.reason}). Training goes on from step ${event.step}, on ${event.device.name}.`);
      return count(event.run, event.step, { ...live, version: live.version + 1 });
  }
}

/** The active run, with the figures of an epoch. @param {string} id @param {import("./types").EpochRecord} last */
function afterEpoch(id, last) {
  const { run } = get();
  return run?.id === id ? { ...run, last, bestAccuracy: Math.max(run.bestAccuracy ?? 0, last.testAccuracy) } : run;
}

/** @param {string} id @param {number | undefined} step @param {import("./state.js").Live} live */
function count(id, step, live) {
  const { run } = get();
  set(run?.id === id && step !== undefined ? { live, run: { ...run, step } } : { live });
}

function afterCrash() {
  const { run } = get();
  const stopped = run && (run.state === "running" || run.state === "paused");
  set({ opening: false, progress: undefined, run: stopped ? { ...run, state: "stopped" } : run });
}

// ---- Telling people

let lastToast = 0;

/** Says something at the edge of the page. Errors stay until they are dismissed. @param {Toast["kind"]} kind @param {string} text */
export function toast(kind, text) {
  const id = ++lastToast;
  set({ toasts: [...get().toasts.slice(-3), { id, kind, text }] });
  if (kind !== "error") setTimeout(() => dismiss(id), 8000);
}

/** @param {number} id */
export function dismiss(id) {
  set({ toasts: get().toasts.filter((one) => one.id !== id) });
}

/**
 * Does something, and says so where it fails.
 * @param {() => Promise<unknown>} action
 * @returns {Promise<boolean>} whether it was done
 */
export async function attempt(action) {
  try {
    await action();
    return true;
  } catch (error) {
    const failure = asCommandError(error);
    // A crash has its own place in the page, and who gives something up knows it.
    if (!["crashed", "cancelled"].includes(failure.code)) toast("error", failure.message);
    return false;
  }
}

/** @param {unknown} error */
export function asCommandError(error) {
  if (error instanceof CommandError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new CommandError({ code: "page", message, files: [] });
}
