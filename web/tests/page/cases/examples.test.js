// The package's examples, as its users would open them.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { example } from "../lib/package.js";
import { stripedFolders } from "../lib/pictures.js";
import { temporary } from "../lib/setting.js";

test("plain HTML: draws pictures, learns to tell them apart, and does", async (t) => {
  const { page, errors } = await example(t, "plain.html");
  await page.getByText(/^training on /).waitFor();
  const result = page.getByText(/^this is a disc \(\d+\.\d %\)$/);
  await result.waitFor({ timeout: 120_000 });
  assert.deepEqual(errors, []);
});

test("a worker: takes a folder, trains, and hands the model over", async (t) => {
  const { page, errors } = await example(t, "worker/index.html");
  const folder = temporary(t);
  for (const { path, bytes } of stripedFolders(30)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  await page.getByLabel(/A folder of pictures/).setInputFiles(join(folder, "stripes"));
  await page.getByText(/^epoch 10: \d+\.\d % of the test pictures are right$/).waitFor({ timeout: 120_000 });
  const arriving = page.waitForEvent("download");
  await page.getByRole("link", { name: "Save the model" }).click();
  assert.equal((await arriving).suggestedFilename(), "model.safetensors");
  assert.deepEqual(errors, []);
});
