// Without a network, after the first visit.
import assert from "node:assert/strict";
import test from "node:test";
import { visit } from "../lib/browser.js";
import { embedded, finished, open, settings, start } from "../lib/person.js";

test("the page opens and trains without a network after the first visit, and keeps its runs", async (t) => {
  // The service worker asks for a newer build, in vain.
  const expected = [/(build\.json|not\.\w+): net::ERR_/, /Failed to load resource: net::ERR_/];
  const { page, context, stopHost } = await visit(t, { expected });
  await embedded(page);
  await settings(page, { epochs: 1, device: "cpu", name: "before" });
  await start(page);
  await finished(page);
  // Only when the service worker has all of the page may the host go.
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    while ((await caches.keys()).length === 0) await new Promise((resolve) => setTimeout(resolve, 100));
  });
  // The second visit gets all from what is kept: the host's folder has a name that addresses encode.
  await page.reload();
  await embedded(page);
  const types = await page.evaluate(async (paths) => {
    const answers = await Promise.all(paths.map((path) => fetch(path)));
    return answers.map((answer) => [answer.status, answer.headers.get("content-type")?.split(";")[0]]);
  }, ["app.js", "theme.js?again", "worker.js", "index.html"]);
  assert.deepEqual(types, [...Array(3).fill([200, "text/javascript"]), [200, "text/html"]]);
  await context.setOffline(true);
  await stopHost();
  // What is not of the page is not there, and is never the page in its place.
  const missing = await page.evaluate(() => Promise.all(["not.js", "style/not.css"].map((path) => fetch(path).then((answer) => answer.status, () => "fails"))));
  assert.deepEqual(missing, ["fails", "fails"]);
  await page.goto(page.url().split("#")[0]);
  await embedded(page);
  await open(page, "Runs");
  await page.getByRole("rowheader", { name: "before" }).waitFor();
  await settings(page, { epochs: 1, device: "cpu" });
  await start(page);
  assert.ok((await finished(page)) > 0.5);
  for (const view of /** @type {const} */ (["Model", "Understand", "Try"])) await open(page, view);
});
