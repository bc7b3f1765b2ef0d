// Pictures that can be learned: ten patterns, each dimmed and covered with noise, the same on every visit.

/** A small generator of random numbers (mulberry32), so that all trainers see the same. @param {number} seed */
export function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Pictures of 3×28×28 bytes, planes after one another, with labels 0 to 9.
 * @param {number} count @returns {{pixels: Uint8Array, labels: Uint8Array}}
 */
export function pictures(count) {
  const next = random(1);
  const patterns = Array.from({ length: 10 }, () => Array.from({ length: 49 }, () => (next() < 0.5 ? 0 : 1)));
  const [pixels, labels] = [new Uint8Array(count * 3 * 784), new Uint8Array(count)];
  for (let at = 0; at < count; at += 1) {
    const label = at % 10;
    labels[at] = label;
    const light = 80 + next() * 100;
    for (let plane = 0; plane < 3; plane += 1) {
      for (let pixel = 0; pixel < 784; pixel += 1) {
        const on = patterns[label][Math.floor(pixel / 112) * 7 + Math.floor((pixel % 28) / 4)];
        pixels[(at * 3 + plane) * 784 + pixel] = on * light + next() * 75;
      }
    }
  }
  return { pixels, labels };
}

/** The order of the pictures, batch by batch, for trainers that are given batches. @param {number} count @param {number} batch */
export function* batches(count, batch) {
  const next = random(2);
  const order = Array.from({ length: count }, (_, at) => at);
  for (;;) {
    for (let at = count - 1; at > 0; at -= 1) {
      const other = Math.floor(next() * (at + 1));
      [order[at], order[other]] = [order[other], order[at]];
    }
    for (let at = 0; at + batch <= count; at += batch) yield order.slice(at, at + batch);
  }
}
