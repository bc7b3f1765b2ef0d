// The package, as programs use it.
import assert from "node:assert/strict";
import test from "node:test";
import { packaged } from "../lib/package.js";

test("what is wrong is an Error with a code and a sentence", async (t) => {
  const page = await packaged(t);
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
  const page = await packaged(t);
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

test("who leaves the loop, stops, or throws finds the trainer free, and goes on from there", async (t) => {
  const page = await packaged(t);
  const told = await page.evaluate(async () => {
    const place = "/pkg/convoke_web.js";
    const { default: init, Dataset, Model, Trainer } = await import(place);
    await init();
    const pixels = Uint8Array.from({ length: 200 * 16 }, (_, i) => (i * 2654435761) >>> 24);
    const labels = Array.from({ length: 200 }, (_, i) => i % 2);
    const data = Dataset.fromArrays({ pixels, labels, channels: 1, height: 4, width: 4, classes: ["a", "b"] });
    const layers = [{ type: "flatten" }, { type: "linear", out_features: 64 }, { type: "relu" }, { type: "linear", out_features: "classes" }];
    const create = () => Trainer.create(new Model({ name: "m", input: [1, 4, 4], layers }), data, { device: "cpu", epochs: 40, batchSize: 4 });

    const trainer = await create();
    const picture = new ImageData(4, 4);
    const steps = [];
    for (let turn = 0; turn < 3; turn += 1) {
      for await (const event of trainer.train()) {
        if (event.type !== "step") continue;
        steps.push(event.step);
        break;
      }
      await trainer.predict(picture);
      await trainer.evaluate();
    }
    // Without waiting for anything.
    const running = trainer.run(() => {});
    trainer.stop();
    const saved = await trainer.save();
    const finished = await running;
    const again = trainer.run();
    const stopped = await trainer.stop();
    const halves = [await again, await trainer.run()];

    const other = await create();
    const reason = new RangeError("enough");
    let thrown, calls = 0;
    try {
      await other.run(() => { calls += 1; throw reason; });
    } catch (error) {
      thrown = error;
    }
    const loss = await other.step();
    const freed = other.run();
    const busy = await other.save().catch((/** @type {Error & { code: string }} */ error) => error.code);
    other.free();
    return {
      steps, saved: saved.length > 100, finished, stopped, halves, busy,
      thrown: thrown === reason, calls, loss: Number.isFinite(loss), freed: await freed,
    };
  });
  const { steps, ...rest } = told;
  assert.ok(steps[0] === 1 && steps[1] > 1 && steps[2] > steps[1], JSON.stringify(steps));
  assert.deepEqual(rest, {
    saved: true, finished: false, halves: [false, true], busy: "busy", thrown: true, calls: 1, loss: true, freed: true, stopped: undefined,
  });
});

test("pictures that don't fit are refused at once, and nothing is the worse for it", async (t) => {
  const page = await packaged(t);
  const told = await page.evaluate(async () => {
    const place = "/pkg/convoke_web.js";
    const { default: init, Dataset, Model, Trainer } = await import(place);
    await init();
    const labels = Array.from({ length: 600 }, (_, i) => i % 2);
    const arrays = { pixels: new Uint8Array(600 * 4).fill(7), labels, channels: 1, height: 2, width: 2, classes: ["a", "b"] };
    const layers = [{ type: "flatten" }, { type: "linear", out_features: "classes" }];
    /** @param {() => unknown} work */
    const fails = async (work) => {
      try {
        await work();
        return "nothing";
      } catch (error) {
        const { code, message } = /** @type {Error & { code: string }} */ (error);
        return `${code}: ${message}`;
      }
    };
    const begun = performance.now();
    const asked = await fails(() => Dataset.fromArrays(arrays, { size: [3000, 3000] }));
    const wanted = await fails(() => Trainer.create(new Model({ name: "m", input: [3, 3000, 3000], layers }), Dataset.fromArrays(arrays)));
    const seconds = (performance.now() - begun) / 1000;
    const fits = Dataset.fromArrays(arrays, { size: [30, 30], channels: 3 });
    return { asked, wanted, seconds, fits: [...fits.size] };
  });
  assert.equal(told.asked, "too-large: 600 pictures of 1×3000×3000 take 5400000000 bytes, more than 1073741824 allowed; 119 of them fit: use fewer, or a smaller size");
  assert.match(told.wanted, /^too-large: 600 pictures of 3×3000×3000 take/);
  assert.ok(told.seconds < 5, `${told.seconds} s`);
  assert.deepEqual(told.fits, [3, 30, 30]);
});
