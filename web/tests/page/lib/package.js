// The npm package in a page of its own.
import { join } from "node:path";
import { chromium } from "playwright-core";
import { serve } from "./server.js";
import { CHROMIUM, PACKAGE, ROOT } from "./setting.js";

/** Opens an example, beside which `/pkg/` is the package. @param {import("node:test").TestContext} t @param {string} path */
export async function example(t, path) {
  const host = await serve({ "/pkg/": PACKAGE(), "/examples/": join(ROOT, "web/examples") });
  const args = ["--headless=new", "--no-sandbox", "--enable-unsafe-webgpu", "--disable-quic", "--no-first-run"];
  const browser = await chromium.launch({ executablePath: CHROMIUM(), args });
  t.after(async () => {
    await browser.close();
    await host.close();
  });
  const page = await browser.newPage();
  /** @type {Error[]} */
  const errors = [];
  page.on("pageerror", (error) => errors.push(error));
  await page.goto(`${host.origin}/examples/${path}`);
  return { page, errors };
}

/** A page that has the package. @param {import("node:test").TestContext} t */
export async function packaged(t) {
  const { page } = await example(t, "worker/index.html");
  return page;
}
