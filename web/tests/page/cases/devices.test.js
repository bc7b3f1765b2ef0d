// Devices that are not there, or go away.
import assert from "node:assert/strict";
import test from "node:test";
import { visit } from "../lib/browser.js";
import { look } from "../lib/looks.js";
import { control, embedded, finished, open, settings, start } from "../lib/person.js";

test("without WebGPU the CPU trains, and the page says so and why", async (t) => {
  const { page } = await visit(t, { webgpu: false });
  await embedded(page);
  await open(page, "Train");
  const notice = page.getByRole("status").filter({ hasText: "Without WebGPU" });
  await notice.waitFor();
  assert.match(await notice.innerText(), /WebGPU/);
  assert.equal(await page.getByRole("option", { name: "WebGPU: not here" }).isDisabled(), true);
  await look(page, "train-without-webgpu");
  await settings(page, { epochs: 1 });
  await start(page);
  assert.ok((await finished(page)) > 0.5);
  await page.getByText(/^On the CPU, by WebAssembly \(/).waitFor();
});

test("a device that is lost while it trains is told of, and training goes on to the same end", async (t) => {
  const { page, worker } = await visit(t);
  await embedded(page);
  // Every device that the worker gets from now on is noted, so that it can be taken away.
  await (await worker()).evaluate(() => {
    const all = /** @type {GPUDevice[]} */ ([]);
    Object.assign(globalThis, { devices: all });
    const original = GPUAdapter.prototype.requestDevice;
    GPUAdapter.prototype.requestDevice = async function (/** @type {GPUDeviceDescriptor | undefined} */ how) {
      const device = await original.call(this, how);
      all.push(device);
      return device;
    };
  });
  await settings(page, { epochs: 1, seed: 3, device: "gpu" });
  await start(page);
  await page.waitForFunction(() => Number(/step ([\d,]+) of/.exec(document.body.innerText)?.[1]) > 5, undefined, { timeout: 60_000 });
  await control(page, "Pause").click();
  await control(page, "Continue").click(); // Pausing has taken a checkpoint.
  await page.waitForFunction(() => Number(/step ([\d,]+) of/.exec(document.body.innerText)?.[1]) > 10);
  const lost = await (await worker()).evaluate(() => {
    const { devices } = /** @type {{devices: GPUDevice[]}} */ (/** @type {unknown} */ (globalThis));
    for (const device of devices) device.destroy();
    return devices.length;
  });
  assert.ok(lost > 0, "there was a device to lose");
  await page.getByText(/Training goes on from step \d+, on /).first().waitFor({ timeout: 60_000 });
  await look(page, "train-device-lost");
  await finished(page, 120_000);
  await page.getByText("step 94 of 94").first().waitFor();
  const again = await (await worker()).evaluate(() => /** @type {{devices: GPUDevice[]}} */ (/** @type {unknown} */ (globalThis)).devices.length);
  assert.ok(again > lost, "it went on on a new device");
});
