// The page's end of the wire: sends commands to the worker, hands its answers to who asked and its events to who listens.

/** @typedef {import("./types").Command} Command */
/** @typedef {import("./types").Reply} Reply */
/** @typedef {import("./types").Event} WorkerEvent */
/** @typedef {import("./types").Failure} Failure */
/** @typedef {import("./types").Message} Message */
/** @typedef {import("./types").UnreadableFile} UnreadableFile */

/**
 * Which answer belongs to which command.
 * @typedef {{
 *   devices: "devices", presets: "presets", describeModel: "model", handOver: "done", openData: "data", pictures: "pictures", start: "run",
 *   resume: "run", cancel: "done", continue: "run", pause: "run", step: "run", stop: "run", abandon: "run", runs: "runs", log: "log", rename: "done",
 *   delete: "done", export: "file", openModel: "opened", evaluate: "evaluation", filters: "filters",
 *   featureMaps: "featureMaps", predict: "prediction", storage: "storage",
 * }} Answers
 */

/** Why a command came to nothing. */
export class CommandError extends Error {
  /** @param {Failure} failure */
  constructor(failure) {
    super(sentence(failure.message));
    this.name = "CommandError";
    /** What kind it is, for programs. */
    this.code = failure.code;
    /** @type {UnreadableFile[]} The files that can't be read. */
    this.files = failure.files ?? [];
    /** @type {string | undefined} The layer at which a model is wrong. */
    this.layer = failure.layer;
  }
}

/** With a capital in front, unless it begins with the name of something, and a stop behind. @param {string} text */
export function sentence(text) {
  const begun = /^[a-z’']+ /.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
  return /[.!?…)]$/.test(begun) ? begun : `${begun}.`;
}

/** @typedef {"starting" | "ready" | "crashed"} WorkerState */

/** @type {Worker | undefined} */
let worker;
let lastId = 0;
/** @type {Map<number, {resolve: (reply: any) => void, reject: (error: Error) => void}>} */
const waiting = new Map();
/** @type {Set<(event: WorkerEvent) => void>} */
const listeners = new Set();
/** @type {Set<(state: WorkerState, reason: string) => void>} */
const watchers = new Set();
/** @type {{promise: Promise<void>, resolve: () => void, reject: (error: Error) => void}} */
let ready = latch();

/** Starts the worker, in the place of the one that was there. Commands sent before it is ready wait for it. */
export function start() {
  worker?.terminate();
  ready.reject(new CommandError({ code: "crashed", message: "The worker was started anew.", files: [] }));
  ready = latch();
  tellState("starting", "");
  const own = new Worker(new URL("./worker.js", document.baseURI), { type: "module" });
  worker = own;
  own.onmessage = (event) => own === worker && receive(event.data);
  own.onmessageerror = () => own === worker && crash("It sent something that can't be read.");
  own.onerror = (event) => {
    event.preventDefault();
    if (own === worker) crash(event.message || "Its program could not be loaded.");
  };
}

/**
 * Asks the worker for something.
 * @template {Command["type"]} T
 * @param {{type: T} & Extract<Command, {type: T}>} command
 * @param {Transferable[]} [transfer] what is handed over rather than copied
 * @returns {Promise<Extract<Reply, {type: Answers[T]}>>} fails with a CommandError
 */
export async function call(command, transfer = []) {
  await ready.promise;
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker?.postMessage({ id, command }, transfer);
  });
}

/**
 * Listens to what happens in the worker.
 * @param {(event: WorkerEvent) => void} listener
 * @returns {() => void} ends it
 */
export function onEvent(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Listens to how the worker itself stands.
 * @param {(state: WorkerState, reason: string) => void} watcher
 * @returns {() => void} ends it
 */
export function onState(watcher) {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** @param {Message} message */
function receive(message) {
  switch (message.type) {
    case "ready":
      ready.resolve();
      return tellState("ready", "");
    case "event":
      return listeners.forEach((listener) => listener(message.event));
    case "reply":
      take(message.id)?.resolve(message.reply);
      return;
    case "failed":
      take(message.id)?.reject(new CommandError(message.error));
  }
}

/** @param {number} id */
function take(id) {
  const asker = waiting.get(id);
  waiting.delete(id);
  return asker;
}

/** @param {string} reason */
function crash(reason) {
  worker?.terminate();
  worker = undefined;
  const error = new CommandError({ code: "crashed", message: `The part that computes has stopped: ${reason}`, files: [] });
  ready.reject(error);
  for (const asker of waiting.values()) asker.reject(error);
  waiting.clear();
  tellState("crashed", reason);
}

/** @param {WorkerState} state @param {string} reason */
function tellState(state, reason) {
  for (const watcher of watchers) watcher(state, reason);
}

function latch() {
  let resolve = () => {};
  /** @type {(error: Error) => void} */
  let reject = () => {};
  const promise = new Promise((/** @type {(value: void) => void} */ yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {}); // Who waits for it is told; nobody need wait.
  return { promise, resolve, reject };
}
