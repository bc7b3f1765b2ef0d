// The package, as programs use it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { packaged } from "../lib/package.js";
import { PACKAGE, ROOT, temporary } from "../lib/setting.js";

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
    const uncaught = new Promise((resolve) => addEventListener("unhandledrejection", ({ reason }) => resolve(reason === "of progress")));
    await Trainer.create(new Model({ name: "m", input: [1, 4, 4], layers }), data, { device: "cpu", onProgress: () => { throw "of progress"; } });
    const freed = other.run();
    const busy = await other.save().catch((/** @type {Error & { code: string }} */ error) => error.code);
    other.free();
    return {
      uncaught: await uncaught, steps, saved: saved.length > 100, finished, stopped, halves, busy,
      thrown: thrown === reason, calls, loss: Number.isFinite(loss), freed: await freed,
    };
  });
  const { steps, ...rest } = told;
  assert.ok(steps[0] === 1 && steps[1] > 1 && steps[2] > steps[1], JSON.stringify(steps));
  assert.deepEqual(rest, {
    saved: true, finished: false, halves: [false, true], busy: "busy", thrown: true, uncaught: true, calls: 1, loss: true, freed: true, stopped: undefined,
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

test("what an argument says wrongly is told by its name, and no name is passed over", async (t) => {
  const page = await packaged(t);
  const told = await page.evaluate(async () => {
    const place = "/pkg/convoke_web.js";
    const { default: init, Dataset, Model, Trainer } = await import(place);
    await init();
    const labels = Uint8Array.from({ length: 40 }, (_, i) => i % 2);
    const arrays = { pixels: new Uint8ClampedArray(40 * 9), labels, channels: 1, height: 3, width: 3, classes: ["a", "b"] };
    const data = Dataset.fromArrays(arrays);
    const likes = Dataset.fromArrays({ ...arrays, labels: Object.assign({ length: 40 }, [...labels]) });
    const layers = [{ type: "flatten" }, { type: "linear", out_features: "classes" }];
    const model = new Model({ name: "m", input: [1, 3, 3], layers });
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
    /** @param {object} options */
    const train = (options) => fails(() => Trainer.create(model, data, { device: "cpu", ...options }));
    /** @type {Record<string, unknown>} */
    const circle = {};
    circle.train = circle;
    return {
      pictures: [data.trainCount + data.testCount, likes.trainCount + likes.testCount],
      epochs: await train({ epochs: 1.5 }),
      batch: await train({ batchSize: 70_000 }),
      shuffle: await train({ shuffle: "yes" }),
      rate: await train({ optimizer: { lr: "fast" } }),
      misspelt: await train({ optimizer: { momentun: 0.9 } }),
      camel: await train({ optimizer: { learningRate: 1 } }),
      type: await train({ optimizer: { type: "adamm" } }),
      misfit: await train({ optimizer: { type: "adam", momentum: 0.9 } }),
      device: await train({ device: "tpu" }),
      bytes: await train({ init: [1, 2] }),
      options: await fails(() => Trainer.create(model, data, 3)),
      deep: await train({ more: circle }),
      big: await train({ more: { train: { ema: 5n } } }),
      unknown: await fails(() => Dataset.fromArrays({ ...arrays, label: [] })),
      missing: await fails(() => Dataset.fromArrays({ ...arrays, classes: undefined })),
      test: await fails(() => Dataset.fromArrays({ ...arrays, test: { pixels: arrays.pixels, labls: [] } })),
      label: await fails(() => Dataset.fromArrays({ ...arrays, labels: Array.from(labels, (label, i) => (i === 7 ? 0.5 : label)) })),
      pixels: await fails(() => Dataset.fromArrays({ ...arrays, pixels: new Float32Array(360) })),
      long: await fails(() => Dataset.fromArrays({ ...arrays, labels: { length: 1e9 } })),
      size: await fails(() => Dataset.fromArrays(arrays, { size: [3] })),
      file: await fails(() => Dataset.fromFiles([{ path: "a/1.png", file: "1.png" }])),
      input: await fails(() => new Model({ input: "3", layers })),
      list: await fails(() => new Model([layers])),
      setting: await fails(() => new Model({ input: [1, 3, 3], layers: [{ type: "linear", out_feature: 3 }] })),
      model: await fails(() => new Model({ nmae: "m", input: [1, 3, 3], layers })),
    };
  });
  const { pictures, ...messages } = told;
  assert.deepEqual(pictures, [40, 40]);
  assert.deepEqual(messages, {
    epochs: "setting: `epochs` has to be a whole number from 1, and it is 1.5",
    batch: "setting: `batchSize` has to be a whole number from 1 to 65536, and it is 70000",
    shuffle: 'setting: `shuffle` has to be true or false, and it is "yes"',
    rate: 'setting: `optimizer.lr` has to be a number, and it is "fast"',
    misspelt: "setting: there is no `optimizer.momentun` (did you mean `momentum`?); there are type, lr, momentum, nesterov, weightDecay",
    camel: "setting: there is no `optimizer.learningRate`; there are type, lr, momentum, nesterov, weightDecay",
    type: 'setting: `optimizer.type` has to be one of sgd, adam, adamw, rmsprop, adagrad, lion, and it is "adamm"',
    misfit: "setting: [optimizer]: momentum is for sgd and rmsprop, and the optimizer is adam; leave it out, or choose another optimizer",
    device: 'setting: `device` has to be one of auto, gpu, cpu, and it is "tpu"',
    bytes: "setting: `init` has to be a Uint8Array or a Uint8ClampedArray, and it is of the type Array",
    options: "setting: the third argument, the options, has to be an object, and it is 3",
    deep: `setting: \`more${".train".repeat(9)}\` is an object within objects without end; settings are never so deep`,
    big: "setting: `more.train.ema` has to be a number, a text, true or false, a list or an object, and it is of the type bigint",
    unknown: "data: there is no `label` (did you mean `labels`?); there are pixels, labels, channels, height, width, classes, test",
    missing: "data: `classes` is missing",
    test: "data: there is no `test.labls` (did you mean `labels`?); there are pixels, labels",
    label: "data: `labels[7]` has to be a whole number from 0, and it is 0.5",
    pixels: "data: `pixels` has to be a Uint8Array or a Uint8ClampedArray, and it is of the type Float32Array",
    long: "data: `labels` may have 360 entries, and has 1000000000",
    size: "setting: `size` has to be [height, width], and is shorter",
    file: "data: each file has to have a path (a string) and a file (a File or a Blob)",
    input: 'model: `input`: invalid type: string "3", expected an array of length 3',
    list: "model: the model has to be an object, and it is of the type Array",
    setting: "model: model `model`: layer `linear_0` (linear): unknown field `out_feature` (did you mean `out_features`?), expected `out_features` or `bias`",
    model: "model: there is no `nmae` (did you mean `name`?); there are name, input, classes, layers, train, optimizer, schedule, loss, augment",
  });
});

test("a model's file says how to train it, and options say otherwise", async (t) => {
  const page = await packaged(t);
  const told = await page.evaluate(async () => {
    const place = "/pkg/convoke_web.js";
    const { default: init, Dataset, Model, Trainer } = await import(place);
    await init();
    const pixels = Uint8Array.from({ length: 60 * 16 }, (_, i) => (i * 2654435761) >>> 24);
    const labels = Array.from({ length: 60 }, (_, i) => i % 2);
    const data = Dataset.fromArrays({ pixels, labels, channels: 1, height: 4, width: 4, classes: ["a", "b"] });
    const layers = [{ type: "flatten" }, { type: "linear", out_features: "classes" }];
    const text = `name = "m"
input = [1, 4, 4]
[train]
epochs = 2
batch_size = 12
[optimizer]
type = "adamw"
lr = 0.03
beta1 = 0.8
[[layers]]
type = "flatten"
[[layers]]
type = "linear"
out_features = "classes"
`;
    /** @param {object} model @param {object} [options] */
    const train = async (model, options) => {
      const trainer = await Trainer.create(model, data, { device: "cpu", ...options });
      /** @type {number[]} */
      const losses = [];
      await trainer.run((/** @type {{ type: string, loss: number }} */ event) => {
        if (event.type === "step") losses.push(event.loss);
      });
      return losses;
    };
    const bare = new Model({ name: "m", input: [1, 4, 4], layers });
    const said = { epochs: 2, batchSize: 12 };
    const file = Model.fromToml(text);
    const object = new Model({ name: "m", input: [1, 4, 4], layers, train: { epochs: 2, batch_size: 12 }, optimizer: { type: "adamw", lr: 0.03, beta1: 0.8 } });
    let refused = "";
    try {
      Model.fromToml(text.replace("lr", "rate"));
    } catch (error) {
      refused = /** @type {Error & { code: string }} */ (error).code;
    }
    return {
      file: await train(file),
      object: await train(object),
      again: await train(Model.fromToml(file.toToml())),
      options: await train(bare, { ...said, more: { optimizer: { type: "adamw", lr: 0.03, beta1: 0.8 } } }),
      rate: await train(file, { optimizer: { lr: 0.5 } }),
      rateSaid: await train(bare, { ...said, more: { optimizer: { type: "adamw", lr: 0.5, beta1: 0.8 } } }),
      other: await train(file, { optimizer: { type: "sgd" }, epochs: 1 }),
      otherSaid: await train(bare, { epochs: 1, batchSize: 12 }),
      summary: file.summary(8).training?.settings.epochs,
      refused,
    };
  });
  assert.equal(told.file.length, 8);
  assert.deepEqual(told.object, told.file);
  assert.deepEqual(told.again, told.file);
  assert.deepEqual(told.options, told.file);
  assert.notDeepEqual(told.rate, told.file);
  assert.deepEqual(told.rate, told.rateSaid);
  assert.deepEqual(told.other, told.otherSaid);
  assert.equal(told.summary, 2);
  assert.equal(told.refused, "setting");
});

/** Compiles programs against the package's types, as strictly as TypeScript can. @param {string} folder @param {string[]} files @param {string[]} lib */
function compile(folder, files, lib) {
  const options = {
    target: "ESNext", module: "ESNext", moduleResolution: "Bundler", moduleDetection: "force", lib, types: [],
    strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true,
    paths: { "convoke-web": [join(PACKAGE(), "convoke_web.d.ts")] },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files }));
  const compiler = join(ROOT, "web/tests/page/node_modules/typescript/bin/tsc");
  return spawnSync(process.execPath, [compiler, "--project", folder], { encoding: "utf8" });
}

