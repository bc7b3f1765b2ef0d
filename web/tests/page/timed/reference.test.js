// The whole way of a first visit: train the reference network on the pictures that come along, on WebGPU; see how good it is, where it
// is wrong and what goes on inside; try it; take it home, where the command makes of it what the page did.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { visit } from "../lib/browser.js";
import { look } from "../lib/looks.js";
import { choose, control, download, embedded, figure, finished, isPng, number, open, settings, start } from "../lib/person.js";
import { stripes } from "../lib/pictures.js";
import { COMMAND, temporary } from "../lib/setting.js";
import { watchTasks } from "../lib/tasks.js";

test("the reference network learns the embedded pictures on WebGPU, and what it learned is at home in the command", async (t) => {
  const { page, browser } = await visit(t);
  const folder = temporary(t);
  const convoke = (/** @type {string[]} */ ...words) => execFileSync(COMMAND(), words, { encoding: "utf8", cwd: folder });
  await embedded(page);
  let accuracy = 0;

  await t.test("test accuracy after 3 epochs is 0.78 or more, and no task of the page's thread takes over 50 ms", async () => {
    await settings(page, { epochs: 3, device: "gpu" });
    await page.getByText("WebGPU:").first().waitFor({ state: "attached" });
    const long = await watchTasks(browser);
    await start(page);
    await page.getByText(/^Pictures a second$/).waitFor();
    accuracy = await finished(page, 480_000);
    const tasks = await long();
    console.log(`test accuracy after 3 epochs on WebGPU: ${accuracy}`);
    assert.ok(accuracy >= 0.78, `test accuracy ${accuracy}`);
    assert.deepEqual(tasks, [], "tasks above 50 ms while training");
  });

  await t.test("the curves say what came of it, and are saved as pictures", async () => {
    await page.getByText("The figures of each epoch").click();
    const rows = page.getByRole("region", { name: "The figures of each epoch" }).getByRole("row");
    assert.equal(await rows.count(), 4);
    const last = (await rows.nth(1).innerText()).split(/\s*\t\s*/);
    assert.equal(number(last[0]), 3);
    assert.ok(Math.abs(number(last[4]) / 100 - accuracy) < 1e-9, `${last} and ${accuracy}`);
    const png = await download(page, page.getByRole("button", { name: "Save Loss as PNG" }));
    assert.ok(isPng(png.bytes) && png.name.endsWith(".png"), png.name);
    const svg = await download(page, page.getByRole("button", { name: "Save both curves as SVG" }));
    assert.match(svg.bytes.toString("utf8"), /^<svg[\s\S]*<\/svg>\s*$/);
    await look(page, "train-finished");
  });

  await t.test("the model that is downloaded evaluates to the same accuracy with the command", async () => {
    const model = await download(page, page.getByRole("button", { name: "Download the model" }));
    assert.match(model.name, /\.safetensors$/);
    copyFileSync(model.path, join(folder, "model.safetensors"));
    const told = JSON.parse(convoke("eval", "--checkpoint", "model.safetensors", "--device", "cpu", "--json"));
    const flipped = Math.round(Math.abs(told.accuracy - accuracy) * told.samples);
    console.log(`trained in the tab, evaluated by the command: ${told.accuracy} of ${told.samples}; ${flipped} told apart otherwise`);
    assert.equal(told.samples, 1000);
    assert.ok(flipped <= 1, `the page says ${accuracy}, the command ${told.accuracy}`);
  });

  await t.test("mistakes: the confusion matrix, and the wrong predictions with their probabilities", async () => {
    await open(page, "Understand");
    const matrix = page.getByRole("table", { name: /^Confusion matrix/ });
    await matrix.waitFor({ timeout: 60_000 });
    const right = await matrix.getByRole("button", { name: / right$/ }).allInnerTexts();
    const all = right.reduce((sum, text) => sum + (text === "·" ? 0 : number(text)), 0);
    assert.equal(all, Math.round(accuracy * 1000), "the diagonal holds what is right");
    const shirt = matrix.getByRole("button", { name: /taken for/, disabled: false }).filter({ hasNotText: "·" }).first();
    const name = await shirt.getAttribute("aria-label") ?? "";
    await shirt.click();
    const [, of, taken] = /of (.+) taken for (.+)$/.exec(name) ?? [];
    const list = page.getByRole("region", { name: `${of} taken for ${taken}` });
    await list.getByText(`${taken}, it says; it is ${of}`).first().waitFor();
    assert.ok((await list.getByText(/^\d+ %$/).count()) >= 3, "probabilities");
    await list.getByRole("button", { name: "All wrong predictions" }).click();
    await page.getByRole("region", { name: "Wrong, and surest of it" }).getByRole("button", { name: "Show more" }).waitFor();
    await look(page, "understand-mistakes");
  });

  await t.test("feature maps of a wrong picture, and the first layer's filters", async () => {
    await page.getByRole("button", { name: /see what each layer makes of it/ }).first().click();
    await page.getByRole("img", { name: /^conv1: \d+ channels of 28 × 28/ }).waitFor();
    assert.ok((await page.getByRole("img", { name: /brighter where larger/ }).count()) >= 8, "a sheet for each layer");
    await look(page, "understand-maps");
    await page.getByRole("tab", { name: "Filters" }).click();
    await page.getByRole("img", { name: /^\d+ filters of \d × \d weights of the layer conv1$/ }).waitFor();
    await look(page, "understand-filters");
  });

  await t.test("try: a picture from the disk, and one of the test pictures", async () => {
    await open(page, "Try");
    await choose(page, page.getByRole("button", { name: "Choose a picture" }), { name: "stripes.png", mimeType: "image/png", buffer: stripes("standing", 1, 64) });
    await page.getByText("stripes.png.").waitFor();
    const chances = await page.getByRole("main").getByRole("listitem").allInnerTexts();
    assert.equal(chances.length, 10);
    const sum = chances.reduce((sum, text) => sum + Number(/([\d.]+) %/.exec(text)?.[1]), 0);
    assert.ok(Math.abs(sum - 100) < 0.6, `the probabilities add up to ${sum} %`);
    await page.getByRole("button", { name: "One of the test pictures" }).click();
    await page.getByText(/^(Right\.|Wrong: it is .+\.)$/).waitFor();
    await look(page, "try-picture");
  });

  await t.test("what the command trained evaluates to the same accuracy on the page", async () => {
    convoke("train", "--epochs", "1", "--device", "cpu", "--out", "run");
    const told = JSON.parse(convoke("eval", "--checkpoint", "run/model.safetensors", "--device", "cpu", "--json"));
    await open(page, "Understand");
    await choose(page, page.getByRole("button", { name: "Open a model file" }), join(folder, "run/model.safetensors"));
    await page.getByRole("option", { name: /^model\.safetensors \(a file\)$/ }).waitFor({ state: "attached" });
    await page.getByRole("tab", { name: "Mistakes" }).click();
    await page.getByRole("table", { name: /^Confusion matrix/ }).waitFor({ timeout: 60_000 });
    const wrong = number(await figure(page.getByRole("tabpanel"), "Wrong"));
    const flipped = Math.abs(1000 - wrong - Math.round(told.accuracy * 1000));
    console.log(`trained by the command, evaluated on the page: ${1000 - wrong} of 1000 right, ${flipped} told apart otherwise`);
    assert.ok(flipped <= 1, `the command says ${told.accuracy}, the page ${wrong} wrong`);
  });
  await open(page, "Train");
  assert.ok(await control(page, "Start a new run").isEnabled());
});
