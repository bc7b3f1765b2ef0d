// Without a network, after the first visit.
import assert from "node:assert/strict";
import test from "node:test";
import { visit } from "../lib/browser.js";
import { embedded, finished, open, settings, start } from "../lib/person.js";

test("the page opens and trains without a network after the first visit, and keeps its runs", async (t) => {
  // The service worker asks for a newer build, in vain.
  const { page, context, stopHost } = await visit(t, { expected: [/build\.json: net::ERR_(INTERNET_DISCONNECTED|CONNECTION_REFUSED)/] });
  await embedded(page);
  await settings(page, { epochs: 1, device: "cpu", name: "before" });
  await start(page);
  await finished(page);
  // Only when the service worker has all of the page may the host go.
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    while ((await caches.keys()).length === 0) await new Promise((resolve) => setTimeout(resolve, 100));
  });
  await context.setOffline(true);
  await stopHost();
  await page.goto(page.url().split("#")[0]);
  await embedded(page);
  await open(page, "Runs");
  await page.getByRole("rowheader", { name: "before" }).waitFor();
  await settings(page, { epochs: 1, device: "cpu" });
  await start(page);
  assert.ok((await finished(page)) > 0.5);
  for (const view of /** @type {const} */ (["Model", "Understand", "Try"])) await open(page, view);
});
