// How the page looks, and whether those who don't see it can use it.
import assert from "node:assert/strict";
import { join } from "node:path";
import axe from "axe-core";
import { screenshots } from "./setting.js";

/** @typedef {import("playwright-core").Page} Page */

const WIDTHS = [390, 1280, 2560];
const SCHEMES = /** @type {const} */ (["light", "dark"]);

/**
 * Takes pictures of the page in all widths and colours, and lets axe look for what keeps people from using it; nothing may be wider
 * than the window.
 * @param {Page} page
 * @param {string} name
 */
export async function look(page, name) {
  const before = page.viewportSize() ?? { width: 1280, height: 900 };
  /** @type {string[]} */
  const found = [];
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: width < 600 ? 844 : Math.round(width * 0.625) });
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      await settle(page);
      await page.screenshot({ path: join(screenshots(), `${name}-${width}-${colorScheme}.png`), fullPage: true, animations: "disabled" });
      // What axe finds depends on the layout and on the colours, and not on how wide a wide window is.
      if (width < 2000) found.push(...(await violations(page)).map((one) => `${width} px, ${colorScheme}: ${one}`));
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) found.push(`${width} px: the page is ${wide} px wider than the window`);
  }
  await page.setViewportSize(before);
  await page.emulateMedia({ colorScheme: null });
  assert.deepEqual(found, [], `${name}: what keeps people from using it`);
}

/** @param {Page} page */
async function settle(page) {
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve, 100)))));
}

/** What axe calls serious or critical. @param {Page} page @returns {Promise<string[]>} */
async function violations(page) {
  // Run as the debugger does, which the page's security policy doesn't forbid.
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe } = /** @type {{axe: typeof import("axe-core")}} */ (/** @type {unknown} */ (globalThis));
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.target.join(" ")}: ${node.failureSummary ?? ""}`));
  });
}
