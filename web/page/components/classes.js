// The classes of the open data: how many pictures each has, and what they look like.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-htm.js";
import { attempt } from "../actions.js";
import { call } from "../client.js";
import { count, plural } from "../format.js";
import { useStore } from "../state.js";
import { Button, Dialog, Select } from "./ui.js";

/** @typedef {import("../types").Tiles} Tiles */
/** @typedef {import("../types").DataReport} DataReport */
/** @typedef {import("../types").Part} Part */

/** Classes that are shown before somebody asks for more. */
const FIRST = 30;
/** The most pictures in a class's row. */
const STRIP = 64;
/** CSS pixels of a picture there, in rem. */
const PLACE = 2.6;

/** @param {{data: DataReport}} props */
export function Classes({ data }) {
  const [all, setAll] = useState(false);
  const [shown, setShown] = useState(/** @type {number | undefined} */ (undefined));
  const version = useStore((state) => state.dataVersion);
  const most = Math.max(1, ...data.classes.map((one) => one.train + one.test));
  const classes = all ? data.classes : data.classes.slice(0, FIRST);
  return html`
    <div class="legend" aria-hidden="true"><span class="key train-key"></span>to train on <span class="key test-key"></span>to test on</div>
    <ul class="classes">
      ${classes.map((one, at) => html`<li key=${`${version} ${one.name}`} class="class-row">
        <button type="button" class="class-name" onClick=${() => setShown(at)} aria-label=${`Show the pictures of ${one.name}`}>${one.name}</button>
        <div class="class-bar" role="img" aria-label=${`${plural(one.train, "picture")} to train on, ${count(one.test)} to test on`}>
          <div class="bar-train" style=${{ width: `${(100 * one.train) / most}%` }}></div>
          <div class="bar-test" style=${{ width: `${(100 * one.test) / most}%` }}></div>
        </div>
        <span class="class-count" aria-hidden="true">${count(one.train)} + ${count(one.test)}</span>
        <${ClassStrip} at=${at} name=${one.name} version=${version} />
      </li>`)}
    </ul>
    ${!all && data.classes.length > FIRST && html`<${Button} onClick=${() => setAll(true)}>Show all ${count(data.classes.length)} classes<//>`}
    ${shown !== undefined && data.classes[shown] && html`<${Gallery} at=${shown} name=${data.classes[shown].name} onClose=${() => setShown(undefined)} />`}`;
}

/**
 * Some pictures of a class, asked for when its row comes into sight.
 * @param {{at: number, name: string, version: number}} props
 */
function ClassStrip({ at, name, version }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const [tiles, setTiles] = useState(/** @type {Tiles | undefined} */ (undefined));
  const small = useStore((state) => (state.data?.size[2] ?? 0) <= 64);
  useEffect(() => {
    let current = true;
    const load = async () => {
      const side = PLACE * parseFloat(getComputedStyle(document.documentElement).fontSize);
      const most = Math.max(1, Math.ceil((place.current?.clientWidth ?? 0) / side));
      const wanted = Math.min(STRIP, most, small ? STRIP : 16); // Large pictures are many bytes.
      const reply = await call({ type: "pictures", of: undefined, part: "train", class: at, from: 0, count: wanted });
      if (current) setTiles(reply.tiles);
    };
    const watch = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      watch.disconnect();
      void attempt(load);
    }, { rootMargin: "200px" });
    if (place.current) watch.observe(place.current);
    return () => {
      current = false;
      watch.disconnect();
    };
  }, [at, version]);
  return html`<div class="strip" ref=${place}>${tiles && html`<${Sheet} tiles=${tiles} columns=${tiles.count} label=${`${plural(tiles.count, "picture")} of ${name}`} />`}</div>`;
}

/**
 * Pictures side by side in one canvas: it takes a fraction of the time that one canvas each takes.
 * @param {{tiles: Tiles, columns: number, label: string}} props
 */
export function Sheet({ tiles, columns, label }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const { count: number, width, height, rgba } = tiles;
  const gap = Math.max(1, Math.round(width / 14));
  const rows = Math.max(1, Math.ceil(number / columns));
  const size = [columns * (width + gap) - gap, rows * (height + gap) - gap];
  useLayoutEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const bytes = width * height * 4;
    for (let at = 0; at < number; at += 1) {
      const pixels = new Uint8ClampedArray(rgba.buffer, rgba.byteOffset + at * bytes, bytes);
      context.putImageData(new ImageData(pixels, width, height), (at % columns) * (width + gap), Math.floor(at / columns) * (height + gap));
    }
  }, [tiles, columns]);
  return html`<canvas key=${size.join()} ref=${canvas} class=${width < 64 ? "pixelated" : ""} width=${size[0]} height=${size[1]} role="img" aria-label=${label}></canvas>`;
}

/** All pictures of a class, page by page. @param {{at: number, name: string, onClose: () => void}} props */
function Gallery({ at, name, onClose }) {
  const [part, setPart] = useState(/** @type {Part} */ ("train"));
  const [from, setFrom] = useState(0);
  const [page, setPage] = useState(/** @type {{tiles: Tiles, total: number} | undefined} */ (undefined));
  const size = useStore((state) => state.data?.size);
  const large = (size?.[2] ?? 0) > 64;
  const narrow = innerWidth < 700;
  const [columns, rows] = large ? [narrow ? 3 : 6, 4] : [narrow ? 8 : 16, 10];
  useEffect(() => {
    let current = true;
    void attempt(async () => {
      const reply = await call({ type: "pictures", of: undefined, part, class: at, from, count: columns * rows });
      if (current) setPage({ tiles: reply.tiles, total: reply.total });
    });
    return () => {
      current = false;
    };
  }, [part, from]);
  const choose = (/** @type {string} */ value) => {
    setFrom(0);
    setPart(/** @type {Part} */ (value));
  };
  const last = page ? Math.min(from + page.tiles.count, page.total) : 0;
  const title = `${name}, as the model sees it`;
  return html`<${Dialog} title=${title} wide onClose=${onClose}>
    <div class="gallery-head">
      <${Select} label="Half" inline value=${part} onChange=${choose} options=${[{ value: "train", label: "to train on" }, { value: "test", label: "to test on" }]} />
      <span role="status">${page && (page.total === 0 ? "None" : `${count(from + 1)} to ${count(last)} of ${count(page.total)}`)}</span>
      <div class="actions">
        <${Button} disabled=${from === 0} onClick=${() => setFrom(from - columns * rows)}>Earlier<//>
        <${Button} disabled=${!page || last >= page.total} onClick=${() => setFrom(from + columns * rows)}>Later<//>
      </div>
    </div>
    <div class="gallery">${page && page.tiles.count > 0 && html`<${Sheet} tiles=${page.tiles} columns=${Math.min(columns, page.tiles.count)} label=${`Pictures of ${name}`} />`}</div>
  <//>`;
}
