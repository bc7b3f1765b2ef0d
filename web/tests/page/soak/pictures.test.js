// Thousands of pictures dropped at once don't freeze the page.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { visit } from "../lib/browser.js";
import { drop, embedded, figure, number, opened } from "../lib/person.js";
import { stripes } from "../lib/pictures.js";
import { temporary } from "../lib/setting.js";
import { watchTasks } from "../lib/tasks.js";

test("5,000 pictures of 224 × 224 are dropped, and no task of the page's thread takes over 50 ms", async (t) => {
  const folder = temporary(t);
  for (const kind of /** @type {const} */ (["lying", "standing"])) {
    mkdirSync(join(folder, "many", kind), { recursive: true });
    const pictures = Array.from({ length: 25 }, (_, number) => stripes(kind, number, 224, 1));
    for (let at = 0; at < 2500; at++) writeFileSync(join(folder, "many", kind, `${at}.png`), pictures[at % pictures.length]);
  }
  const { page, browser } = await visit(t);
  await embedded(page);
  const long = await watchTasks(browser);
  const begun = Date.now();
  await drop(page, [join(folder, "many")]);
  await page.getByRole("region", { name: "many" }).waitFor({ timeout: 600_000 });
  const card = await opened(page, "many");
  console.log(`5,000 pictures were opened in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  assert.equal(number(await figure(card, "Pictures")), 5000);
  assert.deepEqual(await long(), [], "tasks above 50 ms");
});
