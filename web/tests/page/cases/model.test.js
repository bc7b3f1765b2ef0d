// The model: presets, the editor, its summary as one types, and the command's text.
import assert from "node:assert/strict";
import test from "node:test";
import { visit } from "../lib/browser.js";
import { look } from "../lib/looks.js";
import { choose, control, download, embedded, figure, model, number, open, settings, start, TINY } from "../lib/person.js";

test("layers are added, changed, moved and removed, and the summary follows", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  await open(page, "Model");
  await page.getByRole("button", { name: "reference-cnn" }).click();
  const cost = page.getByRole("region", { name: "What it costs" });
  await cost.getByText("Parameters", { exact: true }).first().waitFor();
  const parameters = () => figure(cost, "Parameters");
  const before = await parameters();
  const becomes = async (/** @type {(now: string) => boolean} */ right) => {
    for (let tries = 0; !right(await parameters().catch(() => "")); tries++) {
      assert.ok(tries < 50, `the summary says ${await cost.innerText()}`);
      await page.waitForTimeout(100);
    }
  };
  const layer = (/** @type {RegExp} */ name) => page.getByRole("button", { name, expanded: false }).or(page.getByRole("button", { name, expanded: true }));
  await look(page, "model-layers");

  await layer(/^conv1\b/).click();
  await page.getByLabel("Channels out").fill("12");
  await becomes((now) => number(now) > 0 && now !== before);
  await page.getByRole("button", { name: "Undo" }).click();
  await becomes((now) => now === before);

  await page.getByLabel("Add at the end").selectOption({ label: "ReLU" });
  await page.getByRole("button", { name: "Add", exact: true }).last().click();
  const added = page.getByRole("button", { name: /^relu\w* ReLU/ }).last();
  await added.waitFor();
  const name = (await added.innerText()).split("\n")[0].trim();
  await page.getByRole("button", { name: `Move ${name} up` }).click();
  await page.getByText(new RegExp(`${name} is now layer`)).waitFor({ state: "attached" });
  await page.getByRole("button", { name: `Remove ${name}` }).click();
  await page.getByText(`${name} is removed.`).waitFor({ state: "attached" });
  await becomes((now) => now === before);
});

test("a shape that doesn't fit is marked at its layer, with the reason; nothing can be started until it is right", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  await open(page, "Model");
  await page.getByRole("button", { name: /^conv1\b/ }).first().click();
  await page.getByLabel("Kernel size").first().fill("99");
  const problem = page.getByRole("listitem").filter({ has: page.getByRole("alert") });
  await problem.getByText("does not fit", { exact: true }).waitFor();
  const reason = await problem.getByRole("alert").innerText();
  assert.match(reason, /conv1/);
  assert.match(reason, /99/);
  await look(page, "model-wrong-shape");
  await open(page, "Train");
  assert.ok(await control(page, /^Start/).isDisabled());
  await page.getByRole("link", { name: "Change the model" }).click();
  await page.getByRole("button", { name: "Undo" }).click();
  await problem.waitFor({ state: "hidden" });
  await open(page, "Train");
  assert.ok(await control(page, /^Start/).isEnabled());
});

test("a model that no picture has the channels for is marked in the editor, before data is asked for", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  await open(page, "Model");
  const channels = page.getByRole("spinbutton", { name: "Channels", exact: true }).or(page.getByRole("textbox", { name: "Channels", exact: true }));
  await channels.fill("2");
  await channels.press("Tab");
  const problem = page.getByRole("alert").filter({ hasText: "its input has 2 channels, and pictures have 1 (grey) or 3 (colour)" });
  await problem.waitFor();
  await open(page, "Train");
  assert.ok(await control(page, /^Start/).isDisabled());
  await open(page, "Model");
  await channels.fill("3");
  await channels.press("Tab");
  await problem.waitFor({ state: "hidden" });
});

