// A run's curves as SVG, to print and to put into documents: drawn from the records alone, in the same colours whatever the page's are.
import { save } from "../actions.js";
import { Curve, epochPoints, thin } from "./curves.js";

/** @typedef {import("../types").StepRecord} StepRecord */
/** @typedef {import("../types").EpochRecord} EpochRecord */
/** @typedef {import("../types").RunReport} RunReport */
/** @typedef {import("./curves.js").Points} Points */

const WIDTH = 480;
const HEIGHT = 340;
const ROOM = { left: 52, right: 14, top: 58, bottom: 44 };
const SMOOTHING = 0.9;
const COLORS = { train: "#08655a", test: "#bf3d16", ink: "#14201c", soft: "#46544f", line: "#cfd9d5" };

/**
 * Loss and accuracy, side by side: each batch faintly, smoothed, and the test after each epoch.
 * @param {Pick<RunReport, "name" | "stepsPerEpoch">} run @param {StepRecord[]} steps @param {EpochRecord[]} epochs @returns {string}
 */
export function curvesSvg(run, steps, epochs) {
  const panels = (/** @type {const} */ (["loss", "accuracy"])).map((measure, place) => {
    const curve = new Curve(measure);
    curve.update(steps, SMOOTHING);
    const test = epochPoints(epochs, measure === "loss" ? "testLoss" : "testAccuracy", run.stepsPerEpoch || 1);
    return panel(measure, curve, test, run.stepsPerEpoch || 1, place * WIDTH);
  });
  const size = `width="${2 * WIDTH}" height="${HEIGHT}" viewBox="0 0 ${2 * WIDTH} ${HEIGHT}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="system-ui, sans-serif" font-size="12">
<title>${escaped(run.name)}: loss and accuracy</title>
<rect width="100%" height="100%" fill="#ffffff"/>
${panels.join("\n")}
</svg>
`;
}

/** Saves a run's curves to the downloads. @param {RunReport} run @param {StepRecord[]} steps @param {EpochRecord[]} epochs */
export function saveCurves(run, steps, epochs) {
  save(`${run.name} curves.svg`, new Blob([curvesSvg(run, steps, epochs)], { type: "image/svg+xml" }));
}

/** @param {"loss" | "accuracy"} measure @param {Curve} curve @param {Points} test @param {number} perEpoch @param {number} left */
function panel(measure, curve, test, perEpoch, left) {
  const finite = [...curve.smooth, ...test.ys].filter(Number.isFinite);
  const top = measure === "accuracy" ? 1 : Math.max(1e-9, ...thin(finite, finite, 500).ys) * 1.05;
  const end = Math.max(curve.xs.at(-1) ?? 0, test.xs.at(-1) ?? 0, 1) / perEpoch;
  const x = (/** @type {number} */ step) => ROOM.left + (step / perEpoch / end) * (WIDTH - ROOM.left - ROOM.right);
  const y = (/** @type {number} */ value) => HEIGHT - ROOM.bottom - (Math.min(value, top) / top) * (HEIGHT - ROOM.top - ROOM.bottom);
  const says = (/** @type {number} */ value) => (measure === "accuracy" ? `${Math.round(100 * value)} %` : String(Number(value.toPrecision(6))));
  const [x0, x1, y0, y1] = [x(0), x(end * perEpoch), y(0), y(top)];
  const rows = ticks(top).map((value) => `<path d="M${round(x0)} ${round(y(value))}H${round(x1)}" stroke="${COLORS.line}"/>`
    + text(x0 - 6, y(value) + 4, says(value), "end", COLORS.soft));
  const columns = ticks(end).map((value) => `<path d="M${round(x(value * perEpoch))} ${round(y0)}V${round(y1)}" stroke="${COLORS.line}"/>`
    + text(x(value * perEpoch), y0 + 16, String(Number(value.toPrecision(6))), "middle", COLORS.soft));
  return `<g transform="translate(${left} 0)">
<text x="${ROOM.left}" y="20" font-size="15" font-weight="600" fill="${COLORS.ink}">${measure === "loss" ? "Loss" : "Accuracy"}</text>
${legend(ROOM.left, "training, smoothed", COLORS.train)}${legend(ROOM.left + 160, "test, after each epoch", COLORS.test)}
${rows.join("\n")}
${columns.join("\n")}
${text((x0 + x1) / 2, HEIGHT - 8, "epoch", "middle", COLORS.soft)}
${line(thin(curve.xs, curve.ys, 400), x, y, COLORS.train, `stroke-opacity="0.3"`)}
${line(thin(curve.xs, curve.smooth, 400), x, y, COLORS.train, `stroke-width="2"`)}
${line(test, x, y, COLORS.test, `stroke-width="2"`)}
${test.xs.map((step, at) => `<circle cx="${round(x(step))}" cy="${round(y(test.ys[at]))}" r="3" fill="${COLORS.test}"/>`).join("")}
</g>`;
}

/** @param {Points} points @param {(x: number) => number} x @param {(y: number) => number} y @param {string} color @param {string} rest */
function line({ xs, ys }, x, y, color, rest) {
  const places = xs.flatMap((step, at) => (Number.isFinite(ys[at]) ? [`${round(x(step))} ${round(y(ys[at]))}`] : []));
  return places.length > 1 ? `<path d="M${places.join("L")}" fill="none" stroke="${color}" stroke-linejoin="round" ${rest}/>` : "";
}

/** @param {number} x @param {string} label @param {string} color */
const legend = (x, label, color) => `<path d="M${x} 38h18" stroke="${color}" stroke-width="3"/>${text(x + 24, 42, label, "start", COLORS.ink)}`;

/** @param {number} x @param {number} y @param {string} words @param {string} anchor @param {string} color */
const text = (x, y, words, anchor, color) => `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${color}">${escaped(words)}</text>`;

/** Round numbers from 0 to the end, about five. @param {number} end */
function ticks(end) {
  const raw = end / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= raw) ?? 10) * power;
  return Array.from({ length: Math.floor(end / step + 1e-9) + 1 }, (_, at) => at * step);
}

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10;

/** @param {string} words */
const escaped = (words) => words.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
