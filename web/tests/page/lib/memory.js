// How much memory the browser's processes take, as the system counts it.
import { readFileSync } from "node:fs";

/** @typedef {{renderer: number, gpu: number}} Memory bytes that are a process's own, or shared with other processes of the browser */

/**
 * Collects garbage in the page and in its worker, then reads what the page's process and the graphics process hold: the pages of
 * memory that no file backs (RssAnon and RssShmem of /proc/PID/status). The least of some readings: what is taken for a moment is let
 * go again.
 * @param {import("./browser.js").Visit} visit
 * @returns {Promise<Memory>}
 */
export async function memory({ page, browser, worker }) {
  const collect = () => {
    const { gc } = /** @type {{gc?: () => void}} */ (globalThis);
    if (!gc) throw new Error("the browser was started without --expose-gc");
    gc();
  };
  const session = await browser.newBrowserCDPSession();
  const least = { renderer: Infinity, gpu: Infinity };
  for (let reading = 0; reading < 5; reading++) {
    await page.evaluate(collect);
    await (await worker()).evaluate(collect);
    await new Promise((resolve) => setTimeout(resolve, 400));
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    const held = (/** @type {string} */ type) => processInfo.filter((one) => one.type === type).map((one) => resident(one.id));
    // Of the page's processes the one that trains is by far the largest.
    least.renderer = Math.min(least.renderer, Math.max(...held("renderer")));
    least.gpu = Math.min(least.gpu, ...held("GPU"));
  }
  await session.detach();
  return least;
}

/** @param {number} pid @returns {number} bytes */
function resident(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kilobytes = (/** @type {string} */ name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? NaN);
  return 1024 * (kilobytes("RssAnon") + kilobytes("RssShmem"));
}