test("the command's text goes in and out, and what is wrong in it is told", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  await model(page, TINY);
  await page.getByRole("heading", { name: "tiny" }).waitFor();
  const text = page.getByLabel("TOML, as the command reads it");
  const saved = await download(page, page.getByRole("main").getByRole("button", { name: "Download" }));
  assert.equal(saved.name, "model.toml");
  assert.equal(saved.bytes.toString("utf8"), `${TINY}\n[train]\nepochs = 5\n`, "with what differs from how the command usually trains");
  await text.fill(TINY.replace('type = "relu"', 'type = "relo"'));
  await page.getByText(/relo/).last().waitFor();
  assert.equal(await text.getAttribute("aria-invalid"), "true");
  await look(page, "model-wrong-text");
  await choose(page, page.getByRole("button", { name: "Open a file" }), { name: "m.toml", mimeType: "text/plain", buffer: Buffer.from(TINY.replace('"tiny"', '"from a file"')) });
  await page.getByRole("heading", { name: "from a file" }).waitFor();
  assert.equal(await text.getAttribute("aria-invalid"), null);
  await open(page, "Data");
  await page.getByText(/^16 ?× ?16/).first().waitFor(); // The pictures are brought to the model's size.
});

test("the text's tables of how to train are taken over, and the text that goes out has them", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  const more = `schedule = { type = "cosine", warmup = 0.5 }\nloss.label_smoothing = 0.1\n${TINY}`;
  await model(page, `${more}
[train]
epochs = 2
batch_size = 32
seed = 7
freeze = ["fc*"]
groups = [{ parameters = "conv1.*", lr_factor = 0.5 }]

[optimizer]
type = "adamw"
lr = 0.002
beta2 = 0.99

[augment]
flip = 0.5
scale = "0.9:1.1"
`);
  await page.getByText("How to train was taken over as well").waitFor();
  await page.getByText(/AdamW 0\.002 · batch 32 · 2 epochs; .*schedule\.warmup.*train\.freeze/).waitFor();
  await look(page, "model-text-training");
  await open(page, "Train");
  for (const [label, value] of [["Epochs", "2"], ["Batch size", "32"], ["Learning rate", "0.002"], ["Weight decay", "0.01"], ["Optimizer", "adamw"]]) {
    assert.equal(await page.getByLabel(label, { exact: true }).inputValue(), value, label);
  }
  await page.getByText("Also from the model's text").waitFor();
  await look(page, "train-from-text");
  // What is changed by hand counts, and an edit of the layers leaves all of it.
  await settings(page, { epochs: 1, device: "cpu" });
  await open(page, "Model");
  await page.getByText("How to train was taken over as well").waitFor({ state: "hidden" });
  await page.getByLabel("Name", { exact: true }).fill("other");
  await page.getByLabel("Name", { exact: true }).press("Tab");
  await page.getByRole("tab", { name: "As text" }).click();
  const text = page.getByLabel("TOML, as the command reads it");
  const tables = `[train]
epochs = 1
batch_size = 32
seed = 7
freeze = ["fc*"]
groups = [{ parameters = "conv1.*", lr_factor = 0.5 }]

[optimizer]
type = "adamw"
lr = 0.002
weight_decay = 0.01
beta2 = 0.99

[schedule]
type = "cosine"
warmup = 0.5

[loss]
label_smoothing = 0.1

[augment]
scale = "0.9:1.1"
flip = 0.5
`;
  const out = await text.inputValue();
  assert.match(out, /^name = "other"/);
  assert.equal(out.slice(out.indexOf("[train]")), tables);
  await start(page);
  await page.getByText("The training is finished").waitFor();
  await open(page, "Runs");
  await page.getByRole("button", { name: /^More of other/ }).click();
  const kept = (await download(page, page.getByRole("button", { name: "model.toml" }))).bytes.toString("utf8");
  assert.equal(kept.slice(kept.indexOf("[train]")), tables);
  // Who presses Train right after typing trains as the text says.
  await model(page, `${TINY}\n[train]\nepochs = 4\n`);
  await page.getByRole("banner").getByRole("button", { name: "Train" }).click();
  await page.getByRole("main", { name: "Train" }).getByText("of 4", { exact: true }).waitFor();
  await control(page, "Stop").or(page.getByText("The training is finished")).first().waitFor();
  // A table that is wrong is marked, and nothing of it is taken over.
  await model(page, `${TINY}\n${tables.replace("freeze", "freze")}`);
  await page.getByText("did you mean `freeze`?").first().waitFor();
  assert.equal(await text.getAttribute("aria-invalid"), "true");
  await model(page, `${TINY}\n[train]\nseed = 5000000000\n`);
  await page.getByText("in a browser it has to be 4294967295 at most").first().waitFor();
  await page.getByRole("banner").getByText("Needs a change").waitFor();
  // Text that is no TOML has no layers to count.
  await text.fill("name = ");
  await page.getByRole("region", { name: "What it costs" }).getByText("What it costs is told when all is right").waitFor();
  assert.equal(await page.getByText("The layers fit").count(), 0);
});

