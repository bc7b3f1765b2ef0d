// Pictures for classes, from the camera: name a class, show it the thing, hold its button.
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { plural } from "../format.js";
import { grab, useCamera } from "./camera.js";
import { Button, Input, Notice } from "./ui.js";

/** @typedef {import("../types").PathFile} PathFile */
/** @typedef {{key: number, name: string, frames: Blob[], last: ImageData | undefined}} Recorded a class */

/** Pixels of a frame's side: more than the models here look at. */
const SIDE = 224;
/** Milliseconds between frames. */
const PACE = 100;

/** What has been recorded since the page was opened: it outlives the view. @type {Recorded[]} */
const classes = [{ key: 1, name: "First", frames: [], last: undefined }, { key: 2, name: "Second", frames: [], last: undefined }];

/** The recorded frames as files, `class/0001.jpg`. @returns {PathFile[]} */
function filesOf() {
  return classes.flatMap(({ name, frames }) => frames.map((file, at) => ({
    path: `${folderOf(name)}/${String(at + 1).padStart(4, "0")}.jpg`, file,
  })));
}

/** @param {string} name */
const folderOf = (name) => name.trim().replace(/[/\\]/g, "-");

/** What keeps the recorded pictures from being used, in words. */
function hindrance() {
  const names = classes.map(({ name }) => folderOf(name).toLowerCase());
  if (names.some((name) => !name)) return "Give each class a name.";
  if (new Set(names).size < names.length) return "Two classes have the same name: change one.";
  const few = classes.find(({ frames }) => frames.length < 2);
  return few && `“${few.name}” has ${few.frames.length === 0 ? "no pictures" : "one picture"} yet: hold its button for a second or two.`;
}

/** @param {{onUse: (files: PathFile[]) => void, onClose: () => void}} props */
export function Recorder({ onUse, onClose }) {
  const camera = useCamera();
  const [, redraw] = useState({});
  const [holding, setHolding] = useState(0);
  const canvas = useRef(document.createElement("canvas"));
  useEffect(() => {
    void camera.start();
  }, []);

  const shoot = async (/** @type {Recorded} */ one) => {
    const context = camera.video.current && grab(camera.video.current, canvas.current, SIDE);
    if (!context) return;
    one.last = context.getImageData(0, 0, SIDE, SIDE);
    const frame = await new Promise((/** @type {(blob: Blob | null) => void} */ done) => canvas.current.toBlob(done, "image/jpeg", 0.92));
    if (frame) one.frames.push(frame);
    redraw({});
  };
  useEffect(() => {
    const one = classes.find(({ key }) => key === holding);
    if (!one || camera.state !== "on") return;
    void shoot(one);
    const timer = setInterval(() => void shoot(one), PACE);
    return () => clearInterval(timer);
  }, [holding, camera.state]);
  useKeys(setHolding);

  const add = () => {
    const key = Math.max(0, ...classes.map((one) => one.key)) + 1;
    classes.push({ key, name: `Class ${classes.length + 1}`, frames: [], last: undefined });
    redraw({});
  };
  const remove = (/** @type {Recorded} */ one) => {
    classes.splice(classes.indexOf(one), 1);
    redraw({});
  };
  const missing = hindrance();
  return html`<div class="recorder">
    <${Viewfinder} camera=${camera} recording=${holding !== 0} />
    <div class="recorder-classes">
      ${classes.map((one, at) => html`<${ClassRow} key=${one.key} one=${one} number=${at + 1} ready=${camera.state === "on"}
        holding=${holding === one.key} onHold=${(/** @type {boolean} */ held) => setHolding((/** @type {number} */ now) => (held ? one.key : now === one.key ? 0 : now))}
        onChange=${() => redraw({})} onRemove=${classes.length > 2 ? () => remove(one) : undefined} />`)}
      <${Button} kind="quiet" onClick=${add}>+ Another class<//>
      <p class="soft">Hold a button, or the number key of a class, and show the thing from many sides. Fifty pictures a class are a good start.</p>
      <div class="actions">
        <${Button} kind="primary" disabled=${Boolean(missing)} onClick=${() => onUse(filesOf())}>Use these pictures<//>
        <${Button} onClick=${onClose}>Close the camera<//>
      </div>
      <p class="soft" role="status">${missing}</p>
    </div>
  </div>`;
}

