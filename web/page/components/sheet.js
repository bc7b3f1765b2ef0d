// Many small pictures in one canvas: filters and feature maps.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-htm.js";

/** @typedef {import("../types").Tiles} Tiles */

/**
 * Pictures side by side, each enlarged by a whole number, as many in a row as there is room.
 * @param {{tiles: Tiles, label: string, size?: number, most?: number}} props `size`: about how large each is, in CSS pixels; `most`: how
 *   many are drawn
 */
export function Sheet({ tiles, label, size = 56, most = tiles.count }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const [room, setRoom] = useState(0);
  useEffect(() => {
    if (!box.current) return;
    const sizes = new ResizeObserver(([entry]) => requestAnimationFrame(() => setRoom(Math.floor(entry.contentRect.width))));
    sizes.observe(box.current);
    return () => sizes.disconnect();
  }, []);
  const shown = Math.min(tiles.count, most);
  useLayoutEffect(() => {
    const ctx = canvas.current?.getContext("2d");
    if (canvas.current && ctx && room > 0 && shown > 0) draw(canvas.current, ctx, tiles, shown, room, size);
  }, [tiles, shown, room, size]);
  return html`<div class="sheet" ref=${box}><canvas ref=${canvas} role="img" aria-label=${label}></canvas></div>`;
}

/**
 * @param {HTMLCanvasElement} canvas @param {CanvasRenderingContext2D} ctx @param {Tiles} tiles @param {number} shown @param {number} room
 * @param {number} size
 */
function draw(canvas, ctx, { width, height, rgba }, shown, room, size) {
  const gap = 3;
  const scale = devicePixelRatio || 1;
  const fit = size / Math.max(width, height);
  const factor = Math.min(fit > 1 ? Math.max(1, Math.round(fit)) : fit, room / width);
  const [across, down] = [width * factor, height * factor];
  const columns = Math.max(1, Math.min(shown, Math.floor((room + gap) / (across + gap))));
  const rows = Math.ceil(shown / columns);
  const [wide, high] = [columns * (across + gap) - gap, rows * (down + gap) - gap];
  canvas.width = Math.round(wide * scale);
  canvas.height = Math.round(high * scale);
  canvas.style.width = `${wide}px`;
  canvas.style.height = `${high}px`;
  ctx.imageSmoothingEnabled = factor < 1;
  const one = document.createElement("canvas");
  one.width = width;
  one.height = height;
  const small = /** @type {CanvasRenderingContext2D} */ (one.getContext("2d", { willReadFrequently: true }));
  const bytes = width * height * 4;
  for (let at = 0; at < shown; at += 1) {
    small.putImageData(new ImageData(new Uint8ClampedArray(rgba.buffer, rgba.byteOffset + at * bytes, bytes), width, height), 0, 0);
    const [x, y] = [(at % columns) * (across + gap), Math.floor(at / columns) * (down + gap)];
    ctx.drawImage(one, x * scale, y * scale, across * scale, down * scale);
  }
}
