// Several runs and several sets of pictures beside one another: which of them is trained, and on what.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { visit } from "../lib/browser.js";
import { control, embedded, model, open, opened, openFiles, openFolder, settings, start, TINY } from "../lib/person.js";
import { png, stripedFolders, zip } from "../lib/pictures.js";
import { temporary } from "../lib/setting.js";

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

/** How many runs there are beside one. @param {Page} page @param {string} name */
async function besides(page, name) {
  await open(page, "Runs");
  await page.getByRole("button", { name: `More of ${name}`, exact: true }).waitFor();
  return -1 + await page.getByRole("button", { name: /^More of / }).count();
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
  assert.equal(await besides(page, "one"), 0);
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
  assert.equal(await besides(page, "before"), 0);
  await resume(page, "before");
  await stop(page);
});

test("a run is stopped at once while large pictures are being opened, and these are opened all the same", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  await model(page, TINY);
  await settings(page, { epochs: 500, batch: 8, device: "cpu" });
  await start(page);
  const large = png(1600, 1200, (x, y) => [x & 255, y & 255, (x ^ y) & 255], 1);
  const folder = join(temporary(t), "large");
  for (const name of ["left", "right"]) {
    mkdirSync(join(folder, name), { recursive: true });
    for (let at = 0; at < 50; at++) writeFileSync(join(folder, name, `${at}.png`), large);
  }
  await openFolder(page, folder);
  await page.getByRole("link", { name: /^Data Opening …/ }).waitFor();
  await open(page, "Train");
  const asked = Date.now();
  await stop(page);
  const took = Date.now() - asked;
  console.log(`stopped after ${took} ms`);
  assert.ok(took < 2500, `it took ${took} ms`);
  assert.equal(await page.getByRole("link", { name: /^Data Opening …/ }).count(), 1, "they are still being opened");
  await open(page, "Data");
  await opened(page, /large/);
});

test("pictures are brought to a model's size when they are looked at or trained on, and other pictures can be opened meanwhile", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  const preset = (/** @type {string} */ name) => page.getByRole("group", { name: "Models to begin with" }).getByRole("button", { name, exact: true });
  await open(page, "Model");
  await preset("vgg11").click();
  await page.getByRole("link", { name: /^Model .* parameters/ }).waitFor();
  assert.equal(await page.getByRole("link", { name: /^Data Opening …/ }).count(), 0, "nothing is opened for who only looks at models");
  await open(page, "Data");
  await page.getByRole("link", { name: /^Data Opening …/ }).waitFor();
  await openStripes(page);
  await page.getByText("224×224").waitFor();
  await model(page, TINY);
  await settings(page, { epochs: 1, batch: 8, device: "cpu" });
  await start(page);
  await open(page, "Data");
  await page.getByText("16×16").waitFor();
});