/** The camera's picture, or what is in its way. @param {{camera: ReturnType<typeof useCamera>, recording?: boolean}} props */
export function Viewfinder({ camera, recording = false }) {
  const { state, problem, video, start } = camera;
  return html`<div class=${`viewfinder ${recording ? "recording" : ""}`}>
    ${state === "on" && html`<video ref=${video} autoplay playsinline muted aria-label="The camera's picture"></video>`}
    ${state === "asking" && html`<p>The browser asks whether this page may use the camera …</p>`}
    ${problem && html`<${Notice} kind="error" title=${problem.title} actions=${html`<${Button} onClick=${start}>Try again<//>`}>${problem.text}<//>`}
    ${state === "off" && !problem && html`<${Button} onClick=${start}>Start the camera<//>`}
  </div>`;
}

/**
 * @param {{one: Recorded, number: number, ready: boolean, holding: boolean, onHold: (held: boolean) => void, onChange: () => void, onRemove?: () => void}} props
 */
function ClassRow({ one, number, ready, holding, onHold, onChange, onRemove }) {
  const hold = (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0) return;
    /** @type {HTMLElement} */ (event.currentTarget).setPointerCapture(event.pointerId);
    onHold(true);
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat) onHold(event.type === "keydown");
  };
  const release = () => onHold(false);
  const rename = (/** @type {Event} */ event) => {
    one.name = /** @type {HTMLInputElement} */ (event.currentTarget).value;
    onChange();
  };
  const clear = () => {
    one.frames.length = 0;
    one.last = undefined;
    onChange();
  };
  return html`<div class=${`recorder-class ${holding ? "holding" : ""}`}>
    <${Frame} image=${one.last} name=${one.name} />
    <${Input} label=${`Class ${number}`} value=${one.name} maxlength="60" onInput=${rename} />
    <${Button} class="hold" disabled=${!ready} aria-pressed=${String(holding)} aria-label=${`Hold to record ${one.name}`} onPointerDown=${hold}
      onPointerUp=${release} onPointerCancel=${release} onLostPointerCapture=${release} onKeyDown=${key} onKeyUp=${key} onBlur=${release}
      onContextMenu=${(/** @type {Event} */ event) => event.preventDefault()}>${holding ? "Recording" : "Hold"}<//>
    <p class="recorder-count">${plural(one.frames.length, "picture")}
      ${one.frames.length > 0 && html` <button type="button" class="link" onClick=${clear} aria-label=${`Delete the pictures of ${one.name}`}>delete</button>`}
      ${onRemove && html` <button type="button" class="link" onClick=${onRemove} aria-label=${`Remove the class ${one.name}`}>remove class</button>`}
    </p>
  </div>`;
}

/** The last frame of a class. @param {{image: ImageData | undefined, name: string}} props */
function Frame({ image, name }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (image) context?.putImageData(image, 0, 0);
    else context?.clearRect(0, 0, SIDE, SIDE);
  }, [image]);
  return html`<canvas ref=${canvas} class="tile" width=${SIDE} height=${SIDE} role="img" aria-label=${image ? `The last picture of ${name}` : `No picture of ${name} yet`}></canvas>`;
}

/** Number keys record as buttons do. @param {(key: number) => void} setHolding */
function useKeys(setHolding) {
  useEffect(() => {
    const typing = (/** @type {KeyboardEvent} */ event) => event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey;
    const down = (/** @type {KeyboardEvent} */ event) => {
      const one = classes[Number(event.key) - 1];
      if (one && !event.repeat && !typing(event)) setHolding(one.key);
    };
    const up = (/** @type {KeyboardEvent} */ event) => {
      if (classes[Number(event.key) - 1]) setHolding(0);
    };
    const leave = () => setHolding(0);
    addEventListener("keydown", down);
    addEventListener("keyup", up);
    addEventListener("blur", leave);
    return () => {
      removeEventListener("keydown", down);
      removeEventListener("keyup", up);
      removeEventListener("blur", leave);
    };
  }, []);
}
