// A run that was to end and can't be kept: it is held, and what would be lost is said before it ends all the same.
import { html, useState } from "../vendor/preact-htm.js";
import { keepHeld, saveExport, steer } from "../actions.js";
import { count } from "../format.js";
import { get, useStore } from "../state.js";
import { Button, Dialog } from "./ui.js";

/** @typedef {import("../types").RunReport} RunReport */

/** Whether it is for want of room that a run can't be kept. @param {RunReport} run */
export const isFull = (run) => /storage is full/.test(run.problem ?? "");

/** Why a run is held, to go on a sentence with. @param {RunReport} run */
export const heldBecause = (run) => (isFull(run) ? " because the storage is full" : "");

export function Stopping() {
  const reason = useStore((state) => state.unkept);
  useStore((state) => state.run?.step);
  const [busy, setBusy] = useState("");
  const { run } = get();
  if (!reason || !run) return null;
  const during = (/** @type {string} */ name, /** @type {() => Promise<unknown>} */ action) => async () => {
    setBusy(name);
    await action();
    setBusy("");
  };
  const saved = run.saved ?? 0;
  return html`<${Dialog} title="Stop without keeping it?" onClose=${keepHeld} actions=${html`
      <${Button} kind="primary" busy=${busy === "save"} disabled=${busy !== ""} onClick=${during("save", () => saveExport(run.id, "model"))}>Download the model<//>
      <${Button} kind="danger" busy=${busy === "stop"} disabled=${busy !== ""} onClick=${during("stop", () => steer("abandon"))}>Stop all the same<//>
      <${Button} onClick=${keepHeld}>Keep it held<//>`}>
    <p>${reason}</p>
    <p>${saved < run.step
      ? saved > 0 ? `Stopped now, it goes back to step ${count(saved)}, and what it has learned up to step ${count(run.step)} is lost.`
        : `Nothing of its ${count(run.step)} steps is kept: stopped now, all that it has learned is lost.`
      : `Its checkpoint of step ${count(saved)} is kept.`}
      ${" "}Held, it waits until there is room. Its model can be downloaded first, as it is now.</p><//>`;
}
