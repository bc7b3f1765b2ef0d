// Trains on the files that the page sends, and tells it how that goes.
import init, { Dataset, Model, Trainer } from "../../pkg/convoke_web.js";

const ready = init();

addEventListener("message", async ({ data: files }) => {
  try {
    await ready;
    const model = Model.preset("reference-cnn");
    const [, height, width] = model.input;
    const data = await Dataset.fromFiles(files, {
      size: [height, width],
      onProgress: (done, total) => postMessage({ state: `reading pictures: ${done} of ${total}` }),
    });
    const trainer = await Trainer.create(model, data, { epochs: 10, optimizer: { type: "adam", lr: 0.002 } });
    postMessage({ state: `training on ${trainer.device}, ${data.trainCount} pictures of ${data.classes.join(", ")}` });
    await trainer.run((event) => {
      if (event.type === "epoch") postMessage({ epoch: event });
    });
    postMessage({ state: "done", model: await trainer.save() });
  } catch (error) {
    const { code, message } = /** @type {Error & { code: string }} */ (error);
    postMessage({ state: `${code}: ${message}` });
  }
});
