// Convoke, as a user of its package would train.
import init, { Dataset, Model, Trainer } from "/pkg/convoke_web.js";

/** @param {"gpu" | "cpu"} device */
export async function load(device) {
  await init();
  return async (/** @type {{pixels: Uint8Array, labels: Uint8Array}} */ { pixels, labels }, /** @type {(step: number, loss: number) => void} */ tell, /** @type {() => boolean} */ end) => {
    const classes = Array.from({ length: 10 }, (_, at) => `class ${at}`);
    // A batch is tested on after each epoch, which takes its part of the time that is measured.
    const test = { pixels: pixels.subarray(0, 64 * 2352), labels: [...labels.subarray(0, 64)] };
    const data = Dataset.fromArrays({ pixels, labels: [...labels], channels: 3, height: 28, width: 28, classes, test });
    const trainer = await Trainer.create(Model.preset("reference-cnn"), data, { device, epochs: 100000, batchSize: 64, optimizer: { type: "sgd", lr: 0.05, momentum: 0.9 } });
    await trainer.run((event) => {
      if (event.type === "step") tell(event.step, event.loss);
      if (end()) trainer.stop();
    });
  };
}
