// Curves: uPlot with the page's colours, a legend in words, a cursor that the arrow keys move, and a picture to take away.
import { html, useEffect, useLayoutEffect, useRef } from "../vendor/preact-htm.js";
import uPlot from "../vendor/uplot.js";
import { save } from "../actions.js";
import { aligned, stretched, thin, valueAt } from "./curves.js";
import { Button } from "./ui.js";

/**
 * A line of a chart.
 * @typedef {object} Line
 * @property {string} key stays the same for the same line
 * @property {string} label
 * @property {import("./curves.js").Points} points
 * @property {number} [factor] what its x is multiplied by, to get the chart's
 * @property {string} color the name of a CSS variable
 * @property {boolean} [faint] whether it is the ground of another line, and not in the legend
 * @property {boolean} [dots] whether its points are marked
 * @property {boolean} [dashed]
 */

/**
 * @typedef {object} ChartProps
 * @property {string} title
 * @property {Line[]} lines
 * @property {(value: number) => string} says how values are written
 * @property {(x: number) => string} where how places along x are written, in the legend
 * @property {string} xLabel
 * @property {(value: number) => string} [scale] how values are written along the axis, where that is another way
 * @property {[number, number]} [span] of y, where it is the same for all
 * @property {number[]} [marks] places along x that are marked at the axis
 * @property {string} [summary] what the curves say, in words
 * @property {string} [file] the name of the picture to save
 * @property {unknown} [actions]
 */

const FONT = '12px system-ui, "Noto Sans", sans-serif';

