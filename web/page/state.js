// What the page knows, in one place. Views read it by `useStore`; actions.js alone writes it.
import { useEffect, useRef, useState } from "./vendor/preact-htm.js";

/** @typedef {import("./types").DeviceReport} DeviceReport */
/** @typedef {import("./types").DeviceChoice} DeviceChoice */
/** @typedef {import("./types").DataReport} DataReport */
/** @typedef {import("./types").DataSource} DataSource */
/** @typedef {import("./types").ModelSource} ModelSource */
/** @typedef {import("./types").ModelReport} ModelReport */
/** @typedef {import("./types").TrainingSettings} TrainingSettings */
/** @typedef {import("./types").RunReport} RunReport */
/** @typedef {import("./types").StepRecord} StepRecord */
/** @typedef {import("./types").EpochRecord} EpochRecord */
/** @typedef {import("./types").Preset} Preset */
/** @typedef {import("./types").ModelChoice} ModelChoice */
/** @typedef {import("./types").Phase} Phase */
/** @typedef {import("./client.js").CommandError} CommandError */

/**
 * The active run as it goes. The two lists grow in place: watch `version`, which changes whenever they do.
 * @typedef {object} Live
 * @property {string} run
 * @property {StepRecord[]} steps
 * @property {EpochRecord[]} epochs
 * @property {number} version
 * @property {number} samplesPerSecond
 * @property {number} secondsLeft
 */

/**
 * @typedef {object} Toast
 * @property {number} id
 * @property {"info" | "good" | "warning" | "error"} kind
 * @property {string} text
 */

/**
 * @typedef {object} State
 * @property {import("./client.js").WorkerState} worker how the worker stands
 * @property {string} crash why it stopped
 * @property {DeviceReport[]} devices
 * @property {number} auto which of them is chosen where nobody chooses
 * @property {string | undefined} noGpu why there is no WebGPU
 * @property {Preset[]} presets
 * @property {string[]} layerTypes
 * @property {DataReport | undefined} data what is open
 * @property {number} dataVersion changes whenever other pictures are open
 * @property {DataSource} dataSource where they are
 * @property {string[]} leaveOut what of it is left out
 * @property {{source: DataSource, leaveOut: string[]}} attempted what was last asked to be opened
 * @property {number} testFraction
 * @property {boolean} opening whether data is being opened
 * @property {CommandError | undefined} dataProblem why it could not be
 * @property {ModelSource | undefined} modelSource what is trained next
 * @property {ModelReport | undefined} model what the worker says of it
 * @property {ModelSource | undefined} described what `model` was said of
 * @property {TrainingSettings} settings
 * @property {TrainingSettings | undefined} usual how the command trains where nothing is said of it
 * @property {import("./model/recipe.js").Recipe} recipe what is set beyond these
 * @property {import("./model/recipe.js").Rest} rest what a model's text said beyond both
 * @property {DeviceChoice} device
 * @property {string} runName what the next run is called; made up where empty
 * @property {File | undefined} init a model.safetensors whose weights the next run begins with
 * @property {RunReport | undefined} run the active run, or the last one that was
 * @property {string} pending the run that is being prepared: an id, "new", or empty
 * @property {Live} live
 * @property {string} unkept why the active run, which was to end, could not be kept: whether it ends all the same is asked
 * @property {RunReport[]} runs all that are kept, the newest first
 * @property {{name: string, classes: string[], toml: string, input: [number, number, number]} | undefined} opened a model file
 * @property {ModelChoice | undefined} chosen the model that is looked into and tried
 * @property {{phase: Phase, done: number, total: number} | undefined} progress
 * @property {Toast[]} toasts
 */

/** @type {State} */
let state = {
  worker: "starting",
  crash: "",
  devices: [],
  auto: 0,
  noGpu: undefined,
  presets: [],
  layerTypes: [],
  data: undefined,
  dataVersion: 0,
  dataSource: { type: "embedded" },
  leaveOut: [],
  attempted: { source: { type: "embedded" }, leaveOut: [] },
  testFraction: 0.2,
  opening: false,
  dataProblem: undefined,
  modelSource: undefined,
  model: undefined,
  described: undefined,
  settings: { epochs: 5, batchSize: 64, optimizer: { type: "sgd", lr: 0.01, momentum: 0.9 }, seed: 0, shuffle: true },
  usual: undefined,
  recipe: {},
  rest: {},
  device: "auto",
  runName: "",
  init: undefined,
  run: undefined,
  pending: "",
  live: { run: "", steps: [], epochs: [], version: 0, samplesPerSecond: 0, secondsLeft: 0 },
  unkept: "",
  runs: [],
  opened: undefined,
  chosen: undefined,
  progress: undefined,
  toasts: [],
};

/** @type {Set<() => void>} */
const subscribers = new Set();
let told = true;

/** What is known now. */
export function get() {
  return state;
}

/**
 * Changes some of it. Views are told once, after all changes of the same task.
 * @param {Partial<State>} change
 */
export function set(change) {
  state = { ...state, ...change };
  if (!told) return;
  told = false;
  queueMicrotask(() => {
    told = true;
    for (const subscriber of [...subscribers]) subscriber();
  });
}

/**
 * Calls whenever something has changed.
 * @param {() => void} subscriber
 * @returns {() => void} ends it
 */
export function subscribe(subscriber) {
  subscribers.add(subscriber);
  return () => subscribers.delete(subscriber);
}

/**
 * A part of the state, in a component that is drawn anew when that part becomes another one (by ===; select single values, or call
 * the hook several times).
 * @template T
 * @param {(state: State) => T} select
 * @returns {T}
 */
export function useStore(select) {
  const value = select(state);
  const last = useRef({ select, value });
  last.current = { select, value };
  const [, redraw] = useState({});
  useEffect(() => {
    const check = () => {
      if (last.current.select(state) !== last.current.value) redraw({});
    };
    check(); // What changed between drawing and subscribing.
    return subscribe(check);
  }, []);
  return value;
}
