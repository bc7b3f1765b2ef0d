// Trying: what a trained model sees in a picture, or in front of the camera.
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { asCommandError } from "../actions.js";
import { call } from "../client.js";
import { grab, useCamera } from "../components/camera.js";
import { fromDrop } from "../components/files.js";
import { ModelPicker, NoModel } from "../components/modelpicker.js";
import { Viewfinder } from "../components/recorder.js";
import { useDrop } from "../components/sources.js";
import { Tile } from "../components/tiles.js";
import { Button, Card, Empty, Notice, Tabs } from "../components/ui.js";
import { count, duration, percent } from "../format.js";
import { get, useStore } from "../state.js";

/** @typedef {import("../types").Tiles} Tiles */
/** @typedef {import("../types").ClassProbability} ClassProbability */
/** @typedef {import("../types").PictureSource} PictureSource */
/** @typedef {{classes: ClassProbability[], tiles: Tiles, seconds: number, rate?: number, truth?: string, name?: string}} Seen */

/** Classes that are shown; the rest are the least probable. */
const MOST = 12;

export default function Try() {
  const chosen = useStore((state) => state.chosen);
  const [how, setHow] = useState("picture");
  const tabs = [{ id: "picture", label: "A picture" }, { id: "camera", label: "The camera, live" }];
  return html`<div class="view try-view">
    <header class="view-head">
      <div><h1>Try</h1><p>Show the model something, and read what it makes of it. Pictures stay on this device.</p></div>
      ${chosen && html`<${ModelPicker} />`}
    </header>
    ${chosen
      ? html`<${Tabs} label="What to show" tabs=${tabs} selected=${how} onSelect=${setHow}>${how === "picture" ? html`<${PictureTrial} />` : html`<${CameraTrial} />`}<//>`
      : html`<${NoModel}>Train for a minute, or open a <code>model.safetensors</code> that was saved here or by the command.<//>`}
  </div>`;
}

/** Asks the chosen model. @param {PictureSource} picture @param {Transferable[]} [transfer] @returns {Promise<Seen>} */
function ask(picture, transfer = []) {
  const model = get().chosen;
  if (!model) throw new Error("No model is chosen.");
  return call({ type: "predict", model, picture }, transfer);
}

function PictureTrial() {
  const chosen = useStore((state) => state.chosen);
  const tests = useStore((state) => Boolean(state.data));
  const [last, setLast] = useState(/** @type {{file?: File} | undefined} */ (undefined));
  const [seen, setSeen] = useState(/** @type {Seen | undefined} */ (undefined));
  const [problem, setProblem] = useState("");
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const show = (/** @type {FileList | undefined | null} */ files) => {
    if (files?.[0]) setLast({ file: files[0] });
  };
  const over = useDrop(async (transfer) => {
    const { files } = await fromDrop(transfer, () => {});
    const first = files.find(({ file }) => file instanceof File);
    if (first) setLast({ file: /** @type {File} */ (first.file) });
  });
  useEffect(() => {
    if (!last) return;
    let current = true;
    look(last).then(
      (result) => current && (setSeen(result), setProblem("")),
      (error) => current && (setSeen(undefined), setProblem(asCommandError(error).message)),
    );
    return () => {
      current = false;
    };
  }, [last, chosen]);
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (seen) place.current?.scrollIntoView({ block: "nearest" }); // On a phone it is below what can be seen.
  }, [seen]);
  return html`<div class="trial">
    <div class=${`try-drop ${over ? "over" : ""}`}>
      <p class="sources-title">${over ? "Let go: the model looks at it" : "Drop a picture"}</p>
      <div class="actions">
        <${Button} kind="primary" onClick=${() => input.current?.click()}>Choose a picture<//>
        <${Button} disabled=${!tests} onClick=${() => setLast({})}>One of the test pictures<//>
      </div>
      <input ref=${input} type="file" hidden accept="image/png,image/jpeg,image/webp" aria-label="Choose a picture"
        onChange=${() => (show(input.current?.files), input.current && (input.current.value = ""))} />
      ${last?.file && !problem && html`<${Preview} file=${last.file} />`}
    </div>
    <div ref=${place}>${problem ? html`<${Notice} kind="error" title="The model can't look at that">${problem}<//>` : html`<${Verdict} seen=${seen} />`}</div>
  </div>`;
}

/** What the model sees in a file, or else in one of the test pictures that belong to it. @param {{file?: File}} what @returns {Promise<Seen>} */
async function look({ file }) {
  if (file) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    return { ...(await ask({ type: "file", name: file.name, bytes }, [bytes.buffer])), name: file.name };
  }
  const pictures = (/** @type {number} */ from, /** @type {number} */ count) =>
    call({ type: "pictures", of: get().chosen, part: "test", class: undefined, from, count });
  const index = Math.floor(Math.random() * (await pictures(0, 0)).total);
  const [seen, shown] = await Promise.all([ask({ type: "test", index }), pictures(index, 1)]);
  return { ...seen, truth: shown.classes[shown.labels[0]], name: `Test picture ${index + 1}` };
}

/** The picture as it was given. @param {{file: File}} props */
function Preview({ file }) {
  const [url, setUrl] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return url ? html`<img class="preview" src=${url} alt=${`The picture ${file.name}`} decoding="async" />` : null;
}

function CameraTrial() {
  const camera = useCamera();
  const [seen, setSeen] = useState(/** @type {Seen | undefined} */ (undefined));
  const [problem, setProblem] = useState("");
  const canvas = useRef(document.createElement("canvas"));
  useEffect(() => {
    void camera.start();
  }, []);
  useEffect(() => {
    if (camera.state !== "on") return;
    let current = true;
    let rate = 0;
    const loop = async () => {
      let begun = performance.now();
      while (current) {
        await new Promise(requestAnimationFrame); // The next frame to be seen; the answer to the last has come.
        const context = camera.video.current && grab(camera.video.current, canvas.current, 224);
        if (!context || document.hidden) continue;
        if (get().progress?.phase === "evaluating") {
          await new Promise((done) => setTimeout(done, 100)); // A question now would break the evaluation off.
          continue;
        }
        const image = context.getImageData(0, 0, 224, 224);
        try {
          const reply = await ask({ type: "pixels", image }, [image.data.buffer]);
          const now = performance.now();
          rate = rate ? 0.9 * rate + 100 / (now - begun) : 1000 / (now - begun);
          begun = now;
          if (current) setSeen({ ...reply, rate });
        } catch (error) {
          if (current) setProblem(asCommandError(error).message);
          return;
        }
      }
    };
    setProblem("");
    void loop();
    return () => {
      current = false;
    };
  }, [camera.state]);
  return html`<div class="trial">
    <div class="try-camera">
      <${Viewfinder} camera=${camera} />
      ${camera.state === "on" && html`<${Button} onClick=${camera.stop}>Stop the camera<//>`}
    </div>
    ${problem ? html`<${Notice} kind="error" title="The model can't look at that">${problem}<//>` : html`<${Verdict} seen=${seen} live />`}
  </div>`;
}

/** What the model says. @param {{seen: Seen | undefined, live?: boolean}} props */
function Verdict({ seen, live = false }) {
  if (!seen) {
    return html`<${Empty} title=${live ? "Waiting for the camera" : "Nothing shown yet"}>
      ${live ? "As soon as there is a picture, the classes and their probabilities move with it." : "The classes with their probabilities appear here, with the picture as the model sees it."}
    <//>`;
  }
  const [best] = seen.classes;
  const shown = seen.classes.slice(0, MOST);
  // In front of a camera bars keep their places, or nobody could read them.
  if (live && seen.classes.length <= MOST) shown.sort((a, b) => a.name.localeCompare(b.name));
  const time = duration(seen.seconds < 0.01 ? 0.01 : seen.seconds);
  const figures = seen.rate ? `${seen.rate.toFixed(seen.rate < 10 ? 1 : 0)} frames a second` : seen.seconds < 0.01 ? "in less than 0.01 s" : `in ${time}`;
  const right = seen.truth === undefined ? undefined : seen.truth === best.name;
  return html`<${Card} class="verdict" title=${html`<span>${best.name}</span> <span class="figure soft">${percent(best.probability)}</span>`}>
    <p class="visually-hidden" role="status">${live ? "" : `${best.name}, ${percent(best.probability)}`}</p>
    <div class="verdict-body">
      <figure><${Tile} tiles=${seen.tiles} label="The picture as the model sees it" size=${160} /><figcaption class="soft">As the model sees it</figcaption></figure>
      <ol class="chances">
        ${shown.map((one) => html`<li key=${one.name} class=${one === best ? "best" : ""}>
          <span class="chance-name">${one.name}</span>
          <span class="chance-bar" aria-hidden="true"><span style=${{ transform: `scaleX(${one.probability})` }}></span></span>
          <span class="figure">${percent(one.probability)}</span>
        </li>`)}
      </ol>
    </div>
    <p class="soft verdict-foot">${seen.name && html`${seen.name}. `}${seen.classes.length > MOST && html`The ${count(MOST)} most probable of ${count(seen.classes.length)} classes. `}
      ${right !== undefined && html`<strong class=${right ? "right" : "wrong"}>${right ? "Right." : `Wrong: it is ${seen.truth}.`}</strong> `}${figures}</p>
  <//>`;
}
