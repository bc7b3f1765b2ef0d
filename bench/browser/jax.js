// jax-js: one jitted function a step, as its examples have it; the loss is read back every five steps.
import { defaultDevice, init, jit, lax, nn, numpy as np, valueAndGrad } from "/node_modules/@jax-js/jax/dist/index.js";
import { batches, random } from "./data.js";

const SHAPES = /** @type {const} */ ([[16, 3, 3, 3], [16], [32, 16, 3, 3], [32], [1568, 128], [128], [128, 10], [10]]);

/** Uniform in ±1/√fan_in, as PyTorch and Convoke begin. */
function weights() {
  const next = random(3);
  const fans = [27, 27, 144, 144, 1568, 1568, 128, 128];
  return SHAPES.map((shape, at) => {
    const size = shape.reduce((product, n) => product * n, 1);
    const bound = 1 / Math.sqrt(fans[at]);
    return np.array(Float32Array.from({ length: size }, () => (2 * next() - 1) * bound)).reshape([...shape]);
  });
}

const pool = (x, channels, side) => np.max(x.reshape([64, channels, side, 2, side, 2]), [3, 5]);

function loss([w1, b1, w2, b2, w3, b3, w4, b4], x, y) {
  let h = lax.convGeneralDilated(x, w1, [1, 1], "SAME").add(b1.reshape([1, 16, 1, 1]));
  h = pool(nn.relu(h), 16, 14);
  h = lax.convGeneralDilated(h, w2, [1, 1], "SAME").add(b2.reshape([1, 32, 1, 1]));
  h = pool(nn.relu(h), 32, 7).reshape([64, 1568]);
  h = nn.relu(np.matmul(h, w3).add(b3));
  const logits = np.matmul(h, w4).add(b4);
  return np.sum(nn.logSoftmax(logits).mul(y)).mul(-1 / 64);
}

/** @param {"webgpu" | "wasm"} device */
export async function load(device) {
  const there = await init(device);
  if (!there.includes(device)) throw new Error(`jax-js has no ${device} here; it has ${there}`);
  defaultDevice(device);
  const step = jit((p, m, x, y) => {
    const [value, gradients] = valueAndGrad(loss)(p.map((one) => one.ref), x, y);
    const momentum = m.map((one, at) => one.mul(0.9).add(gradients[at]));
    const moved = p.map((one, at) => one.sub(momentum[at].ref.mul(0.05)));
    return [value, moved, momentum];
  });
  return async ({ pixels, labels }, tell, end) => {
    let p = weights();
    let m = SHAPES.map((shape) => np.zeros([...shape]));
    let number = 0;
    for (const batch of batches(labels.length, 64)) {
      const [x, y] = [new Float32Array(64 * 2352), new Float32Array(640)];
      batch.forEach((at, row) => {
        for (let pixel = 0; pixel < 2352; pixel += 1) x[row * 2352 + pixel] = pixels[at * 2352 + pixel] / 127.5 - 1;
        y[row * 10 + labels[at]] = 1;
      });
      let value;
      [value, p, m] = step(p, m, np.array(x).reshape([64, 3, 28, 28]), np.array(y).reshape([64, 10]));
      number += 1;
      if (number % 5 === 1) {
        tell(number, (await value.data())[0]);
        if (end()) return;
      } else {
        value.dispose();
      }
    }
  };
}
