// How long the page's thread is busy without a pause: what a person feels as a page that hangs.

/** A task of the browser's, as its tracing has it: times in microseconds. @typedef {{name: string, pid: number, tid: number, dur?: number, tdur?: number, args: {name?: string}}} Traced */

/** The longest that a task may take, in milliseconds. */
const MOST = 50;

/**
 * Begins to watch the threads of all pages of a browser. The function that is returned ends that, and gives the milliseconds of each task above
 * 50 ms. What counts is the time that the thread itself computes: what other programs take of a busy machine is no fault of the page, which
 * never waits for anything within a task.
 * @param {import("playwright-core").Browser} browser
 * @returns {Promise<() => Promise<number[]>>}
 */
export async function watchTasks(browser) {
  const session = await browser.newBrowserCDPSession();
  /** @type {Traced[]} */
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(.../** @type {Traced[]} */ (/** @type {unknown} */ (value))));
  const includedCategories = ["disabled-by-default-devtools.timeline"];
  await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories } });
  return async () => {
    const complete = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
    await session.send("Tracing.end");
    const { dataLossOccurred } = /** @type {{dataLossOccurred: boolean}} */ (await complete);
    if (dataLossOccurred) throw new Error("the browser could not keep all that it traced");
    await session.detach();
    return long(events);
  };
}

/** @param {Traced[]} events */
function long(events) {
  const thread = (/** @type {Traced} */ { pid, tid }) => `${pid} ${tid}`;
  const pages = new Set(events.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain").map(thread));
  const tasks = events.filter((event) => event.name === "RunTask" && pages.has(thread(event)));
  if (!tasks.some(({ tdur }) => tdur)) throw new Error("the browser has told of no task: is there another name for them?");
  return tasks.map(({ tdur = 0 }) => tdur / 1000).filter((milliseconds) => milliseconds > MOST);
}
