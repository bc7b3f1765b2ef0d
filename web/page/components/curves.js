// From a run's records to lines of as many points as the eye can tell apart.

/** @typedef {import("../types").StepRecord} StepRecord */
/** @typedef {import("../types").EpochRecord} EpochRecord */
/** @typedef {"loss" | "accuracy"} Measure */
/** Points of one line: x ascending. @typedef {{xs: number[], ys: number[]}} Points */

/**
 * A line that grows: its points, and the same smoothed by an exponential moving average whose start is corrected for the bias towards
 * 0 (Kingma and Ba, Adam, section 3). Points that are there already are not computed again.
 */
export class Curve {
  /** @param {Measure} measure */
  constructor(measure) {
    this.measure = measure;
    this.weight = -1;
    /** @type {number[]} */
    this.xs = [];
    /** @type {number[]} */
    this.ys = [];
    /** @type {number[]} */
    this.smooth = [];
    this.mean = 0;
    this.mass = 0;
    /** @type {StepRecord | undefined} */
    this.last = undefined;
  }

  clear() {
    this.xs = [];
    this.ys = [];
    this.smooth = [];
    this.mean = 0;
    this.mass = 0;
  }

  /**
   * Takes what has been added to the records since the last call; all of them, where they are others or the weight is another.
   * @param {StepRecord[]} steps @param {number} weight of what was before, from 0 up to but not including 1
   */
  update(steps, weight) {
    const known = this.xs.length;
    if (weight !== this.weight || known > steps.length || (known > 0 && steps[known - 1] !== this.last)) this.clear();
    this.weight = weight;
    for (let at = this.xs.length; at < steps.length; at += 1) {
      const value = steps[at][this.measure];
      this.mean = weight * this.mean + (1 - weight) * value;
      this.mass = weight * this.mass + (1 - weight);
      this.xs.push(steps[at].step);
      this.ys.push(value);
      this.smooth.push(this.mean / this.mass);
    }
    this.last = steps.at(-1);
  }
}

/**
 * At most two points for each of `buckets` parts of the line, its lowest and its highest: peaks stay where they are.
 * @param {number[]} xs @param {number[]} ys @param {number} buckets @returns {Points}
 */
export function thin(xs, ys, buckets) {
  const size = Math.ceil(ys.length / Math.max(1, buckets));
  if (size <= 2) return { xs, ys };
  /** @type {Points} */
  const points = { xs: [], ys: [] };
  for (let from = 0; from < ys.length; from += size) {
    const to = Math.min(ys.length, from + size);
    let low = from;
    let high = from;
    for (let at = from + 1; at < to; at += 1) {
      if (ys[at] < ys[low]) low = at;
      if (ys[at] > ys[high]) high = at;
    }
    const end = to === ys.length && low !== to - 1 && high !== to - 1 ? [to - 1] : [];
    for (const at of [...new Set([Math.min(low, high), Math.max(low, high), ...end])]) {
      points.xs.push(xs[at]);
      points.ys.push(ys[at]);
    }
  }
  return points;
}

/**
 * The points that each epoch's figures make, at the epochs' ends.
 * @param {EpochRecord[]} epochs @param {"trainLoss" | "trainAccuracy" | "testLoss" | "testAccuracy"} key @param {number} stepsPerEpoch
 * @returns {Points}
 */
export function epochPoints(epochs, key, stepsPerEpoch) {
  return { xs: epochs.map(({ epoch }) => epoch * stepsPerEpoch), ys: epochs.map((record) => record[key]) };
}

/** @param {Points} points @param {number} factor @returns {Points} */
export function stretched({ xs, ys }, factor) {
  return factor === 1 ? { xs, ys } : { xs: xs.map((x) => x * factor), ys };
}

/**
 * Lines over one common x, as uPlot takes them: `null` where a line has no point.
 * @param {Points[]} lines @returns {[number[], ...(number | null)[][]]}
 */
export function aligned(lines) {
  const xs = [...new Set(lines.flatMap((line) => line.xs))].sort((a, b) => a - b);
  const place = new Map(xs.map((x, at) => [x, at]));
  const columns = lines.map((line) => {
    const column = /** @type {(number | null)[]} */ (new Array(xs.length).fill(null));
    line.xs.forEach((x, at) => {
      const y = line.ys[at];
      column[/** @type {number} */ (place.get(x))] = Number.isFinite(y) ? y : null;
    });
    return column;
  });
  return [xs, ...columns];
}

/** The value of a line at the last point that is not behind x. @param {Points} line @param {number} x */
export function valueAt({ xs, ys }, x) {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle + 1;
    else high = middle;
  }
  return low > 0 ? ys[low - 1] : undefined;
}
