// Several runs and several sets of pictures beside one another: which of them is trained, and on what.
import assert from "node:assert/strict";
import test from "node:test";
import { visit } from "../lib/browser.js";
import { control, embedded, model, open, opened, openFiles, settings, start, TINY } from "../lib/person.js";
import { stripedFolders, zip } from "../lib/pictures.js";

/** @typedef {import("playwright-core").Page} Page */

/** Opens pictures of two classes. @param {Page} page */
async function openStripes(page) {
  await openFiles(page, [{ name: "stripes.zip", mimeType: "application/zip", buffer: zip(stripedFolders(40)) }]);
  await opened(page, /stripes/);
}

/** Opens what can be done with a run. @param {Page} page @param {string} name */
async function more(page, name) {
  await open(page, "Runs");
  await page.getByRole("button", { name: `More of ${name}`, exact: true }).click();
}

/** Goes on with a kept run. @param {Page} page @param {string} name */
async function resume(page, name) {
  await more(page, name);
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("main", { name: "Train" }).waitFor();
  await control(page, "Pause").waitFor();
}

/** @param {Page} page */
async function stop(page) {
  await control(page, "Stop").click();
  await control(page, "Resume").waitFor();
}

test("a run that is gone on with has its own pictures; what is open stays open, and is what the next run trains on", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  await model(page, TINY);
  await settings(page, { epochs: 500, batch: 8, device: "cpu", name: "old" });
  await start(page);
  await stop(page);
  await openStripes(page);
  await resume(page, "old");
  await stop(page);

  await open(page, "Understand");
  await page.getByText("What is taken for what").waitFor();
  await page.getByRole("rowheader", { name: "Trouser" }).waitFor();
  await page.getByRole("tab", { name: "Feature maps" }).click();
  await page.getByRole("button", { name: /^Test picture 1, / }).waitFor();
  await page.getByRole("option", { name: "Trouser" }).waitFor({ state: "attached" });
  await open(page, "Try");
  await page.getByRole("button", { name: "One of the test pictures" }).click();
  await page.getByText(/Right\.|Wrong: it is/).waitFor();

  await open(page, "Data");
  await opened(page, /stripes/);
  await settings(page, { name: "new" });
  await start(page);
  await stop(page);
  await more(page, "new");
  const row = await page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: "new", exact: true }) }).innerText();
  assert.match(row, /stripes.*2 classes/);
});

/** How many runs there are. @param {Page} page */
async function runs(page) {
  await open(page, "Runs");
  return page.getByRole("button", { name: /^More of / }).count();
}

test("one run is prepared at a time, wherever it is asked for", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  await settings(page, { epochs: 500, device: "gpu", name: "one" });
  await control(page, "Start").click();
  await control(page, "Getting ready …").waitFor();
  await open(page, "Data");
  const rail = page.getByRole("banner");
  assert.equal(await rail.getByRole("button", { name: "Train", exact: true }).count(), 0);
  assert.equal(await rail.getByRole("button", { name: "Getting ready …" }).isDisabled(), true);
  await open(page, "Train");
  assert.equal(await control(page, /^Start/).count(), 0);
  await control(page, "Pause").waitFor({ timeout: 60_000 });
  await stop(page);
  assert.equal(await runs(page), 1);
});

test("a run that is being prepared is given up when that is asked for, and nothing of it is kept", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  await model(page, TINY);
  await settings(page, { epochs: 500, batch: 8, device: "cpu", name: "before" });
  await start(page);
  await stop(page);
  await open(page, "Model");
  await page.getByRole("group", { name: "Models to begin with" }).getByRole("button", { name: "reference-cnn", exact: true }).click();
  await settings(page, { batch: 64, device: "gpu", name: "after" });
  await control(page, "Start a new run").click();
  await page.getByText("Preparing kernels for the device").waitFor({ timeout: 60_000 });
  await control(page, "Cancel").click();
  await control(page, "Resume").waitFor();
  assert.equal(await page.getByRole("alert").count(), 0);
  assert.equal(await runs(page), 1);
  await resume(page, "before");
  await stop(page);
});
