// What is kept of a run that did not end as it should: broken off, held because there is no room, in two tabs at once, its storage cleared.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { visit } from "../lib/browser.js";
import { look } from "../lib/looks.js";
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
  assert.ok(live.loss < Math.log(10), `after some steps it knows more than nothing: ${live.loss}`);
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

test("a run that is held because the storage is full: downloaded, ended, deleted", async (t) => {
  const { page, address, context } = await visit(t);
  await embedded(page);
  const session = await context.newCDPSession(page);
  const { usage = 0 } = await page.evaluate(() => navigator.storage.estimate());
  const quota = (/** @type {number} */ quotaSize) =>
    session.send("Storage.overrideQuotaForOrigin", { origin: new URL(address).origin, quotaSize });
  await quota(usage + 5e6);
  const held = page.getByText("held because the storage is full");
  /** Until there is no room for another checkpoint, which the browser notices a little late. */
  const fill = async () => {
    for (let checkpoints = 0; checkpoints < 30; checkpoints++) {
      // The end of an epoch may find it full first, and then there is no such button any more.
      await control(page, "Pause").click({ timeout: 2000 }).catch(() => {});
      await page.waitForTimeout(200);
      if (await held.isVisible()) return;
      await control(page, "Continue").click({ timeout: 2000 }).catch(() => {});
    }
    assert.fail("the storage is never full");
  };
  const model = async (/** @type {import("playwright-core").Locator} */ button) =>
    assert.ok((await download(page, button)).bytes.includes("conv1.weight"), "the model is downloaded");
  await training(page, "full");
  await fill();
  await quota(1); // What it has thrown away meanwhile makes no room.
  await model(page.getByRole("main").getByRole("button", { name: "Download the model" }));

  const dialog = page.getByRole("dialog", { name: "Stop without keeping it?" });
  await control(page, "Stop").click();
  await dialog.getByText(/is lost|is kept/).waitFor();
  await look(page, "train-stop-unkept");
  await model(dialog.getByRole("button", { name: "Download the model" }));
  await dialog.getByRole("button", { name: "Keep it held" }).click();
  await dialog.waitFor({ state: "hidden" });
  await control(page, "Continue").waitFor();
  await control(page, "Stop").click();
  await dialog.getByRole("button", { name: "Stop all the same" }).click();
  await dialog.waitFor({ state: "hidden" });
  await page.getByText(/It is kept as it stood after step \d+/).waitFor();

  await control(page, "Resume").click();
  await control(page, "Pause").or(held).first().waitFor();
  if (!(await held.isVisible())) await fill();
  await page.getByRole("link", { name: "Make room among the runs" }).click();
  await more(page, "full");
  await held.waitFor();
  await look(page, "runs-held");
  await model(page.getByRole("button", { name: "model.safetensors" }));
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  const deletion = page.getByRole("dialog", { name: "Delete this run?" });
  await deletion.getByText(/It is held after step/).waitFor();
  await deletion.getByRole("button", { name: "Delete full" }).click();
  await page.getByText("No run is kept yet").waitFor();
  await open(page, "Train");
  await control(page, "Start").waitFor();
});

test("a run that another tab trains can be looked at, and not renamed, deleted or resumed", async (t) => {
  const { page, context, address } = await visit(t);
  await embedded(page);
  await training(page, "shared");
  const other = await context.newPage();
  await other.goto(`${address}#/runs`);
  await more(other, "shared");
  await other.getByText(/^training in another tab/).waitFor();
  await look(other, "runs-elsewhere");
  for (const name of ["Rename", "Delete"]) assert.ok(await other.getByRole("button", { name, exact: true }).isDisabled(), name);
  assert.equal(await other.getByRole("button", { name: "Resume" }).count(), 0);
  assert.ok((await download(other, other.getByRole("button", { name: "model.safetensors" }))).bytes.includes("conv1.weight"));

  // A table that was read before the run was resumed still offers all of it: then it is refused.
  await page.bringToFront();
  await control(page, "Stop").click();
  await control(page, "Resume").waitFor();
  await other.bringToFront();
  await other.reload();
  await more(other, "shared");
  await other.evaluate(() => document.addEventListener("visibilitychange", (event) => event.stopImmediatePropagation(), true));
  await control(page, "Resume").click();
  await control(page, "Pause").waitFor();
  const refused = other.getByRole("region", { name: "Messages" }).getByText(/another tab/);
  await other.getByRole("button", { name: "Delete", exact: true }).click();
  await other.getByRole("button", { name: "Delete shared" }).click();
  await refused.waitFor();
  await other.getByRole("button", { name: "Dismiss" }).click();
  await other.getByRole("button", { name: "Rename" }).click();
  const dialog = other.getByRole("dialog", { name: "Rename the run" });
  await dialog.getByLabel("Name").fill("stolen");
  await dialog.getByRole("button", { name: "Rename" }).click();
  await refused.waitFor();

  await control(page, "Stop").click();
  await control(page, "Resume").waitFor();
  await dialog.getByRole("button", { name: "Rename" }).click();
  await dialog.waitFor({ state: "hidden" });
  await more(other, "stolen");
});
