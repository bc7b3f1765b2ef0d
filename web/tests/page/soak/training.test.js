// Half an hour of training in the tab, on WebGPU: memory stays where it was.
import assert from "node:assert/strict";
import test from "node:test";
import { visit } from "../lib/browser.js";
import { memory } from "../lib/memory.js";
import { control, embedded, settings, start, steps } from "../lib/person.js";

/** How long to train. */
const MINUTES = Number(process.env.CONVOKE_SOAK_MINUTES || 30);
/** How often to measure, in seconds. */
const PACE = Math.min(60, (MINUTES * 60) / 12);
/** The most that memory may grow by, as a share. */
const MOST = 0.02;

const median = (/** @type {number[]} */ values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const megabytes = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(1);

test(`memory stays flat in ${MINUTES} minutes of training`, { skip: process.platform === "linux" ? false : "memory is read from /proc" }, async (t) => {
  const visited = await visit(t);
  const { page } = visited;
  await embedded(page);
  await settings(page, { epochs: 100_000, device: "gpu" });
  await start(page);
  const begun = Date.now();
  /** @type {{minute: number, renderer: number, gpu: number}[]} */
  const samples = [];
  while (Date.now() - begun < MINUTES * 60_000) {
    await new Promise((resolve) => setTimeout(resolve, PACE * 1000));
    const minute = (Date.now() - begun) / 60_000;
    const { renderer, gpu } = await memory(visited);
    samples.push({ minute, renderer, gpu });
    console.log(`minute ${minute.toFixed(1)}: step ${await steps(page)}, page and worker ${megabytes(renderer)} MB, graphics process ${megabytes(gpu)} MB`);
  }
  await control(page, "Stop").click();
  // The first sixth settles: kernels are compiled, the first checkpoints taken. Then the median of the next sixth is compared with that
  // of the last.
  const part = Math.max(1, Math.floor(samples.length / 6));
  for (const who of /** @type {const} */ (["renderer", "gpu"])) {
    const values = samples.map((sample) => sample[who]);
    const [settled, end] = [median(values.slice(part, 2 * part)), median(values.slice(-part))];
    const growth = end / settled - 1;
    console.log(`${who}: ${megabytes(settled)} MB when settled, ${megabytes(end)} MB at the end, ${(100 * growth).toFixed(2)} % more`);
    assert.ok(growth < MOST, `${who} grew by ${(100 * growth).toFixed(2)} %`);
  }
});
