// What a first visit takes over the wire: every file of the built page, gzipped, without the pictures to train on.
// node size.js FOLDER
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { gzipSync } from "node:zlib";

/** The most bytes that page and worker may take together. */
const MOST = 900_000;

/** @param {string} folder @returns {string[]} */
function files(folder) {
  return readdirSync(folder).sort().flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

const folder = process.argv[2];
if (!folder) throw new Error("which folder? node size.js FOLDER");
const rows = files(folder)
  .map((path) => relative(folder, path).split(sep).join("/"))
  // Types and licences are not loaded.
  .filter((path) => !path.startsWith("pictures/") && !path.endsWith(".d.ts") && !/(^|\/)(LICENSE|README)[^/]*$/.test(path))
  .map((path) => {
    const bytes = readFileSync(join(folder, path));
    return { path, plain: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length };
  })
  .sort((a, b) => b.gzipped - a.gzipped);
const total = (/** @type {"plain" | "gzipped"} */ key) => rows.reduce((sum, row) => sum + row[key], 0);
const line = (/** @type {string} */ path, /** @type {number} */ plain, /** @type {number} */ gzipped) =>
  console.log(`${path.padEnd(36)} ${String(plain).padStart(10)} ${String(gzipped).padStart(10)}`);
console.log(`${"file".padEnd(36)} ${"bytes".padStart(10)} ${"gzip -9".padStart(10)}`);
for (const { path, plain, gzipped } of rows) line(path, plain, gzipped);
line("all", total("plain"), total("gzipped"));
if (!rows.some(({ path }) => path.endsWith(".wasm"))) {
  console.error(`error: there is no wasm in ${folder}: is it a built page?`);
  process.exit(1);
}
if (total("gzipped") > MOST) {
  console.error(`error: the page takes ${total("gzipped")} bytes over the wire, more than ${MOST}`);
  process.exit(1);
}
console.log(`within the ${MOST} bytes that it may take`);
