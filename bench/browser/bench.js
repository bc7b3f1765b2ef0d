// One trainer in one fresh page: `bench.html?trainer=convoke&device=gpu&seconds=5`. Without a trainer, a list to choose from.
import { pictures } from "./data.js";

export const TRAINERS = [
  ["convoke", "gpu"], ["convoke", "cpu"], ["jax", "webgpu"], ["jax", "wasm"], ["tfjs", "webgpu"], ["tfjs", "webgl"],
];

/**
 * Trains for some seconds, after some to warm up.
 * @param {string} name @param {string} device @param {number} seconds
 */
async function measure(name, device, seconds) {
  const data = pictures(6000);
  const { load } = await import(`./${name}.js`);
  const begun = performance.now(); // The library's script is there; what it loads, opens and compiles counts.
  const train = await load(device);
  /** @type {{at: number, step: number, loss: number}[]} */
  const told = [];
  const end = () => told.length > 1 && performance.now() - told[0].at > 1000 * (seconds + WARM);
  await train(data, (/** @type {number} */ step, /** @type {number} */ loss) => told.push({ at: performance.now(), step, loss }), end);
  const warm = told.findIndex(({ at }) => at - told[0].at > 1000 * WARM);
  const [from, to] = [told[warm], told[told.length - 1]];
  const losses = told.slice(-3).map(({ loss }) => loss);
  return {
    trainer: name, device, firstStep: (told[0].at - begun) / 1000, steps: to.step,
    samplesPerSecond: ((to.step - from.step) * 64000) / (to.at - from.at),
    firstLoss: told[0].loss, lastLoss: losses.reduce((sum, loss) => sum + loss, 0) / losses.length,
  };
}

/** Seconds after the first step that are not counted: what a trainer still compiles or tunes meanwhile, it does once. */
const WARM = 5;

const asked = new URLSearchParams(location.search);
const result = /** @type {HTMLElement} */ (document.getElementById("result"));
const name = asked.get("trainer");
if (name) {
  result.textContent = `${name} …`;
  const report = measure(name, asked.get("device") ?? "gpu", Number(asked.get("seconds") ?? 5));
  Object.assign(window, { report });
  report.then((found) => (result.textContent = JSON.stringify(found, undefined, 2)), (error) => (result.textContent = `${error}`));
} else {
  const choices = /** @type {HTMLElement} */ (document.getElementById("choices"));
  for (const [trainer, device] of TRAINERS) {
    const link = Object.assign(document.createElement("a"), { href: `?trainer=${trainer}&device=${device}`, textContent: `${trainer}, ${device}` });
    choices.append(link, " · ");
  }
}
