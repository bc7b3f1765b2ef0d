// What is kept of a run that did not end as it should: broken off, held because there is no room, in two tabs at once, its storage cleared.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { visit } from "../lib/browser.js";
import { control, download, embedded, open, settings, start } from "../lib/person.js";
import { COMMAND, temporary } from "../lib/setting.js";

/** @typedef {import("playwright-core").Page} Page */

/** Starts a run that does not end by itself, and waits for its first steps. @param {Page} page @param {string} name */
async function training(page, name) {
  await settings(page, { epochs: 200, device: "cpu", name });
  await start(page);
  await page.waitForFunction(() => /\bstep [1-9]/.test(document.body.innerText), undefined, { timeout: 60_000 });
}

/** A run's row, opened. @param {Page} page @param {string} name */
async function more(page, name) {
  await open(page, "Runs");
  const button = page.getByRole("button", { name: `More of ${name}`, exact: true });
  await button.waitFor();
  if ((await button.getAttribute("aria-expanded")) === "false") await button.click();
}

test("a run that a reload has broken off has a model to take home, and so has one that trains", async (t) => {
  const { page } = await visit(t);
  const folder = temporary(t);
  const evaluated = (/** @type {{path: string}} */ { path }, /** @type {string} */ name) => {
    copyFileSync(path, join(folder, name));
    return JSON.parse(execFileSync(COMMAND(), ["eval", "--checkpoint", name, "--device", "cpu", "--json"], { encoding: "utf8", cwd: folder }));
  };
  const file = (/** @type {string} */ name) => page.getByRole("group", { name: "Save to the downloads" }).getByRole("button", { name });
  await embedded(page);
  await training(page, "broken");
  await more(page, "broken");
  const live = evaluated(await download(page, file("model.safetensors")), "live.safetensors");
  assert.ok(live.accuracy > 0.2, `after some steps it knows something: ${JSON.stringify(live)}`);
  await page.getByText(/^training at/).waitFor(); // Saving it does not hold it.

  await page.reload();
  await embedded(page);
  await more(page, "broken");
  const [model, checkpoint] = [await download(page, file("model.safetensors")), await download(page, file("Checkpoint"))];
  assert.deepEqual(evaluated(model, "model.safetensors"), evaluated(checkpoint, "checkpoint.safetensors"), "the model is the newest checkpoint's");

  await page.getByRole("button", { name: "Resume" }).click();
  await control(page, "Stop").click(); // In its first epoch, say: nothing has been tested yet.
  await control(page, "Resume").waitFor();
  assert.equal((await download(page, page.getByRole("button", { name: "Download the model" }))).name, "model.safetensors");
});
