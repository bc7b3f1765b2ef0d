// The confusion matrix as a table: for each class, in rows, what its pictures were taken for.
import { html, useMemo, useRef, useState } from "../vendor/preact-htm.js";
import { count, percent, plural } from "../format.js";
import { Button } from "./ui.js";

/** @typedef {import("../types").EvaluationReport} EvaluationReport */
/** A cell: a class and what it was taken for. @typedef {{label: number, predicted: number}} Cell */

/** More classes than these make a table that nobody reads. */
const MOST_CLASSES = 40;

/** @param {{report: EvaluationReport, chosen: Cell | undefined, onChoose: (cell: Cell | undefined) => void}} props */
export function Confusion({ report, chosen, onChoose }) {
  const { classes } = report;
  return html`<div class="confusion">
    ${classes.length <= MOST_CLASSES ? html`<${Matrix} report=${report} chosen=${chosen} onChoose=${onChoose} />`
      : html`<p class="soft">${count(classes.length)} classes are too many for a table. Below are those that are taken for one another most often.</p>`}
    <${Pairs} report=${report} chosen=${chosen} onChoose=${onChoose} />
  </div>`;
}

/** @param {{report: EvaluationReport, chosen: Cell | undefined, onChoose: (cell: Cell | undefined) => void}} props */
function Matrix({ report, chosen, onChoose }) {
  const { classes, confusion } = report;
  const many = classes.length;
  const [at, setAt] = useState({ row: 0, column: many > 1 ? 1 : 0 });
  const body = useRef(/** @type {HTMLElement | null} */ (null));
  const keys = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const row = Math.min(many - 1, Math.max(0, at.row + step[0]));
    const column = Math.min(many - 1, Math.max(0, at.column + step[1]));
    setAt({ row, column });
    /** @type {HTMLElement | null | undefined} */ (body.current?.querySelector(`[data-cell="${row}.${column}"]`))?.focus();
  };
  return html`<div class="scroll-x"><table class="matrix" aria-label="Confusion matrix: rows are what the pictures are, columns what they were taken for">
    <thead><tr><th scope="col" class="corner"><span>is ↓</span> <span>taken for →</span></th>
      ${classes.map((name, column) => html`<th key=${column} scope="col" class="turned"><span>${name}</span></th>`)}
      <th scope="col" class="number">right</th></tr></thead>
    <tbody ref=${body} onKeyDown=${keys}>
      ${classes.map((name, row) => {
        const counts = Array.from(confusion.slice(row * many, (row + 1) * many));
        const all = counts.reduce((sum, value) => sum + value, 0);
        return html`<tr key=${row}>
          <th scope="row">${name}</th>
          ${counts.map((value, column) => {
            const here = chosen?.label === row && chosen.predicted === column;
            const right = row === column;
            const share = all > 0 ? value / all : 0;
            const says = right ? `${plural(value, "picture")} of ${name} right` : `${plural(value, "picture")} of ${name} taken for ${classes[column]}`;
            return html`<td key=${column} class=${`cell ${right ? "right" : ""} ${here ? "chosen" : ""}`} style=${{ "--share": Math.sqrt(share).toFixed(3) }}>
              <button type="button" data-cell=${`${row}.${column}`} tabindex=${at.row === row && at.column === column ? 0 : -1} aria-label=${says} title=${says}
                aria-pressed=${right ? undefined : String(here)} aria-disabled=${right || value === 0 ? "true" : undefined}
                onFocus=${() => setAt({ row, column })}
                onClick=${() => !right && value > 0 && onChoose(here ? undefined : { label: row, predicted: column })}>${value || "·"}</button>
            </td>`;
          })}
          <td class="number">${all > 0 ? percent(counts[row] / all, 0) : "–"}</td>
        </tr>`;
      })}
    </tbody>
  </table></div>`;
}

/** The pairs that are confused most. @param {{report: EvaluationReport, chosen: Cell | undefined, onChoose: (cell: Cell | undefined) => void}} props */
function Pairs({ report, chosen, onChoose }) {
  const { classes, confusion } = report;
  const pairs = useMemo(() => {
    const many = classes.length;
    const all = Array.from(confusion, (value, at) => ({ value, label: Math.floor(at / many), predicted: at % many }));
    return all.filter(({ value, label, predicted }) => value > 0 && label !== predicted).sort((a, b) => b.value - a.value).slice(0, many > MOST_CLASSES ? 30 : 5);
  }, [report]);
  if (pairs.length === 0) return html`<p>Every picture is right.</p>`;
  return html`<div class="pairs"><h3>Most often taken for another</h3><ul>
    ${pairs.map(({ value, label, predicted }) => {
      const here = chosen?.label === label && chosen.predicted === predicted;
      return html`<li key=${`${label}.${predicted}`}><${Button} kind="quiet" class=${here ? "chosen" : ""} aria-pressed=${String(here)}
        onClick=${() => onChoose(here ? undefined : { label, predicted })}>${classes[label]} → ${classes[predicted]} <span class="figure">${count(value)}</span><//></li>`;
    })}
  </ul></div>`;
}
