// Fields for numbers that may be wrong while they are typed: what is typed stays as it is, and only what is right is passed on.
import { html, useRef, useState } from "../vendor/preact-htm.js";
import { Field, useId } from "./ui.js";

/**
 * @typedef {object} Range
 * @property {number} [min]
 * @property {number} [max]
 * @property {boolean} [whole] whether only whole numbers count
 * @property {boolean} [above] whether `min` itself is too small
 * @property {boolean} [below] whether `max` itself is too large
 */

/**
 * Reads a number, with a comma or a point.
 * @param {string} text @param {Range} range @returns {{value?: number, error?: string}}
 */
export function readNumber(text, { min = -Infinity, max = Infinity, whole = false, above = false, below = false }) {
  const clean = text.trim().replace(",", ".");
  const value = Number(clean);
  const fits = clean !== "" && Number.isFinite(value) && (!whole || Number.isInteger(value))
    && (above ? value > min : value >= min) && (below ? value < max : value <= max);
  return fits ? { value } : { error: `This takes ${range({ min, max, whole, above, below })}.` };
}

/** @param {Required<Range>} range */
function range({ min, max, whole, above, below }) {
  const number = whole ? "a whole number" : "a number";
  const low = Number.isFinite(min) ? `${above ? "above" : "from"} ${min.toLocaleString("en")}` : "";
  const high = Number.isFinite(max) ? `${below ? "below" : low && !above ? "to" : "up to"} ${max.toLocaleString("en")}` : "";
  return [number, low, high && low && (above || below) ? `and ${high}` : high].filter(Boolean).join(" ");
}

/**
 * What is typed into a field, with what is wrong with it. While it stands for the value, the field shows what was typed.
 * @template T
 * @param {T} value @param {(value: T) => string} write @param {(text: string) => {value?: T, error?: string}} read
 * @param {(value: T) => void} onChange @param {boolean} late whether to wait for the end of the typing
 */
export function useTyped(value, write, read, onChange, late = false) {
  const [typed, setTyped] = useState(/** @type {string | undefined} */ (undefined));
  const parsed = typed === undefined ? {} : read(typed);
  const now = write(value);
  const pass = (/** @type {string} */ text) => {
    const next = read(text);
    if (!next.error && write(/** @type {T} */ (next.value)) !== now) onChange(/** @type {T} */ (next.value));
  };
  // The value follows what is typed a moment later: only where it then becomes another one does the field show that.
  const seen = useRef("");
  const own = typed === undefined || parsed.error ? undefined : write(/** @type {T} */ (parsed.value));
  if (now === own) seen.current = now;
  const stale = typed !== undefined && !late && now !== own && now !== seen.current;
  return {
    error: parsed.error,
    control: {
      value: typed === undefined || stale ? now : typed,
      onInput: (/** @type {InputEvent} */ event) => {
        const text = /** @type {HTMLInputElement} */ (event.currentTarget).value;
        if (typed === undefined) seen.current = now;
        if (!late) pass(text);
        setTyped(text);
      },
      onChange: (/** @type {InputEvent} */ event) => {
        const text = /** @type {HTMLInputElement} */ (event.currentTarget).value;
        pass(text);
        setTyped(read(text).error ? text : undefined);
      },
    },
  };
}

/**
 * A field for a number. What is wrong stays in the field, marked, and is not passed on.
 * @param {Range & {label: string, value: number | undefined, onChange: (value: any) => void, hint?: unknown, optional?: boolean,
 *   placeholder?: string, inline?: boolean, late?: boolean, disabled?: boolean}} props `optional`: it may be left empty
 */
export function NumberField({ label, value, onChange, hint, optional = false, placeholder, inline, late, disabled, ...limits }) {
  const read = (/** @type {string} */ text) => (optional && text.trim() === "" ? { value: undefined } : readNumber(text, limits));
  const { control, error } = useTyped(value, (number) => (number === undefined ? "" : String(number)), read, onChange, late);
  return html`<${Field} label=${label} hint=${hint} error=${error} inline=${inline}>
    ${(/** @type {object} */ field) => html`<input ...${field} ...${control} type="text" inputmode=${limits.whole ? "numeric" : "decimal"}
      autocomplete="off" placeholder=${placeholder} disabled=${disabled} class="number" />`}
  <//>`;
}

/** @param {{label: string, value: number, min: number, max: number, step: number, onChange: (value: number) => void, says: string}} props */
export function Slider({ label, value, min, max, step, onChange, says }) {
  const id = useId("slider");
  const change = (/** @type {Event} */ event) => onChange(Number(/** @type {HTMLInputElement} */ (event.currentTarget).value));
  return html`<div class="slider">
    <label for=${id}>${label}</label>
    <input id=${id} type="range" min=${min} max=${max} step=${step} value=${value} aria-valuetext=${says} onInput=${change} />
    <output for=${id}>${says}</output>
  </div>`;
}