/** @param {ChartProps} props */
export function Chart(props) {
  const { title, lines, says, where, summary, file, actions } = props;
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const readout = useRef(/** @type {HTMLElement | null} */ (null));
  const figures = useRef(/** @type {HTMLElement | null} */ (null));
  const plot = useRef(/** @type {uPlot | undefined} */ (undefined));
  const latest = useRef(props);
  latest.current = props;
  const shape = lines.map(({ key, color, faint, dots, dashed }) => [key, color, faint, dots, dashed].join(":")).join("|");

  // Writes the values at a place, or the last ones, into the legend: without drawing the page anew.
  const tell = (/** @type {number | undefined} */ x) => {
    const { lines, where } = latest.current;
    const shown = lines.filter((line) => !line.faint);
    shown.forEach((line, at) => {
      const value = x === undefined ? line.points.ys.at(-1) : valueAt(line.points, x / (line.factor ?? 1) + 1e-6);
      const item = figures.current?.children[at]?.querySelector("output");
      if (item) item.textContent = value === undefined ? "–" : latest.current.says(value);
    });
    if (readout.current) readout.current.textContent = x === undefined ? "" : where(x);
  };

  useLayoutEffect(() => {
    if (!box.current) return;
    const made = new uPlot(options(box.current, latest, tell), [[], ...lines.map(() => [])], box.current);
    plot.current = made;
    const fit = () => box.current && made.setSize(measure(box.current));
    const sizes = new ResizeObserver(() => requestAnimationFrame(fit));
    sizes.observe(box.current);
    const redraw = () => {
      colors.clear();
      made.redraw();
    };
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", redraw);
    const themes = new MutationObserver(redraw);
    themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => {
      sizes.disconnect();
      themes.disconnect();
      dark.removeEventListener("change", redraw);
      made.destroy();
      plot.current = undefined;
    };
  }, [shape]);

  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      const made = plot.current;
      const { lines } = latest.current;
      if (!made || made.series.length !== lines.length + 1) return; // Drawn by the next frame, on the chart that is made for it.
      const buckets = Math.max(50, made.width / 2);
      const drawn = lines.map(({ points, factor = 1 }) => stretched(thin(points.xs, points.ys, buckets), factor));
      made.setData(/** @type {uPlot.AlignedData} */ (aligned(drawn)));
      if ((made.cursor.left ?? -1) < 0) tell(undefined);
    });
    return () => cancelAnimationFrame(frame);
  });

  const keys = (/** @type {KeyboardEvent} */ event) => {
    if (plot.current && moveCursor(plot.current, event.key)) event.preventDefault();
  };
  const picture = () => plot.current && savePicture(plot.current, latest.current);
  const empty = lines.every((line) => line.points.xs.length === 0);
  return html`<figure class="chart">
    <figcaption class="chart-head">
      <h3>${title}</h3>
      <span class="chart-where" ref=${readout} aria-live="polite"></span>
      <div class="actions">${actions}${file && html`<${Button} kind="quiet" disabled=${empty} onClick=${picture} aria-label=${`Save ${title} as PNG`}>PNG<//>`}</div>
    </figcaption>
    <ul class="chart-legend" ref=${figures}>
      ${lines.filter((line) => !line.faint).map((line) => html`<li key=${line.key}>
        <span class=${`chart-key ${line.dashed ? "dashed" : ""}`} style=${{ color: `var(${line.color})` }} aria-hidden="true"></span>
        <span>${line.label}</span> <output>–</output>
      </li>`)}
    </ul>
    <div class="chart-box" ref=${box} tabindex="0" role="img" aria-label=${`${title}. ${summary ?? ""} The left and right arrow keys read values.`}
      onKeyDown=${keys} onBlur=${() => plot.current?.setCursor({ left: -10, top: -10 })}></div>
  </figure>`;
}

/** @param {HTMLElement} box */
function measure(box) {
  return { width: Math.max(200, Math.floor(box.clientWidth)), height: Math.max(160, Math.floor(box.clientHeight)) };
}

/** Colours as a canvas takes them, until the theme is another one. @type {Map<string, string>} */
const colors = new Map();

/** The colour that a CSS variable stands for now: an element resolves it, as `var` and `light-dark` mean nothing to a canvas. @param {string} name */
function token(name) {
  let color = colors.get(name);
  if (color === undefined) {
    const probe = document.body.appendChild(document.createElement("span"));
    probe.style.color = `var(${name})`;
    color = getComputedStyle(probe).color;
    probe.remove();
    colors.set(name, color);
  }
  return color;
}

/** @param {HTMLElement} box @param {{current: ChartProps}} latest @param {(x: number | undefined) => void} tell @returns {uPlot.Options} */
function options(box, latest, tell) {
  const axis = {
    stroke: () => token("--ink-soft"), font: FONT, ticks: { show: false },
    grid: { stroke: () => token("--line"), width: 1 },
  };
  return {
    ...measure(box),
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(high ?? 1, 1e-6)] },
      y: { range: (_, low, high) => latest.current.span ?? room(low, high) },
    },
    axes: [
      { ...axis, label: latest.current.xLabel, labelFont: FONT, labelSize: 18, size: 26, values: (_, places) => places.map(String) },
      { ...axis, size: 52, values: (_, values) => values.map((value) => (latest.current.scale ?? latest.current.says)(value)) },
    ],
    series: [{}, ...latest.current.lines.map(series)],
    hooks: {
      setCursor: [(plot) => {
        const { idx } = plot.cursor;
        tell((plot.cursor.left ?? -1) < 0 || idx == null ? undefined : plot.data[0][idx]);
      }],
      draw: [(plot) => drawMarks(plot, latest.current.marks ?? [])],
    },
  };
}

/** @param {Line} line @returns {uPlot.Series} */
function series({ color, faint = false, dots = false, dashed = false }) {
  return {
    stroke: () => token(color), alpha: faint ? 0.3 : 1, width: faint ? 1 : 2, spanGaps: true, dash: dashed ? [6, 4] : undefined,
    points: dots ? { show: (plot, at) => plot.data[at].length < 4000, size: 6, fill: () => token(color) } : { show: false },
  };
}

/** From 0, with some air above, in spite of a few wild values. @param {number | null} low @param {number | null} high @returns {[number, number]} */
function room(low, high) {
  if (low == null || high == null || !(high > 0)) return [0, 1];
  return [Math.min(0, low), high * 1.05];
}

/** Small ticks under the curves, where the run was saved. @param {uPlot} plot @param {number[]} marks */
function drawMarks(plot, marks) {
  if (marks.length === 0) return;
  const { ctx, bbox } = plot;
  const size = 6 * devicePixelRatio;
  ctx.save();
  ctx.fillStyle = token("--good");
  for (const mark of marks) {
    const x = plot.valToPos(mark, "x", true);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top + bbox.height - size);
    ctx.lineTo(x + size / 2, bbox.top + bbox.height);
    ctx.lineTo(x - size / 2, bbox.top + bbox.height);
    ctx.fill();
  }
  ctx.restore();
}

/** @param {uPlot} plot @param {string} key @returns {boolean} whether the key moves the cursor */
function moveCursor(plot, key) {
  const last = plot.data[0].length - 1;
  if (key === "Escape") plot.setCursor({ left: -10, top: -10 });
  if (last < 0) return false;
  const shown = (plot.cursor.left ?? -1) >= 0;
  const at = shown ? (plot.cursor.idx ?? last) : last + 1;
  const stride = Math.max(1, Math.round(last / 50));
  const to = { ArrowLeft: at - stride, ArrowRight: at + stride, Home: 0, End: last }[key];
  if (to === undefined) return false;
  const place = plot.data[0][Math.min(last, Math.max(0, to))];
  plot.setCursor({ left: Math.max(0, plot.valToPos(place, "x")), top: 10 });
  return true;
}

/** @param {uPlot} plot @param {ChartProps} props */
function savePicture(plot, { title, lines, file }) {
  const source = plot.ctx.canvas;
  const scale = devicePixelRatio;
  const shown = lines.filter((line) => !line.faint);
  const head = (34 + 20 * shown.length) * scale;
  const pad = 12 * scale;
  const canvas = document.createElement("canvas");
  canvas.width = source.width + 2 * pad;
  canvas.height = source.height + head + pad;
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  ctx.fillStyle = token("--surface");
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.fillStyle = token("--ink");
  ctx.font = `600 ${15 * scale}px system-ui, sans-serif`;
  ctx.fillText(title, pad, 24 * scale);
  ctx.font = `${12 * scale}px system-ui, sans-serif`;
  shown.forEach((line, at) => {
    const y = (44 + 20 * at) * scale;
    ctx.strokeStyle = token(line.color);
    ctx.lineWidth = 3 * scale;
    ctx.setLineDash(line.dashed ? [5 * scale, 3 * scale] : []);
    ctx.beginPath();
    ctx.moveTo(pad, y - 4 * scale);
    ctx.lineTo(pad + 18 * scale, y - 4 * scale);
    ctx.stroke();
    ctx.fillStyle = token("--ink");
    ctx.fillText(line.label, pad + 26 * scale, y);
  });
  ctx.drawImage(source, pad, head);
  canvas.toBlob((blob) => blob && save(`${file}.png`, blob), "image/png");
}
