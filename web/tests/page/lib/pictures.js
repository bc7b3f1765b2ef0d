// Pictures and archives that the tests make: PNG files, zips and IDX files, by the standard library alone.
import * as zlib from "node:zlib";

const { deflateRawSync, deflateSync } = zlib;
const zlibCrc32 = "crc32" in zlib ? /** @type {(bytes: Uint8Array) => number} */ (zlib.crc32) : undefined;

/** @typedef {{name: string, mimeType: string, buffer: Buffer}} FileOf a file as Playwright takes it */

const CRC = Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  if (zlibCrc32) return zlibCrc32(bytes); // Not in older versions of Node.js, and much faster.
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/** @param {string} type @param {Buffer} data */
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), 8 + data.length);
  return out;
}

/**
 * A PNG file.
 * @param {number} width
 * @param {number} height
 * @param {(x: number, y: number) => [number, number, number]} colour
 * @param {number} [level] how hard to compress, 0 … 9
 */
export function png(width, height, colour, level = 6) {
  const rows = Buffer.alloc(height * (1 + 3 * width));
  let at = 0;
  for (let y = 0; y < height; y++) {
    rows[at++] = 0;
    for (let x = 0; x < width; x++) for (const part of colour(x, y)) rows[at++] = part;
  }
  return wrap(width, height, 8, 2, deflateSync(rows, { level }));
}

/** @param {number} width @param {number} height @param {number} depth @param {number} type @param {Buffer} data */
function wrap(width, height, depth, type, data) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, type, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

/** A black picture of a size that would take much memory, in a small file. @param {number} width @param {number} height */
export function hugePng(width, height) {
  const rows = Buffer.alloc(height * (1 + width)); // Grey, eight bits.
  return wrap(width, height, 8, 0, deflateSync(rows, { level: 9 }));
}

/**
 * A picture of one of two kinds that a network tells apart at once: stripes that lie, or stand; the number shifts and tints them.
 * @param {"lying" | "standing"} kind
 * @param {number} number
 * @param {number} [size]
 * @param {number} [level]
 */
export function stripes(kind, number, size = 32, level = 6) {
  const period = 4 + (number % 3) * 2;
  const tint = 40 + ((number * 37) % 160);
  return png(size, size, (x, y) => {
    const on = Math.floor(((kind === "lying" ? y : x) + number) / (period / 2)) % 2 === 0;
    return on ? [230, 220 - tint / 2, tint] : [15, tint / 3, 25];
  }, level);
}

/** The classes and pictures of a small dataset. @param {number} perClass @param {number} [size] @returns {{path: string, bytes: Buffer}[]} */
export function stripedFolders(perClass, size = 32) {
  const kinds = /** @type {const} */ (["lying", "standing"]);
  return kinds.flatMap((kind) =>
    Array.from({ length: perClass }, (_, number) => ({ path: `stripes/${kind}/${number}.png`, bytes: stripes(kind, number, size) })));
}

/**
 * A zip file.
 * @param {{path: string, bytes: Buffer}[]} entries
 */
export function zip(entries) {
  const locals = [], central = [];
  let offset = 0;
  // What is there several times is packed once.
  const done = /** @type {Map<Buffer, {packed: Buffer, sum: number}>} */ (new Map());
  for (const { path, bytes } of entries) {
    const name = Buffer.from(path, "utf8");
    const { packed, sum } = done.get(bytes) ?? { packed: deflateRawSync(bytes, { level: 9 }), sum: crc32(bytes) };
    done.set(bytes, { packed, sum });
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(0x0800, 2); // Names are UTF-8.
    fields.writeUInt16LE(8, 4);
    fields.writeUInt16LE(0x21, 8); // The first day that the format knows.
    fields.writeUInt32LE(sum, 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(bytes.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), fields, name, packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x00", "latin1"), fields, tail, name]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

/**
 * The four IDX files of the MNIST family.
 * @param {number} train
 * @param {number} test
 * @returns {FileOf[]}
 */
export function idx(train, test) {
  const half = (/** @type {string} */ stem, /** @type {number} */ count, /** @type {number} */ shift) => {
    const images = Buffer.alloc(16 + count * 784);
    const labels = Buffer.alloc(8 + count);
    [0x803, count, 28, 28].forEach((value, at) => images.writeUInt32BE(value, 4 * at));
    [0x801, count].forEach((value, at) => labels.writeUInt32BE(value, 4 * at));
    for (let index = 0; index < count; index++) {
      const label = index % 2;
      labels[8 + index] = label;
      for (let pixel = 0; pixel < 784; pixel++) {
        const along = label ? pixel % 28 : Math.floor(pixel / 28);
        images[16 + 784 * index + pixel] = Math.floor((along + index + shift) / 3) % 2 ? 230 : 20;
      }
    }
    return [file(`${stem}-images-idx3-ubyte`, images), file(`${stem}-labels-idx1-ubyte`, labels)];
  };
  return [...half("train", train, 0), ...half("t10k", test, 5)];
}

/** @param {string} name @param {Buffer} buffer @param {string} [mimeType] @returns {FileOf} */
export function file(name, buffer, mimeType = "application/octet-stream") {
  return { name, mimeType, buffer };
}
