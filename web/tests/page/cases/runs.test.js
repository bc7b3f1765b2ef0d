// Runs: kept, compared, renamed, saved, deleted; and gone on with after the tab was closed, as if nothing had happened.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { visit } from "../lib/browser.js";
import { look } from "../lib/looks.js";
import { control, download, embedded, finished, isPng, open, settings, start, steps } from "../lib/person.js";
import { COMMAND, temporary } from "../lib/setting.js";

/** @typedef {import("playwright-core").Page} Page */

/** A run's row, opened. @param {Page} page @param {string} name */
async function more(page, name) {
  await open(page, "Runs");
  const button = page.getByRole("button", { name: `More of ${name}`, exact: true });
  await button.waitFor();
  if ((await button.getAttribute("aria-expanded")) === "false") await button.click();
}

/** The records of a run's log. @param {Page} page @param {string} name */
async function log(page, name) {
  await more(page, name);
  const saved = await download(page, page.getByRole("button", { name: "metrics.jsonl" }));
  assert.equal(saved.name.endsWith(".jsonl"), true, saved.name);
  return saved.bytes.toString("utf8").trim().split("\n").map((line) => JSON.parse(line));
}

/** What a log says of the training itself, without times. @param {Record<string, unknown>[]} records */
const figures = (records) => records.map(({ samples_per_second, seconds, time, ...rest }) => rest);

for (const device of /** @type {const} */ (["cpu", "gpu"])) {
  test(`reloading the tab in the middle of an epoch changes no loss, on the ${device === "gpu" ? "graphics processor, by WebGPU" : "CPU"}`, async (t) => {
    const { page } = await visit(t);
    await embedded(page);
    // Small batches on the CPU, so that an epoch takes longer than a person does.
    const [batch, inEpoch] = device === "cpu" ? [8, 750] : [64, 94];
    await settings(page, { epochs: 2, batch, steps: Math.round(inEpoch * 1.4), seed: 5, device, name: "whole" });
    await start(page);
    await finished(page, 240_000);

    await settings(page, { name: "broken" });
    await start(page);
    await page.waitForFunction(() => /\bstep [1-9]/.test(document.body.innerText), undefined, { timeout: 60_000 });
    await control(page, "Pause").click(); // A checkpoint is taken here, in the middle of the first epoch.
    await control(page, "Continue").waitFor();
    const kept = await steps(page);
    assert.ok(kept > 0 && kept < inEpoch, `step ${kept} is in the middle of the first epoch`);
    await control(page, "Continue").click();
    await page.waitForFunction((before) => Number(/step ([\d,]+) of/.exec(document.body.innerText)?.[1].replaceAll(",", "")) > before, kept);
    await page.reload();
    await embedded(page);
    await more(page, "broken");
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("main", { name: "Train" }).waitFor();
    await finished(page, 240_000);

    const [whole, broken] = [figures(await log(page, "whole")), figures(await log(page, "broken"))];
    assert.ok(whole.length >= inEpoch * 1.4, `${whole.length} records`);
    assert.deepEqual(broken, whole, "the records of a run that was interrupted and of one that was not");
  });
}

test("runs are compared, renamed, saved and deleted", async (t) => {
  const { page } = await visit(t);
  const folder = temporary(t);
  await embedded(page);
  await open(page, "Runs");
  await page.getByText("No run is kept yet").waitFor();
  await look(page, "runs-empty");
  for (const [name, rate] of /** @type {const} */ ([["slow", 0.001], ["fast", 0.02]])) {
    await settings(page, { epochs: 1, rate, device: "cpu", name });
    await start(page);
    await finished(page);
  }

  await t.test("two runs are laid over one another", async () => {
    await open(page, "Runs");
    await page.getByRole("checkbox", { name: "Compare slow" }).check();
    await page.getByRole("checkbox", { name: "Compare fast" }).check();
    for (const name of ["slow", "fast"]) await page.getByRole("figure").first().getByText(new RegExp(name)).first().waitFor();
    await page.getByText("0.02").first().waitFor();
    await look(page, "runs-compare");
  });

  await t.test("the table is sorted by what is asked for", async () => {
    await page.getByRole("columnheader", { name: "Run" }).getByRole("button").click();
    const names = () => page.getByRole("rowheader").filter({ hasText: /^(slow|fast)$/ }).allInnerTexts();
    const first = await names();
    await page.getByRole("columnheader", { name: "Run" }).getByRole("button").click();
    assert.deepEqual((await names()).reverse(), first);
  });

  await t.test("a run gets another name, which holds after a reload", async () => {
    await more(page, "slow");
    await page.getByRole("button", { name: "Rename" }).click();
    const dialog = page.getByRole("dialog", { name: "Rename the run" });
    await dialog.getByLabel("Name").fill("careful");
    await dialog.getByRole("button", { name: "Rename" }).click();
    await dialog.waitFor({ state: "hidden" });
    await page.reload();
    await more(page, "careful");
    await look(page, "runs-more");
  });

  await t.test("model, checkpoint, metrics, curves and description are saved; the command takes them", async () => {
    const save = (/** @type {string} */ name) => download(page, page.getByRole("group", { name: "Save to the downloads" }).getByRole("button", { name }));
    const model = await save("model.safetensors");
    copyFileSync(model.path, join(folder, "model.safetensors"));
    const toml = await save("model.toml");
    copyFileSync(toml.path, join(folder, "model.toml"));
    const svg = await save("Curves as SVG");
    assert.match(svg.bytes.toString("utf8"), /^<svg/);
    const checkpoint = await save("Checkpoint");
    copyFileSync(checkpoint.path, join(folder, "checkpoint.safetensors"));
    const convoke = (/** @type {string[]} */ ...words) => execFileSync(COMMAND(), words, { encoding: "utf8", cwd: folder });
    const told = [model, checkpoint].map((_, at) =>
      JSON.parse(convoke("eval", "--checkpoint", at ? "checkpoint.safetensors" : "model.safetensors", "--device", "cpu", "--json")));
    assert.deepEqual(told[0], told[1]);
    assert.match(convoke("summary", "model.toml"), /conv1/);
    const records = await log(page, "careful");
    const last = records.filter((record) => "test_accuracy" in record).at(-1);
    assert.ok(last && Math.abs(Number(last.test_accuracy) - told[0].accuracy) <= 0.001, JSON.stringify([last, told[0]]));
    const png = await download(page, page.getByRole("button", { name: /^Save .* as PNG$/ }).first());
    assert.ok(isPng(png.bytes));
  });

  await t.test("a run is deleted when that is confirmed, and only then", async () => {
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Delete this run?" });
    await look(page, "runs-delete");
    await dialog.getByRole("button", { name: "Keep it" }).click();
    await dialog.waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await dialog.getByRole("button", { name: "Delete careful" }).click();
    await page.getByRole("button", { name: "More of careful" }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "More of fast" }).waitFor();
  });
});
