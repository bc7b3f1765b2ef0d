// TensorFlow.js: its layers and optimizer; the loss is read back every five steps.
import { batches } from "./data.js";

/** @param {string} source */
const script = (source) => new Promise((resolve, reject) => {
  document.head.append(Object.assign(document.createElement("script"), { src: source, onload: resolve, onerror: reject }));
});

/** @param {"webgpu" | "webgl"} device */
export async function load(device) {
  await script("/node_modules/@tensorflow/tfjs/dist/tf.min.js");
  if (device === "webgpu") await script("/node_modules/@tensorflow/tfjs-backend-webgpu/dist/tf-backend-webgpu.min.js");
  const tf = /** @type {any} */ (window).tf;
  if (!(await tf.setBackend(device))) throw new Error(`TensorFlow.js has no ${device} here`);
  await tf.ready();
  return async ({ pixels, labels }, tell, end) => {
    const { layers } = tf;
    const model = tf.sequential({ layers: [
      layers.conv2d({ inputShape: [28, 28, 3], filters: 16, kernelSize: 3, padding: "same", activation: "relu" }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 32, kernelSize: 3, padding: "same", activation: "relu" }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.flatten(), layers.dense({ units: 128, activation: "relu" }), layers.dense({ units: 10 }),
    ] });
    const optimizer = tf.train.momentum(0.05, 0.9);
    let number = 0;
    for (const batch of batches(labels.length, 64)) {
      const x = new Float32Array(64 * 2352);
      batch.forEach((at, row) => {
        // Channels last, as TensorFlow.js has them.
        for (let pixel = 0; pixel < 784; pixel += 1) {
          for (let plane = 0; plane < 3; plane += 1) x[row * 2352 + pixel * 3 + plane] = pixels[(at * 3 + plane) * 784 + pixel] / 127.5 - 1;
        }
      });
      const [input, wanted] = [tf.tensor4d(x, [64, 28, 28, 3]), tf.oneHot(tf.tensor1d(batch.map((at) => labels[at]), "int32"), 10)];
      const value = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(wanted, model.apply(input, { training: true })), true);
      tf.dispose([input, wanted]);
      number += 1;
      if (number % 5 === 1) {
        tell(number, (await value.data())[0]);
        if (end()) return;
      }
      value.dispose();
    }
  };
}
