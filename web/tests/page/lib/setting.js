// What the tests are given from outside, with what holds where nobody gives it: `cargo xtask test --only page` gives all of it.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../../../..");

/** @param {string} name @param {string} usual from the root */
function place(name, usual) {
  const found = resolve(ROOT, process.env[name] || usual);
  if (!existsSync(found)) throw new Error(`${found} is not there: run \`cargo xtask test --only page\`, or name another place in ${name}`);
  return found;
}

/** The page, built. */
export const PAGE = () => place("CONVOKE_PAGE", "target/page/dist");
/** The npm package, built. */
export const PACKAGE = () => place("CONVOKE_PACKAGE", "web/pkg");
/** The command `convoke`. */
export const COMMAND = () => place("CONVOKE", "target/debug/convoke");
/** Chromium. */
export const CHROMIUM = () => place("CHROMIUM", "/usr/bin/chromium");

/** Where pictures of the page go. @param {string} [below] a folder in there */
export function screenshots(below = "") {
  const folder = resolve(ROOT, process.env.CONVOKE_SCREENSHOTS || "target/page-screenshots", below);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A fresh folder that goes with the test. @param {import("node:test").TestContext} t */
export function temporary(t) {
  const folder = mkdtempSync(join(tmpdir(), "convoke-page-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
