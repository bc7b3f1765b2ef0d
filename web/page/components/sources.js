// Where pictures come from: dropped, picked, recorded, or those that come along.
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { asCommandError, openData, toast } from "../actions.js";
import { count, plural } from "../format.js";
import { get, useStore } from "../state.js";
import { fromDrop, fromInput, onlyFolder } from "./files.js";
import { Recorder } from "./recorder.js";
import { Button, Progress } from "./ui.js";

/** @typedef {import("./files.js").Picked} Picked */

/** Opens what was picked; added to a single class that was picked just before and could not be trained on alone. @param {Picked} picked */
async function use(picked) {
  if (picked.files.length === 0) return toast("warning", "Nothing was in there. Choose a folder that holds a folder of pictures for each class.");
  const before = lonelyClass();
  const own = onlyFolder(picked.files);
  if (before && own && before.folder !== own) {
    return openData({ type: "files", name: `${before.folder}, ${own}`, files: [...before.files, ...picked.files] });
  }
  return openData({ type: "files", name: picked.name, files: picked.files });
}

/** The single class that waits for others. @returns {{folder: string, files: import("../types").PathFile[]} | undefined} */
export function lonelyClass() {
  const { dataProblem, attempted } = get();
  if (dataProblem?.code !== "one-class" || attempted.source.type !== "files") return undefined;
  const folder = onlyFolder(attempted.source.files);
  return folder ? { folder, files: attempted.source.files } : undefined;
}

export function Sources() {
  const [listing, setListing] = useState(/** @type {number | undefined} */ (undefined));
  const [recording, setRecording] = useState(false);
  const embedded = useStore((state) => state.dataSource.type === "embedded" && !state.dataProblem);
  const over = useDrop(async (transfer) => {
    setListing(0);
    try {
      const picked = await fromDrop(transfer, setListing);
      setListing(undefined);
      await use(picked);
    } catch (error) {
      setListing(undefined);
      toast("error", asCommandError(error).message);
    }
  });
  const record = (/** @type {import("../types").PathFile[]} */ files) => {
    setRecording(false);
    return openData({ type: "files", name: "Camera", files });
  };
  if (recording) return html`<section class="card" aria-label="Camera"><${Recorder} onUse=${record} onClose=${() => setRecording(false)} /></section>`;
  return html`<section class=${`sources ${over ? "over" : ""}`} aria-label="Choose pictures">
    <div class="sources-say">
      <p class="sources-title">${over ? "Let go: they are opened here" : "Drop your own pictures anywhere on this page"}</p>
      <p class="soft">A folder for each class, named for what it shows; or a zip of that, or IDX or CIFAR files. PNG, JPEG and WebP.</p>
    </div>
    <div class="actions">
      <${Picker} label="Choose a folder" folder onPick=${use} />
      <${Picker} label="Choose files or a zip" onPick=${use} />
      <${Button} onClick=${() => setRecording(true)}>Use the camera<//>
      ${!embedded && html`<${Button} kind="quiet" onClick=${() => openData({ type: "embedded" })}>Back to the clothing<//>`}
    </div>
    ${listing !== undefined && html`<${Progress} label="Looking through what was dropped" note=${plural(listing, "file")} />`}
    <${Opening} />
  </section>`;
}

/** How far the opening is. */
function Opening() {
  const opening = useStore((state) => state.opening);
  const progress = useStore((state) => state.progress);
  const worker = useStore((state) => state.worker);
  if (worker === "starting") return html`<${Progress} label="Loading the part that computes" />`;
  if (!opening || worker === "crashed") return null;
  const label = { fetching: "Fetching the pictures", decoding: "Reading the pictures", preparing: "Preparing", evaluating: "Evaluating" }[progress?.phase ?? "decoding"];
  return html`<${Progress} label=${label} done=${progress?.done} total=${progress?.total} note=${progress && `${count(progress.done)} of ${count(progress.total)}`} />`;
}

/** A button in front of a file input. @param {{label: string, folder?: boolean, onPick: (picked: Picked) => void}} props */
function Picker({ label, folder = false, onPick }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const change = () => {
    const list = input.current?.files;
    if (list) onPick(fromInput(list));
    if (input.current) input.current.value = ""; // The same may be picked again.
  };
  return html`<${Button} onClick=${() => input.current?.click()}>${label}<//>
    <input ref=${input} type="file" hidden multiple webkitdirectory=${folder} aria-label=${label} onChange=${change} />`;
}

/** Takes what is dropped anywhere on the page. @param {(transfer: DataTransfer) => void} onDrop @returns {boolean} whether files hang over it */
export function useDrop(onDrop) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0;
    const holdsFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
    const enter = (/** @type {DragEvent} */ event) => {
      if (!holdsFiles(event)) return;
      depth += 1;
      setOver(true);
    };
    const leave = (/** @type {DragEvent} */ event) => {
      if (!holdsFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const hover = (/** @type {DragEvent} */ event) => holdsFiles(event) && event.preventDefault();
    const drop = (/** @type {DragEvent} */ event) => {
      if (!holdsFiles(event) || !event.dataTransfer) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      onDrop(event.dataTransfer);
    };
    const listeners = /** @type {const} */ ([["dragenter", enter], ["dragleave", leave], ["dragover", hover], ["drop", drop]]);
    for (const [name, listener] of listeners) addEventListener(name, /** @type {EventListener} */ (listener));
    return () => {
      for (const [name, listener] of listeners) removeEventListener(name, /** @type {EventListener} */ (listener));
    };
  }, []);
  return over;
}