test("settings that make no sense are marked and not passed on", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  await settings(page, { batch: 0 });
  await page.getByText("This takes a whole number from 1").first().waitFor();
  await settings(page, { batch: 32, rate: -1 });
  await page.getByText("This takes a number above 0").first().waitFor();
  await look(page, "train-settings");
});

test("norms, dropout and other activations are layers like all others", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  await open(page, "Model");
  await page.getByRole("button", { name: "reference-cnn" }).click();
  for (const [label, begins] of [["Batch norm", "bn1"], ["GELU", "gelu1"], ["Dropout", "dropout1"], ["Group norm", "norm1"], ["Squeeze-excite", "se1"]]) {
    const head = page.getByRole("button", { name: /^conv1\b/ }).first();
    if ((await head.getAttribute("aria-expanded")) === "false") await head.click();
    await page.getByLabel("Add below conv1").selectOption({ label });
    await page.getByRole("button", { name: "Add", exact: true }).first().click();
    await page.getByRole("button", { name: new RegExp(`^${begins}\\b`) }).first().waitFor();
  }
  await page.getByRole("region", { name: "What it costs" }).getByText("Parameters", { exact: true }).first().waitFor();
  assert.equal(await page.getByText("does not fit", { exact: true }).count(), 0);
  await look(page, "model-norms");
  await open(page, "Train");
  assert.ok(await control(page, /^Start/).isEnabled());
});

test("what training has beyond the first settings is folded away, and counts once it is set", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  await settings(page, { epochs: 2, device: "cpu", name: "with all" });
  await page.getByLabel("Optimizer", { exact: true }).selectOption({ label: "AdamW" });
  assert.equal(await page.getByLabel("Weight decay", { exact: true }).inputValue(), "0.01");
  const group = (/** @type {RegExp} */ name) => page.locator("details.more > summary").filter({ hasText: name });
  const fill = async (/** @type {string} */ label, /** @type {string} */ text) => {
    await page.getByLabel(label, { exact: true }).fill(text);
    await page.getByLabel(label, { exact: true }).press("Tab");
  };
  await group(/^Learning rate and optimizer/).click();
  assert.equal(await page.getByLabel("Least rate", { exact: true }).count(), 0, "a constant rate has none");
  await page.getByLabel("Schedule", { exact: true }).selectOption({ label: "Cosine: down to nearly nothing" });
  await fill("Warm-up", "0.5");
  await fill("Beta 2", "0.99");
  await group(/^Pictures changed at random/).click();
  await fill("Mirrored", "0.5");
  await fill("Shifted", "2");
  await group(/^Loss and weights/).click();
  await fill("Label smoothing", "0.1");
  await fill("Averaged weights", "0.99");
  await group(/^When to stop/).click();
  await fill("Set aside", "1.5");
  await page.getByText(/^This takes a number from 0/).waitFor();
  await fill("Set aside", "0.2");
  await look(page, "train-recipe");
  await control(page, /^Start/).click();
  await page.getByText("The training is finished").waitFor({ timeout: 60_000 });
  await open(page, "Runs");
  await page.getByRole("button", { name: "More of with all", exact: true }).click();
  await page.getByText("weight_decay = 0.01").waitFor();
  const saved = await download(page, page.getByRole("button", { name: "metrics.jsonl" }));
  const log = saved.bytes.toString("utf8").trim().split("\n").map((line) => JSON.parse(line));
  const rates = log.filter((line) => line.lr !== undefined).map((line) => line.lr);
  assert.ok(rates.length > 50 && rates[0] < 0.0005 && Math.max(...rates) > 0.0009 && rates.at(-1) < 0.0001, `rates from ${rates[0]} to ${rates.at(-1)}`);
  await page.getByText(/AdamW 0.001/).first().waitFor();
});
