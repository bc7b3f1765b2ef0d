// Steering a run: pause, one step, continue, stop; on the graphics processor and on the CPU.
import assert from "node:assert/strict";
import test from "node:test";
import { visit } from "../lib/browser.js";
import { look } from "../lib/looks.js";
import { control, embedded, finished, settings, start, steps } from "../lib/person.js";
import { watchTasks } from "../lib/tasks.js";

/** The most milliseconds from pressing Stop to the page saying that it has stopped. */
const MOST = 300;

/**
 * Presses a button and measures, on the page, how long it takes until a text is there.
 * @param {import("playwright-core").Page} page @param {import("playwright-core").Locator} button @param {string} text
 * @returns {Promise<number>} milliseconds
 */
async function answered(page, button, text) {
  const measured = page.evaluate((text) => new Promise((/** @type {(milliseconds: number) => void} */ resolve) => {
    addEventListener("click", (event) => {
      const there = () => (document.querySelector("main")?.textContent ?? "").includes(text);
      const observer = new MutationObserver(() => {
        if (!there()) return;
        observer.disconnect();
        resolve(performance.now() - event.timeStamp);
      });
      observer.observe(document.body, { subtree: true, childList: true, characterData: true });
    }, { once: true, capture: true });
  }), text);
  await button.click();
  return measured;
}

for (const device of /** @type {const} */ (["gpu", "cpu"])) {
  test(`pause, one step, continue and stop, on the ${device === "gpu" ? "graphics processor, by WebGPU" : "CPU"}`, async (t) => {
    const { page, browser } = await visit(t);
    await embedded(page);
    await settings(page, { epochs: 200, device });
    await start(page);
    await page.waitForFunction(() => /\bstep [1-9]/.test(document.body.innerText), undefined, { timeout: 60_000 });

    await control(page, "Pause").click();
    await control(page, "Continue").waitFor();
    await page.waitForTimeout(200); // Figures are shown ten times a second.
    const paused = await steps(page);
    await page.waitForTimeout(700);
    assert.equal(await steps(page), paused, "nothing is trained in a pause");

    await control(page, "One step").click();
    await page.getByText(new RegExp(`^step ${(paused + 1).toLocaleString("en")} of`)).waitFor();
    await control(page, "Continue").waitFor();
    await page.waitForTimeout(300);
    assert.equal(await steps(page), paused + 1, "one step, not more");
    await look(page, `train-paused-${device}`);
    const long = await watchTasks(browser);

    await control(page, "Continue").click();
    await control(page, "Stop").waitFor();
    await page.waitForFunction((before) => Number(/step ([\d,]+) of/.exec(document.body.innerText)?.[1].replaceAll(",", "")) > before, paused + 1);
    const milliseconds = await answered(page, control(page, "Stop"), "The training was stopped");
    console.log(`${device}: Stop answered after ${milliseconds.toFixed(0)} ms`);
    assert.ok(milliseconds <= MOST, `Stop answered after ${milliseconds} ms`);
    assert.deepEqual(await long(), [], "tasks above 50 ms while training");
    const stopped = await steps(page);
    assert.ok(stopped > paused + 1);

    await control(page, "Resume").click();
    await control(page, "Pause").waitFor();
    await page.waitForFunction((before) => Number(/step ([\d,]+) of/.exec(document.body.innerText)?.[1].replaceAll(",", "")) > before, stopped);
    await control(page, "Stop").click();
    await control(page, "Start a new run").waitFor();
  });
}

test("a stop is answered in the middle of a long step, which is as if it had never begun", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  // On a graphics processor that is emulated such a step takes a second.
  await settings(page, { epochs: 200, batch: 512, device: "gpu" });
  await start(page);
  await page.waitForFunction(() => /\bstep [2-9]/.test(document.body.innerText), undefined, { timeout: 60_000 });
  await page.waitForTimeout(250);
  const milliseconds = await answered(page, control(page, "Stop"), "The training was stopped");
  console.log(`Stop in a step of 512 pictures answered after ${milliseconds.toFixed(0)} ms`);
  assert.ok(milliseconds <= MOST, `Stop answered after ${milliseconds} ms`);
  const stopped = await steps(page);
  await control(page, "Resume").click();
  await page.waitForFunction((before) => Number(/step ([\d,]+) of/.exec(document.body.innerText)?.[1].replaceAll(",", "")) > before, stopped, { timeout: 60_000 });
  await control(page, "Stop").click();
  await control(page, "Start a new run").waitFor();
});

test("a run is watched from every view, and steered from the rail", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  await settings(page, { epochs: 200, device: "cpu" });
  await page.getByRole("banner").getByRole("button", { name: "Train", exact: true }).click();
  const rail = page.getByRole("banner");
  await rail.getByRole("progressbar", { name: "Training" }).waitFor();
  await rail.getByRole("button", { name: "Pause" }).click();
  await rail.getByRole("button", { name: "Go on" }).click();
  await rail.getByRole("button", { name: "Stop" }).click();
  await rail.getByRole("button", { name: "Train", exact: true }).waitFor();
});

test("a run that diverges is stopped, says so and what to do; what was learned before is kept", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  await settings(page, { epochs: 2, rate: 900, device: "cpu" });
  await start(page).catch(() => {}); // It may have broken off before anyone could pause it.
  const notice = page.getByRole("alert").filter({ hasText: "The training broke off" });
  await notice.waitFor({ timeout: 60_000 });
  await look(page, "train-broke-off");
  await notice.getByRole("button", { name: /^Take a learning rate of/ }).click();
  assert.equal(await page.getByLabel("Learning rate", { exact: true }).inputValue(), "90");
});

test("training goes on in a hidden tab, as fast as before", async (t) => {
  const { page, context } = await visit(t);
  await embedded(page);
  await settings(page, { epochs: 1, device: "cpu" });
  await start(page);
  const other = await context.newPage();
  await other.bringToFront();
  await page.waitForFunction(() => document.body.textContent?.includes("The training is finished"), undefined, { timeout: 60_000, polling: 200 });
  await page.bringToFront();
  assert.ok((await finished(page)) > 0.5);
});

test("a task that keeps the page's thread busy is noticed", async (t) => {
  const { page, browser } = await visit(t);
  const long = await watchTasks(browser);
  await page.evaluate(() => {
    for (const end = performance.now() + 400; performance.now() < end; );
  });
  assert.ok((await long()).length > 0);
});
