// The package's examples, as its users would open them.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { chromium } from "playwright-core";
import { stripedFolders } from "../lib/pictures.js";
import { serve } from "../lib/server.js";
import { CHROMIUM, PACKAGE, ROOT, temporary } from "../lib/setting.js";

/** @param {import("node:test").TestContext} t @param {string} path */
async function example(t, path) {
  const host = await serve({ "/pkg/": PACKAGE(), "/examples/": join(ROOT, "web/examples") });
  const args = ["--headless=new", "--no-sandbox", "--enable-unsafe-webgpu", "--disable-quic", "--no-first-run"];
  const browser = await chromium.launch({ executablePath: CHROMIUM(), args });
  t.after(async () => {
    await browser.close();
    await host.close();
  });
  const page = await browser.newPage();
  /** @type {Error[]} */
  const errors = [];
  page.on("pageerror", (error) => errors.push(error));
  await page.goto(`${host.origin}/examples/${path}`);
  return { page, errors };
}

test("plain HTML: draws pictures, learns to tell them apart, and does", async (t) => {
  const { page, errors } = await example(t, "plain.html");
  await page.getByText(/^training on /).waitFor();
  const result = page.getByText(/^this is a disc \(\d+\.\d %\)$/);
  await result.waitFor({ timeout: 120_000 });
  assert.deepEqual(errors, []);
});

test("a worker: takes a folder, trains, and hands the model over", async (t) => {
  const { page, errors } = await example(t, "worker/index.html");
  const folder = temporary(t);
  for (const { path, bytes } of stripedFolders(30)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  await page.getByLabel(/A folder of pictures/).setInputFiles(join(folder, "stripes"));
  await page.getByText(/^epoch 10: \d+\.\d % of the test pictures are right$/).waitFor({ timeout: 120_000 });
  const arriving = page.waitForEvent("download");
  await page.getByRole("link", { name: "Save the model" }).click();
  assert.equal((await arriving).suggestedFilename(), "model.safetensors");
  assert.deepEqual(errors, []);
});

test("what is wrong is an Error with a code and a sentence", async (t) => {
  const { page } = await example(t, "worker/index.html");
  const errors = await page.evaluate(async () => {
    const place = "/pkg/convoke_web.js";
    const { default: init, Dataset, Model, Predictor, Trainer } = await import(place);
    await init();
    /** @param {() => unknown} work */
    const fails = async (work) => {
      try {
        await work();
      } catch (error) {
        const { code, message } = /** @type {Error & { code: string }} */ (error);
        return { code, sentence: error instanceof Error && message.length > 20 };
      }
      return { code: "nothing", sentence: false };
    };
    const arrays = { pixels: new Uint8Array(40 * 9), labels: Array.from({ length: 40 }, (_, i) => i % 2), channels: 1, height: 3, width: 3, classes: ["a", "b"] };
    const data = Dataset.fromArrays(arrays);
    const layers = [{ type: "flatten" }, { type: "linear", out_features: "classes" }];
    const model = new Model({ name: "m", input: [1, 3, 3], layers });
    const trainer = await Trainer.create(model, data, { device: "cpu", epochs: 1, batchSize: 8 });
    return {
      preset: await fails(() => Model.preset("none")),
      layer: await fails(() => new Model({ input: [1, 3, 3], layers: [{ type: "linear", out_features: 3 }] })),
      arrays: await fails(() => Dataset.fromArrays({ ...arrays, labels: [0, 5] })),
      setting: await fails(() => Trainer.create(model, data, { batchSize: 0 })),
      unknown: await fails(() => Trainer.create(model, data, { batchsize: 8 })),
      table: await fails(() => Trainer.create(model, data, { more: { shedule: { type: "cosine" } } })),
      key: await fails(() => Trainer.create(model, data, { more: { train: { clip_nrm: 1 } } })),
      text: await fails(() => Trainer.create(model, data, { more: "[train]\nclip_nrm = 1" })),
      kind: await fails(() => Trainer.create(model, data, { more: 3 })),
      file: await fails(() => Predictor.load(new Uint8Array(10))),
      picture: await fails(() => trainer.predict(new Uint8Array([1, 2, 3]))),
      busy: await fails(() => Promise.all([trainer.step(), trainer.step()])),
    };
  });
  const codes = Object.fromEntries(Object.entries(errors).map(([name, { code }]) => [name, code]));
  assert.deepEqual(codes, {
    preset: "model", layer: "model", arrays: "data", setting: "setting", unknown: "setting", table: "setting", key: "setting", text: "setting", kind: "setting",
    file: "not-safetensors", picture: "not-a-picture",
    busy: "busy",
  });
  assert.ok(Object.values(errors).every(({ sentence }) => sentence), JSON.stringify(errors));
});

test("what the command's files say of training is taken as an object and as text, to the same losses", async (t) => {
  const { page } = await example(t, "worker/index.html");
  const losses = await page.evaluate(async () => {
    const place = "/pkg/convoke_web.js";
    const { default: init, Dataset, Model, Trainer } = await import(place);
    await init();
    const pixels = Uint8Array.from({ length: 60 * 16 }, (_, i) => (i * 2654435761) >>> 24);
    const labels = Array.from({ length: 60 }, (_, i) => i % 2);
    const data = Dataset.fromArrays({ pixels, labels, channels: 1, height: 4, width: 4, classes: ["a", "b"] });
    const model = new Model({ name: "m", input: [1, 4, 4], layers: [{ type: "flatten" }, { type: "linear", out_features: "classes" }] });
    /** @param {object} options */
    const train = async (options) => {
      const trainer = await Trainer.create(model, data, { device: "cpu", epochs: 3, batchSize: 8, ...options });
      /** @type {number[]} */
      const losses = [];
      for await (const event of trainer.train()) if (event.type === "step") losses.push(event.loss);
      return losses;
    };
    const more = {
      train: { clip_norm: 0.5, ema: 0.9, groups: [{ parameters: "*.bias", lr_factor: 2 }] },
      optimizer: { type: "adamw", lr: 0.01, weight_decay: 0 },
      schedule: { type: "cosine", warmup: "4 steps" },
      loss: { label_smoothing: 0.1 },
      augment: { crop: 1, flip: true, scale: [0.9, 1.1] },
    };
    const text = `[train]
clip_norm = 0.5
ema = 0.9
groups = [{ parameters = "*.bias", lr_factor = 2 }]
[optimizer]
type = "adamw"
lr = 0.01
weight_decay = 0
[schedule]
type = "cosine"
warmup = "4 steps"
[loss]
label_smoothing = 0.1
[augment]
crop = 1
flip = true
scale = [0.9, 1.1]`;
    return { plain: await train({}), object: await train({ more }), text: await train({ more: text }) };
  });
  assert.ok(losses.object.length > 10 && losses.object.every(Number.isFinite), JSON.stringify(losses));
  assert.deepEqual(losses.object, losses.text);
  assert.notDeepEqual(losses.object, losses.plain);
});
