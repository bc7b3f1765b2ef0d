// What goes wrong: each time the page says what, and what to do, and loses nothing.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { visit } from "../lib/browser.js";
import { look } from "../lib/looks.js";
import { choose, control, drop, embedded, figure, finished, model, noise, number, open, opened, openFiles, openFolder, settings, start, TINY } from "../lib/person.js";
import { file, hugePng, stripedFolders, stripes, zip } from "../lib/pictures.js";
import { temporary } from "../lib/setting.js";

/** @typedef {import("playwright-core").Page} Page */

/** The page's alert with these words. @param {Page} page @param {...(string | RegExp)} words */
async function alert(page, ...words) {
  const all = page.getByRole("alert");
  let notice = all;
  for (const word of words) notice = notice.filter({ hasText: word });
  await notice.waitFor({ timeout: 30_000 }).catch(async (error) => {
    throw new Error(`${words.join(", ")} is not told; what is: ${(await all.allInnerTexts()).join(" | ") || "nothing"}`, { cause: error });
  });
  return notice;
}

/** A trained run, for what is tried on it. @param {Page} page */
async function trained(page) {
  await embedded(page);
  await settings(page, { epochs: 1, device: "cpu" });
  await start(page);
  await finished(page);
}

test("data that can't be trained on: the pictures that were open stay open", async (t) => {
  const { page } = await visit(t);
  const folder = temporary(t);
  await embedded(page);
  const unharmed = () => opened(page, /^Clothing/);

  await t.test("a file that is not an image", async () => {
    await openFiles(page, [file("photo.png", Buffer.from("GIF89a, or so"), "image/png")]);
    await alert(page, "photo.png");
    await unharmed();
  });

  await t.test("a zip bomb", async () => {
    const bytes = Buffer.alloc(100e6);
    const bomb = zip(["lying", "standing"].flatMap((kind) => Array.from({ length: 12 }, (_, at) => ({ path: `bomb/${kind}/${at}.png`, bytes }))));
    assert.ok(bomb.length < 4e6, `${bomb.length} bytes that unpack to 2.4 GB`);
    await openFiles(page, [file("bomb.zip", bomb, "application/zip")]);
    const notice = await alert(page, /large|unpack|can't be read/i);
    assert.match(await notice.innerText(), /unpack/);
    await look(page, "data-zip-bomb");
    await unharmed();
  });

  await t.test("a zip that is broken", async () => {
    await openFiles(page, [file("half.zip", zip(stripedFolders(3)).subarray(0, 900), "application/zip")]);
    await alert(page, /zip archive/);
    await unharmed();
  });

  await t.test("a picture of 20,000 × 20,000 pixels among others", async () => {
    const huge = hugePng(20_000, 20_000);
    await openFiles(page, [file("huge.zip", zip([...stripedFolders(4), { path: "stripes/lying/huge.png", bytes: huge }]), "application/zip")]);
    // It is read row by row, and so is a picture like any other.
    const card = await opened(page, /huge/);
    assert.equal(number(await figure(card, "Pictures")), 9);
    await look(page, "data-huge-picture");
    await page.getByRole("button", { name: "Back to the clothing" }).click();
    await unharmed();
  });

  await t.test("an empty folder", async () => {
    mkdirSync(join(folder, "empty/cat"), { recursive: true });
    mkdirSync(join(folder, "empty/dog"), { recursive: true });
    await drop(page, [join(folder, "empty")]);
    await alert(page, /no pictures/);
    await unharmed();
  });

  await t.test("one class only", async () => {
    mkdirSync(join(folder, "pets/cat"), { recursive: true });
    for (let at = 0; at < 5; at++) writeFileSync(join(folder, `pets/cat/${at}.png`), stripes("lying", at));
    await openFolder(page, join(folder, "pets"));
    await alert(page, "There is only one class");
    await unharmed();
  });

  await t.test("a class with a single picture, and classes out of balance: warned of, and opened", async () => {
    const kinds = [...Array.from({ length: 40 }, (_, at) => ["many", at]), ["few", 0], ["few", 1], ["single", 0]];
    await openFiles(page, [file("odd.zip", zip(kinds.map(([kind, at]) => ({ path: `odd/${kind}/${at}.png`, bytes: stripes("lying", Number(at)) }))), "application/zip")]);
    const card = await opened(page, /odd/);
    const warning = (/** @type {string} */ text) => card.getByRole("status").filter({ hasText: text }).waitFor();
    await warning("Few pictures to learn from: few (1), single (1).");
    await warning("The classes are out of balance: many (40), single (1).");
    await warning("No picture to test on: single (1).");
    await look(page, "data-warnings");
  });
});

test("a picture to try that is none or broken; a very large one is looked at", async (t) => {
  const { page } = await visit(t);
  await trained(page);
  await open(page, "Try");
  const bad = { "text.png": Buffer.from("no picture"), "broken.png": stripes("lying", 0, 64).subarray(0, 90) };
  for (const [name, bytes] of Object.entries(bad)) {
    await choose(page, page.getByRole("button", { name: "Choose a picture" }), file(name, bytes, "image/png"));
    await alert(page, "The model can't look at that", name);
  }
  await look(page, "try-not-a-picture");
  await choose(page, page.getByRole("button", { name: "Choose a picture" }), file("good.png", stripes("lying", 0, 64), "image/png"));
  await page.getByText("good.png.").waitFor();
  await choose(page, page.getByRole("button", { name: "Choose a picture" }), file("huge.png", hugePng(20_000, 20_000), "image/png"));
  await page.getByText("huge.png.").waitFor({ timeout: 60_000 });
});

/** A safetensors file with these numbers, as other programs write it. @param {Record<string, number[]>} tensors */
function weights(tensors) {
  let end = 0;
  const entries = Object.entries(tensors).map(([name, { length }]) => [name, { dtype: "F32", shape: [length], data_offsets: [end, (end += 4 * length)] }]);
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([size, header, Buffer.from(new Float32Array(Object.values(tensors).flat()).buffer)]);
}

test("a safetensors file of another model, and one that is none", async (t) => {
  const { page } = await visit(t);
  await trained(page);
  await open(page, "Understand");
  await choose(page, page.getByRole("button", { name: "Open a model file" }), file("noise.safetensors", noise(5000)));
  await page.getByRole("region", { name: "Messages" }).getByText(/noise\.safetensors/).waitFor();
  await choose(page, page.getByRole("button", { name: "Open a model file" }), file("foreign.safetensors", weights({ "fc.bias": [0.5, 1] })));
  const foreign = await page.getByRole("region", { name: "Messages" }).getByText(/foreign\.safetensors/).innerText();
  assert.match(foreign, /choose it under Train, More settings, Begin with weights\.$/, "what to do in the page, and not in a terminal");
  await page.getByRole("table", { name: /^Confusion matrix/ }).waitFor(); // The run is still looked at.
  await look(page, "understand-no-model-file");

  await open(page, "Train");
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download the model" }).click();
  const path = await (await saved).path();
  await model(page, TINY);
  await page.getByRole("heading", { name: "tiny" }).waitFor();
  await open(page, "Train");
  await page.getByText("More settings", { exact: true }).click();
  await choose(page, page.getByRole("button", { name: "Choose a file" }), path);
  await control(page, /^Start/).click();
  await page.getByRole("region", { name: "Messages" }).getByText(/conv1|fc|shape|weights/i).first().waitFor({ timeout: 60_000 });
  await look(page, "train-other-weights");
  const dismissals = page.getByRole("button", { name: "Dismiss" });
  while ((await dismissals.count()) > 0) await dismissals.first().click();
  await page.getByRole("button", { name: "Begin anew instead" }).click();
  await start(page);
});

test("a camera that is refused", async (t) => {
  const { page } = await visit(t);
  await trained(page);
  await open(page, "Data");
  await page.getByRole("button", { name: "Use the camera" }).click();
  await alert(page, "The camera was refused");
  await look(page, "data-camera-refused");
  await page.getByRole("button", { name: "Close the camera" }).click();
  await opened(page, /^Clothing/);
  await open(page, "Try");
  await page.getByRole("tab", { name: "The camera, live" }).click();
  await alert(page, "The camera was refused");
});

test("storage that is full: the run is held, nothing is lost, and it goes on when there is room", async (t) => {
  const { page, address, context } = await visit(t);
  await embedded(page);
  const session = await context.newCDPSession(page);
  const quota = (/** @type {number | undefined} */ quotaSize) =>
    session.send("Storage.overrideQuotaForOrigin", { origin: new URL(address).origin, ...(quotaSize === undefined ? {} : { quotaSize }) });
  await settings(page, { epochs: 200, device: "cpu" });
  // Room for the first checkpoints, which the browser notices a little late, and then no more.
  const { usage = 0 } = await page.evaluate(() => navigator.storage.estimate());
  await quota(usage + 5e6);
  await start(page);
  const full = page.getByText(/storage is full/).first();
  for (let checkpoints = 0; !(await full.isVisible()); checkpoints++) {
    assert.ok(checkpoints < 30, "the storage is full at some time");
    // The end of an epoch may find it full first, and then there is no such button any more.
    await control(page, "Pause").click({ timeout: 2000 }).catch(() => {});
    await page.waitForTimeout(200);
    if (await full.isVisible()) break;
    await control(page, "Continue").click({ timeout: 2000 }).catch(() => {});
  }
  await look(page, "train-storage-full");
  await control(page, "Continue").waitFor();
  await quota(undefined);
  await control(page, "Continue").click();
  await control(page, "Stop").click();
  await control(page, "Resume").waitFor();
  await page.reload();
  await embedded(page);
  await open(page, "Runs");
  await page.getByRole("button", { name: /^More of / }).first().click();
  await page.getByRole("button", { name: "Resume" }).waitFor();
});

test("a worker that crashes: said, started again, and the run is resumed", async (t) => {
  const { page, worker } = await visit(t, { expected: [/crash for the test/] });
  await embedded(page);
  await settings(page, { epochs: 200, device: "cpu" });
  await start(page);
  await control(page, "Pause").click();
  await control(page, "Continue").waitFor();
  await (await worker()).evaluate(() => {
    setTimeout(() => {
      throw new Error("crash for the test");
    });
  });
  await alert(page, "The part that computes has stopped");
  await look(page, "crash");
  await page.getByRole("button", { name: "Start it again" }).click();
  await embedded(page);
  await open(page, "Runs");
  await page.getByRole("button", { name: /^More of / }).first().click();
  await page.getByRole("button", { name: "Resume" }).click();
  await control(page, "Stop").click();
});
