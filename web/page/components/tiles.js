// Pictures that the worker sends as pixels.
import { html, useLayoutEffect, useRef } from "../vendor/preact-htm.js";

/** @typedef {import("../types").Tiles} Tiles */

/**
 * One of them, drawn into a canvas that CSS scales without smoothing where the picture is small.
 * @param {{tiles: Tiles, index?: number, label: string, size?: number}} props `size`: CSS pixels of the longer side
 */
export function Tile({ tiles, index = 0, label, size }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const { width, height, rgba } = tiles;
  useLayoutEffect(() => {
    if (index >= tiles.count) return;
    const bytes = width * height * 4;
    const pixels = new Uint8ClampedArray(rgba.buffer, rgba.byteOffset + index * bytes, bytes);
    canvas.current?.getContext("2d")?.putImageData(new ImageData(pixels, width, height), 0, 0);
  }, [tiles, index]);
  const scale = size === undefined ? undefined : size / Math.max(width, height);
  const style = scale && { width: `${width * scale}px`, height: `${height * scale}px` };
  return html`<canvas ref=${canvas} class=${`tile ${Math.max(width, height) < 64 ? "pixelated" : ""}`} width=${width} height=${height}
    style=${style} role="img" aria-label=${label}></canvas>`;
}
