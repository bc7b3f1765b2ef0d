// What people do with the page: they find things by what they are called, not by how they are built.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { deflateRawSync } from "node:zlib";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").Locator} Locator */

/** A model that learns stripes within a second, on any device. */
export const TINY = `name = "tiny"
input = [3, 16, 16]

[[layers]]
type = "conv2d"
name = "conv1"
out_channels = 8
kernel_size = 3
padding = 1

[[layers]]
type = "relu"

[[layers]]
type = "max_pool2d"
kernel_size = 4

[[layers]]
type = "flatten"

[[layers]]
type = "linear"
name = "fc1"
out_features = "classes"
`;

/** Opens a view by its station. @param {Page} page @param {"Data" | "Model" | "Train" | "Understand" | "Try" | "Runs"} name */
export async function open(page, name) {
  await page.getByRole("navigation", { name: "Stations" }).getByRole("link", { name: new RegExp(`^${name}\\b`) }).click();
  await page.getByRole("main", { name }).waitFor();
}

/** Waits until the page and its pictures are there. @param {Page} page */
export async function embedded(page) {
  await open(page, "Data");
  await page.getByRole("heading", { name: /^Clothing/ }).waitFor({ timeout: 60_000 });
}

/** Presses a button that opens a file dialog, and chooses. @param {Page} page @param {Locator} button @param {Parameters<import("playwright-core").FileChooser["setFiles"]>[0]} files */
export async function choose(page, button, files) {
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), button.click()]);
  await chooser.setFiles(files);
}

/** Opens files in the Data view. @param {Page} page @param {Parameters<import("playwright-core").FileChooser["setFiles"]>[0]} files */
export async function openFiles(page, files) {
  await open(page, "Data");
  await choose(page, page.getByRole("button", { name: "Choose files or a zip" }), files);
}

/** Opens a folder in the Data view. @param {Page} page @param {string} folder */
export async function openFolder(page, folder) {
  await open(page, "Data");
  await choose(page, page.getByRole("button", { name: "Choose a folder" }), folder);
}

/**
 * Drops files and folders of the disk onto the middle of the page, as the system does.
 * @param {Page} page @param {string[]} files
 */
export async function drop(page, files) {
  const session = await page.context().newCDPSession(page);
  const { width, height } = page.viewportSize() ?? { width: 1280, height: 900 };
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of /** @type {const} */ (["dragEnter", "dragOver", "drop"])) {
    await session.send("Input.dispatchDragEvent", { type, x: width / 2, y: height / 2, data });
  }
  await session.detach();
}

/** The open data's card. @param {Page} page @param {string | RegExp} name */
export async function opened(page, name) {
  const card = page.getByRole("region", { name });
  await card.waitFor({ timeout: 60_000 });
  return card;
}

/** A figure with its label, in a card. @param {Locator} card @param {string} label */
export async function figure(card, label) {
  const text = await card.innerText();
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  const at = lines.findIndex((line) => line.toLowerCase() === label.toLowerCase());
  assert.ok(at >= 0, `“${label}” is not in: ${text}`);
  return lines[at + 1];
}

/** The number in a text such as "1,234" or "81.2 %". @param {string} text */
export function number(text) {
  const found = /-?[\d,]+(\.\d+)?/.exec(text);
  assert.ok(found, `there is no number in “${text}”`);
  return Number(found[0].replaceAll(",", ""));
}

/** Makes a TOML text the model. @param {Page} page @param {string} toml */
export async function model(page, toml) {
  await open(page, "Model");
  await page.getByRole("tab", { name: "As text" }).click();
  await page.getByLabel("TOML, as the command reads it").fill(toml);
}

/**
 * Sets how the next run is trained.
 * @param {Page} page
 * @param {{epochs?: number, batch?: number, rate?: number, seed?: number, steps?: number, name?: string, device?: "auto" | "gpu" | "cpu"}} wanted
 */
export async function settings(page, { epochs, batch, rate, seed, steps, name, device }) {
  await open(page, "Train");
  const fill = async (/** @type {string} */ label, /** @type {string | number | undefined} */ value) => {
    if (value === undefined) return;
    const field = page.getByLabel(label, { exact: true });
    if (!(await field.isVisible())) await page.getByText("More settings", { exact: true }).click();
    await field.fill(String(value));
    await field.press("Tab");
  };
  await fill("Epochs", epochs);
  await fill("Batch size", batch);
  await fill("Learning rate", rate);
  await fill("Seed", seed);
  await fill("Stop after steps", steps);
  await fill("Name of the run", name);
  if (device) await page.getByLabel("Device", { exact: true }).selectOption(device);
}

/** The buttons that steer the training. @param {Page} page @param {string | RegExp} name */
export const control = (page, name) => page.getByRole("group", { name: "Training" }).getByRole("button", { name });

/** Starts the run that is set. @param {Page} page */
export async function start(page) {
  await open(page, "Train");
  await control(page, /^Start/).click();
  await control(page, "Pause").or(page.getByText("The training is finished")).waitFor({ timeout: 90_000 });
}

/** Waits for the end of the training. @param {Page} page @param {number} [timeout] milliseconds @returns {Promise<number>} the test accuracy, 0 … 1 */
export async function finished(page, timeout = 60_000) {
  const notice = page.getByRole("status").filter({ hasText: "The training is finished" });
  await notice.or(page.getByRole("alert")).waitFor({ timeout });
  const text = await notice.innerText();
  const share = /([\d.]+) % of the [\d,]+ test pictures are right/.exec(text);
  assert.ok(share, `how many are right is not in: ${text}`);
  return Number(share[1]) / 100;
}

/** How many steps the run has done. @param {Page} page */
export async function steps(page) {
  const text = await page.getByRole("main").getByText(/^step [\d,]+ of [\d,]+$/).innerText();
  return number(text);
}

/** Saves what a button downloads. @param {Page} page @param {Locator} button @returns {Promise<{name: string, path: string, bytes: Buffer}>} */
export async function download(page, button) {
  const [saved] = await Promise.all([page.waitForEvent("download"), button.click()]);
  const path = await saved.path();
  return { name: saved.suggestedFilename(), path, bytes: await readFile(path) };
}

/** What the page says at its edge. @param {Page} page @param {string | RegExp} text */
export const message = (page, text) => page.getByRole("region", { name: "Messages" }).getByText(text);

/** Whether a PNG is one. @param {Buffer} bytes */
export const isPng = (bytes) => bytes.subarray(1, 4).toString("latin1") === "PNG" && bytes.length > 100;

/** Bytes that hardly compress, the same every time. @param {number} length */
export function noise(length) {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let at = 0; at < length; at++) bytes[at] = (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24;
  assert.ok(deflateRawSync(bytes.subarray(0, 4096)).length > 4000);
  return bytes;
}
