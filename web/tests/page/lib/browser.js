// Chromium with the page in it. Whatever a test is about, it also fails where the page asks another host for something, writes an
// error to the console, or throws.
import assert from "node:assert/strict";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { CHROMIUM, PAGE, screenshots } from "./setting.js";
import { serve } from "./server.js";

/** The folder of the host in which the page lies: one whose name an address has to encode. */
const FOLDER = "/some folder/naïve client-page/";

// V8 lets the room for what is new grow step by step, for minutes, to its most: here it is at its most from the start, so that memory that grows
// is memory that something holds.
const ARGUMENTS = [
  "--headless=new", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--use-fake-device-for-media-stream", "--js-flags=--expose-gc --min-semi-space-size=16 --max-semi-space-size=16", "--enable-precise-memory-info",
];
const WEBGPU = "--enable-unsafe-webgpu";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").BrowserContext} Context */
/** @typedef {import("node:test").TestContext} Test */

/**
 * @typedef {object} How
 * @property {boolean} [webgpu] whether the browser has WebGPU
 * @property {boolean} [camera] whether the user lets the page use the camera
 * @property {RegExp[]} [expected] errors in the console that belong to what is tested
 * @property {string} [view] the view that is opened first
 * @property {(page: Page) => Promise<unknown>} [before] what is done before the page is opened
 * @property {import("playwright-core").BrowserContextOptions} [context]
 */

/**
 * @typedef {object} Visit
 * @property {Page} page
 * @property {Context} context
 * @property {import("playwright-core").Browser} browser
 * @property {string} address of the page
 * @property {() => Promise<import("playwright-core").Worker>} worker the page's worker
 * @property {() => Promise<void>} stopHost the host goes away
 */

/**
 * Opens the page in a browser of its own, which is closed with the test.
 * @param {Test} t
 * @param {How} [how]
 * @returns {Promise<Visit>}
 */
export async function visit(t, how = {}) {
  const { webgpu = true, camera = false, expected = [], view = "data", before, context: options } = how;
  const host = await serve({ [FOLDER]: PAGE() });
  const browser = await chromium.launch({ executablePath: CHROMIUM(), args: webgpu ? [...ARGUMENTS, WEBGPU] : ARGUMENTS });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
  context.setDefaultTimeout(20_000);
  if (camera) await context.grantPermissions(["camera"], { origin: host.origin });
  const problems = watch(context, host.origin, expected);
  const page = await context.newPage();
  t.after(async () => {
    await page.screenshot({ path: join(screenshots("last"), `${t.name.replace(/[^\w]+/g, "-").slice(0, 80)}.png`) }).catch(() => {});
    for (const problem of problems) console.log(problem); // Also where the test fails before it gets to them.
    await browser.close();
    await host.close();
    assert.deepEqual(problems, [], "what went wrong on the page besides");
  });
  await before?.(page);
  const address = new URL(FOLDER, host.origin).href;
  await page.goto(`${address}#/${view}`);
  return { page, context, browser, address, worker: () => workerOf(page), stopHost: host.close };
}

/**
 * Lists what must not happen.
 * @param {Context} context @param {string} origin @param {RegExp[]} expected
 */
function watch(context, origin, expected) {
  /** @type {string[]} */
  const problems = [];
  const tell = (/** @type {string} */ problem) => {
    if (!expected.some((one) => one.test(problem))) problems.push(problem);
  };
  context.on("request", (request) => {
    const url = request.url();
    if (!/^(blob|data):/.test(url) && new URL(url).origin !== origin) tell(`a request to another host: ${url}`);
  });
  context.on("requestfailed", (request) => {
    const reason = request.failure()?.errorText ?? "";
    if (reason !== "net::ERR_ABORTED") tell(`a failed request: ${request.url()}: ${reason}`);
  });
  context.on("response", (response) => {
    if (response.status() >= 400) tell(`a failed request: ${response.url()}: ${response.status()}`);
  });
  context.on("console", (message) => {
    if (message.type() === "error") tell(`an error in the console: ${message.text()}`);
  });
  context.on("weberror", (error) => tell(`an error that nobody caught: ${error.error().stack ?? error.error()}`));
  return problems;
}

/** @param {Page} page */
async function workerOf(page) {
  const isOurs = (/** @type {import("playwright-core").Worker} */ worker) => new URL(worker.url()).pathname.endsWith("/worker.js");
  return page.workers().find(isOurs) ?? page.waitForEvent("worker", isOurs);
}
