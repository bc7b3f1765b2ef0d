// What follows the training as it goes, without drawing more often than the eye takes in.
import { useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { onEvent } from "../client.js";
import { get, set, subscribe } from "../state.js";
import { deviceName } from "./settings.js";

/**
 * A part of the state, read at most every so many milliseconds, and always once more when it has come to rest.
 * @template T
 * @param {(state: import("../state.js").State) => T} select @param {number} [interval] @returns {T}
 */
export function useThrottled(select, interval = 100) {
  const [value, setValue] = useState(() => select(get()));
  const read = useRef(select);
  read.current = select;
  useEffect(() => {
    let shown = read.current(get());
    let timer = 0;
    let last = 0;
    const show = () => {
      timer = 0;
      last = performance.now();
      shown = read.current(get());
      setValue(() => shown);
    };
    const check = () => {
      if (!timer && read.current(get()) !== shown) timer = setTimeout(show, Math.max(0, last + interval - performance.now()));
    };
    show();
    const end = subscribe(check);
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [interval]);
  return value;
}

/** Calls now and then while the component is there and the page is seen. @param {() => void} action @param {number} interval @param {boolean} on */
export function useInterval(action, interval, on) {
  const latest = useRef(action);
  latest.current = action;
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => document.visibilityState === "visible" && latest.current(), interval);
    return () => clearInterval(timer);
  }, [on, interval]);
}

/** @typedef {{run: string, steps: number[], at: number, lost: string}} Marks after which steps a run was saved, when last, and why its device was lost */

/** @type {Marks} */
let marks = { run: "", steps: [], at: 0, lost: "" };

/** The marks of a run; the steps grow in place. @param {string | undefined} run */
export const marksOf = (run) => (marks.run === run ? marks : undefined);

/** @type {WakeLockSentinel | undefined} */
let lock;
let wanted = false;
let started = false;

/** From now on notes what was saved, and keeps the screen from going dark while a run trains, where the browser can. */
export function attend() {
  if (started) return;
  started = true;
  onEvent((event) => {
    if (event.type !== "saved" && event.type !== "deviceLost") return;
    if (marks.run !== event.run) marks = { run: event.run, steps: [], at: 0, lost: "" };
    if (event.type === "saved") {
      marks.steps.push(event.step);
      marks.at = Date.now();
    } else marks.lost = `${event.reason}. Training goes on from step ${event.step}, on ${deviceName(event.device)}.`;
    set({});
  });
  subscribe(keepAwake);
  document.addEventListener("visibilitychange", keepAwake);
  keepAwake();
}

/** A lock is let go by the browser when the page is hidden: it is asked for again when the page is back. */
async function keepAwake() {
  const now = get().run?.state === "running" && document.visibilityState === "visible";
  if (now === wanted) return;
  wanted = now;
  try {
    if (!now) await lock?.release();
    else if ("wakeLock" in navigator) lock = await navigator.wakeLock.request("screen");
  } catch {} // Refused, to save power, say: training does not depend on it.
}