test("its types compile as strictly as TypeScript can, with nothing but a browser's", (t) => {
  const { stdout, status } = compile(temporary(t), [join(ROOT, "web/tests/page/lib/consumer.ts")], ["esnext", "dom"]);
  assert.equal(stdout, "");
  assert.equal(status, 0);
});

test("it comes with a manual whose programs are right, and with its licences", (t) => {
  for (const name of ["README.md", "LICENSE-MIT", "LICENSE-APACHE"]) assert.ok(existsSync(join(PACKAGE(), name)), name);
  const manual = readFileSync(join(PACKAGE(), "README.md"), "utf8");
  const folder = temporary(t);
  const given = {
    data: 'Awaited<ReturnType<typeof import("convoke-web").Dataset.fromFiles>>', file: "File", imageData: "ImageData", input: "HTMLInputElement & { files: FileList }",
    model: 'import("convoke-web").Model', trainer: 'import("convoke-web").Trainer',
  };
  const files = [...manual.matchAll(/^```js\n(.*?)^```$/gms)].map(([, program = ""], i) => {
    const file = join(folder, `${i}.ts`);
    const declared = Object.entries(given).filter(([name]) => !new RegExp(`const ${name} =`).test(program));
    // A program that takes the best answer would ask whether there is one only where a model could have no classes.
    writeFileSync(file, declared.map(([name, type]) => `declare const ${name}: ${type};\n`).join("") + program.replaceAll(/best\./g, "best!."));
    return file;
  });
  assert.ok(files.length > 5);
  const { stdout, status } = compile(folder, files, ["esnext", "dom", "dom.iterable"]);
  assert.equal(stdout, "");
  assert.equal(status, 0);
});
