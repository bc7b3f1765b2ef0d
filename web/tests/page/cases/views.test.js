// Every view before anything has happened; the keyboard; and the camera, live.
import assert from "node:assert/strict";
import test from "node:test";
import { visit } from "../lib/browser.js";
import { look } from "../lib/looks.js";
import { control, embedded, finished, model, open, openFiles, settings, start, TINY } from "../lib/person.js";
import { stripedFolders, zip } from "../lib/pictures.js";

test("every view says what it is for before there is anything in it", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  for (const [view, says] of /** @type {const} */ ([
    ["Data", "Teach this computer to tell pictures apart"], ["Model", "What it costs"], ["Train", "Settings"],
    ["Understand", "No trained model yet"], ["Try", "No trained model yet"], ["Runs", "No run is kept yet"],
  ])) {
    await open(page, view);
    await page.getByRole("main").getByText(says).first().waitFor();
    assert.equal(await page.title(), `${view} · Convoke`);
    await look(page, `first-${view.toLowerCase()}`);
  }
});

test("the page is used by the keyboard alone", async (t) => {
  const { page } = await visit(t);
  await page.getByRole("heading", { name: /^Clothing/ }).waitFor({ timeout: 60_000 });
  await page.keyboard.press("Tab");
  await page.getByRole("link", { name: "Skip to the content" }).waitFor();
  await page.keyboard.press("Enter");
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "");
  assert.equal(await focused(), "Data");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Shift+Tab");
  // Tab reaches the button that trains, and Enter presses it.
  for (let presses = 0; presses < 60 && (await focused()) !== "Train"; presses++) await page.keyboard.press("Shift+Tab");
  assert.equal(await focused(), "Train");
  await page.keyboard.press("Enter");
  await page.getByRole("main", { name: "Train" }).waitFor({ timeout: 60_000 });
  assert.equal(await focused(), "Train");
  // A button that is pressed gives its place to another one, and the focus too.
  for (const [key, then] of [
    ["Tab", "Pause"], ["Enter", "Continue"], ["Tab", "One step"], ["Enter", "One step"], ["Shift+Tab", "Continue"], ["Enter", "Pause"],
    ["Tab", "Stop"], ["Enter", "Resume"], ["Enter", "Pause"], ["Tab", "Stop"], ["Enter", "Resume"], ["Tab", "Start a new run"], ["Enter", "Pause"],
    ["Tab", "Stop"], ["Enter", "Resume"],
  ]) {
    await page.keyboard.press(key);
    const button = control(page, then).and(page.locator(":focus:not([aria-busy])"));
    await button.waitFor().catch(async () => assert.fail(`after ${key}, ${then} has not the focus, but: ${(await focused()).slice(0, 80)}`));
  }
});

test("motion is reduced where that is asked for", async (t) => {
  const { page } = await visit(t, { context: { reducedMotion: "reduce" } });
  await embedded(page);
  const moving = await page.evaluate(() => document.getAnimations().filter((one) => Number(one.effect?.getComputedTiming().duration) > 50).length);
  assert.equal(moving, 0);
});

test("narrow screens of 360 px and screens of 3840 px hold every view", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  for (const view of /** @type {const} */ (["Data", "Model", "Train", "Understand", "Try", "Runs"])) {
    await open(page, view);
    for (const width of [360, 3840]) {
      await page.setViewportSize({ width, height: 800 });
      await page.waitForTimeout(150);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${view} is ${wide} px wider than a window of ${width} px`);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
  }
});

test("the camera is looked at live, with classes, probabilities and frames a second", async (t) => {
  const { page } = await visit(t, { camera: true });
  await embedded(page);
  await model(page, TINY);
  await openFiles(page, [{ name: "stripes.zip", mimeType: "application/zip", buffer: zip(stripedFolders(20)) }]);
  await settings(page, { epochs: 3, batch: 8, device: "cpu" });
  await start(page);
  await finished(page);
  await open(page, "Try");
  await page.getByRole("tab", { name: "The camera, live" }).click();
  await page.getByText(/[\d.]+ frames a second/).waitFor();
  const chances = await page.getByRole("tabpanel").getByRole("listitem").allInnerTexts();
  assert.equal(chances.length, 2);
  assert.ok(chances.every((text) => /lying|standing/.test(text) && /%/.test(text)), chances.join("; "));
  const rate = Number(/([\d.]+) frames a second/.exec(await page.getByRole("tabpanel").innerText())?.[1]);
  console.log(`camera: ${rate} frames a second`);
  await look(page, "try-camera");
  await page.getByRole("button", { name: "Stop the camera" }).click();
  await page.getByRole("button", { name: "Start the camera" }).waitFor();
});
