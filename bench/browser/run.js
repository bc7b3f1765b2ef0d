// Convoke, jax-js and TensorFlow.js in one browser, by turns: node run.js [--rounds 3] [--seconds 5] [--headed] [--json FILE]
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { serve } from "../../web/tests/page/lib/server.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const PACKAGE = resolve(HERE, "../../web/pkg");
const { values } = parseArgs({ options: {
  rounds: { type: "string", default: "3" }, seconds: { type: "string", default: "5" }, headed: { type: "boolean", default: false },
  json: { type: "string" }, only: { type: "string" },
} });
if (!existsSync(join(PACKAGE, "convoke_web.js"))) {
  console.error("error: Convoke's package is not built; build it first, in the root: wasm-pack build web --target web --profile web --no-opt");
  process.exit(2);
}

const TRAINERS = [["convoke", "gpu"], ["convoke", "cpu"], ["jax", "webgpu"], ["jax", "wasm"], ["tfjs", "webgpu"], ["tfjs", "webgl"]]
  .filter(([trainer, device]) => !values.only || values.only.split(",").includes(`${trainer}-${device}`));
/** A trainer's loss has to fall to this share of the first one, or its speed counts for nothing. */
const LEARNED = 0.9;

const host = await serve({ "/pkg/": PACKAGE, "/": HERE });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium", headless: !values.headed,
  args: ["--no-sandbox", "--enable-unsafe-webgpu", "--disable-quic", "--no-first-run", "--disable-background-networking", ...(values.headed ? [] : ["--headless=new"])],
});
/** @type {Record<string, any[]>} */
const found = {};
for (let round = 1; round <= Number(values.rounds); round += 1) {
  for (const [trainer, device] of TRAINERS) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${host.origin}/bench.html?trainer=${trainer}&device=${device}&seconds=${values.seconds}`);
    const report = await page.evaluate(() => /** @type {any} */ (window).report).catch((error) => ({ problem: `${error}`.split("\n")[0] }));
    if (report.lastLoss > LEARNED * report.firstLoss) report.problem = `it does not learn: from ${report.firstLoss.toFixed(2)} to ${report.lastLoss.toFixed(2)}`;
    (found[`${trainer} ${device}`] ??= []).push(report);
    const says = report.problem ?? `${report.samplesPerSecond.toFixed(0)} samples/s, first step ${report.firstStep.toFixed(2)} s, loss ${report.lastLoss.toFixed(3)} after ${report.steps} steps`;
    console.log(`round ${round}  ${`${trainer} ${device}`.padEnd(14)} ${says}`);
    await context.close();
  }
}
const page = await browser.newPage();
await page.goto(`${host.origin}/bench.html`);
const adapter = await page.evaluate(async () => {
  const gpu = /** @type {any} */ (navigator).gpu;
  const info = (await gpu?.requestAdapter())?.info;
  return info ? `${info.vendor} ${info.architecture} ${info.description}`.trim() : "none";
});
const version = browser.version();
await browser.close();
await host.close();

/** Lowest, middle and highest. @param {number[]} numbers */
const spread = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  return [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted[sorted.length - 1]];
};
console.log(`\n${"trainer".padEnd(15)} ${"samples/s: least, median, most".padEnd(32)} first step, s`);
for (const [name, reports] of Object.entries(found)) {
  const good = reports.filter(({ problem }) => !problem);
  if (!good.length) console.log(`${name.padEnd(15)} ${reports[0].problem}`);
  else {
    const [speed, first] = [spread(good.map((one) => one.samplesPerSecond)), spread(good.map((one) => one.firstStep))];
    console.log(`${name.padEnd(15)} ${speed.map((n) => n.toFixed(0).padStart(9)).join(" ")}    ${first.map((n) => n.toFixed(2).padStart(6)).join(" ")}`);
  }
}
/** How many times as fast, within each round. @param {string} one @param {string} other @param {number} wanted */
function ratio(one, other, wanted) {
  const pairs = (found[one] ?? []).map((report, round) => report.samplesPerSecond / found[other]?.[round]?.samplesPerSecond).filter(Number.isFinite);
  if (pairs.length) console.log(`${one} is ${spread(pairs).map((n) => n.toFixed(1)).join(", ")} times as fast as ${other} (at least ${wanted} is wanted)`);
}
console.log("");
ratio("convoke gpu", "jax webgpu", 3);
ratio("convoke gpu", "tfjs webgpu", 16);
ratio("convoke cpu", "jax wasm", 5);
if (values.json) {
  const commit = execFileSync("git", ["rev-parse", "HEAD"], { cwd: HERE, encoding: "utf8" }).trim();
  // As `convoke bench --json` writes it, so that `convoke bench --compare` reads it.
  const reports = Object.entries(found).map(([trainer, all]) => {
    const good = all.filter(({ problem }) => !problem);
    const windows = good.map((one) => one.samplesPerSecond).sort((a, b) => a - b);
    return {
      trainer, commit, model: "reference-cnn", device: adapter, backend: "browser", driver: `Chromium ${version}`, batch_size: 64,
      samples_per_second: windows.length ? spread(windows)[1] : 0, windows,
      first_step_seconds: good.length ? spread(good.map((one) => one.firstStep))[1] : undefined,
      problem: all.find(({ problem }) => problem)?.problem,
    };
  });
  writeFileSync(values.json, JSON.stringify({ reports }, undefined, 2));
}
