// Data of one's own: folders, a zip, IDX files, the camera; and files that are none.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { visit } from "../lib/browser.js";
import { look } from "../lib/looks.js";
import { drop, embedded, figure, finished, model, number, open, opened, openFiles, openFolder, settings, start, TINY } from "../lib/person.js";
import { file, idx, stripedFolders, stripes, zip } from "../lib/pictures.js";
import { temporary } from "../lib/setting.js";

/** Writes files below a folder. @param {string} folder @param {{path: string, bytes: Buffer}[]} files */
function write(folder, files) {
  for (const { path, bytes } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
}

test("the first visit shows the pictures that come along, class by class", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  const card = await opened(page, /^Clothing/);
  assert.equal(number(await figure(card, "Pictures")), 7000);
  assert.equal(number(await figure(card, "Classes")), 10);
  await card.getByRole("img", { name: "600 pictures to train on, 100 to test on" }).first().waitFor();
  await card.getByRole("img", { name: /^\d+ pictures of T-shirt/ }).first().waitFor();
  await look(page, "data-embedded");
  await card.getByRole("button", { name: /^Show the pictures of Trouser/i }).click();
  const gallery = page.getByRole("dialog", { name: /as the model sees it/ });
  await gallery.getByText("1 to 160 of 600").waitFor();
  await gallery.getByRole("button", { name: "Later" }).click();
  await gallery.getByText("161 to 320 of 600").waitFor();
  await gallery.getByLabel("Half").selectOption({ label: "to test on" });
  await gallery.getByText("1 to 100 of 100").waitFor();
  await look(page, "data-gallery");
  await page.keyboard.press("Escape");
  await gallery.waitFor({ state: "hidden" });
});

test("a folder for each class, chosen and dropped; a fifth is held back, and that share can be changed", async (t) => {
  const { page } = await visit(t);
  const folder = temporary(t);
  write(folder, stripedFolders(20));
  await embedded(page);
  await openFolder(page, join(folder, "stripes"));
  const card = await opened(page, "stripes");
  assert.deepEqual([number(await figure(card, "To train on")), number(await figure(card, "To test on"))], [32, 8]);
  assert.equal(await card.getByRole("img", { name: "16 pictures to train on, 4 to test on" }).count(), 2, "a fifth of each class");
  await card.getByRole("button", { name: "Show the pictures of lying" }).waitFor();
  await card.getByRole("slider", { name: /^Held back for testing/ }).fill("50");
  await page.getByText("Held back for testing: 50 %").waitFor();
  await page.waitForFunction(() => /To test on\s+20\b/.test(document.body.innerText));
  await page.getByRole("button", { name: "Back to the clothing" }).click();
  await opened(page, /^Clothing/);
  await drop(page, [join(folder, "stripes")]);
  await opened(page, "stripes");
  await look(page, "data-folders");
});

test("many small classes: a picture of each tests, and nothing is said of a balance", async (t) => {
  const { page } = await visit(t);
  const folder = temporary(t);
  const classes = Array.from({ length: 120 }, (_, at) => `class-${at}`);
  write(folder, classes.flatMap((name) => Array.from({ length: 4 }, (_, at) => ({ path: `set/${name}/${at}.png`, bytes: stripes("lying", at) }))));
  await embedded(page);
  await openFolder(page, join(folder, "set"));
  const card = await opened(page, "set");
  assert.deepEqual([number(await figure(card, "To train on")), number(await figure(card, "To test on"))], [360, 120]);
  await card.getByRole("status").filter({ hasText: "Few pictures to learn from" }).waitFor();
  assert.equal(await card.getByRole("status").count(), 1, "nothing else is warned of");
});

test("one class after the other: a second folder is added to the first, which can't be trained on alone", async (t) => {
  const { page } = await visit(t);
  const folder = temporary(t);
  write(folder, stripedFolders(12));
  await embedded(page);
  await openFolder(page, join(folder, "stripes/lying"));
  const notice = page.getByRole("alert").filter({ hasText: "There is only one class" });
  await notice.waitFor();
  await look(page, "data-one-class");
  await opened(page, /^Clothing/); // What was open stays open.
  await openFolder(page, join(folder, "stripes/standing"));
  await opened(page, /lying.*standing/);
  await notice.waitFor({ state: "hidden" });
});

test("a zip of folders is opened, and a small network learns it", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  await model(page, TINY);
  await openFiles(page, [{ name: "stripes.zip", mimeType: "application/zip", buffer: zip(stripedFolders(40)) }]);
  await opened(page, /stripes/);
  await settings(page, { epochs: 60, batch: 16, rate: 0.03, device: "cpu" });
  await start(page);
  assert.ok((await finished(page)) >= 0.9, "stripes are easy");
});

test("the four IDX files of the MNIST family", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  await openFiles(page, idx(60, 20));
  const card = await opened(page, /4 files/);
  assert.equal(number(await figure(card, "To train on")), 60);
  assert.equal(number(await figure(card, "To test on")), 20);
});

test("files that can't be read are listed by name, and left out only when that is asked for", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  const bad = [
    { path: "stripes/lying/broken.png", bytes: stripedFolders(1)[0].bytes.subarray(0, 60) },
    { path: "stripes/standing/text.jpg", bytes: Buffer.from("This is not a picture.") },
  ];
  const folder = temporary(t);
  write(folder, [...stripedFolders(20), ...bad]);
  await openFolder(page, join(folder, "stripes"));
  const notice = page.getByRole("alert").filter({ hasText: "2 files can't be read" });
  await notice.waitFor();
  const list = await notice.getByRole("region", { name: "Files that can't be read" }).innerText();
  for (const { path } of bad) assert.ok(list.includes(path.replace("stripes/", "")), `${path} is not named in: ${list}`);
  await look(page, "data-unreadable");
  await opened(page, /^Clothing/);
  await notice.getByRole("button", { name: "Leave these out and go on" }).click();
  const card = await opened(page, "stripes");
  assert.equal(number(await figure(card, "Pictures")), 40);
  await card.getByText(/left out/i).first().waitFor();
});

test("what looks like data and is no part of it is named, and left out only when that is asked for", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  const folder = temporary(t);
  write(folder, [...stripedFolders(20), { path: "stripes/mac.zip", bytes: zip(stripedFolders(2)) }, { path: "stripes/README.md", bytes: Buffer.from("Stripes") }]);
  await openFolder(page, join(folder, "stripes"));
  const notice = page.getByRole("alert").filter({ hasText: "1 file would be passed over" });
  await notice.getByRole("region", { name: "Files that would be passed over" }).getByText("stripes/mac.zip is an archive outside the class folders").waitFor();
  await look(page, "data-unused");
  await opened(page, /^Clothing/);
  await notice.getByRole("button", { name: "Leave it out and go on" }).click();
  const card = await opened(page, "stripes");
  assert.equal(number(await figure(card, "Pictures")), 40);
  await card.getByText("Left out, as you chose: stripes/mac.zip.").waitFor();

  await openFiles(page, [...idx(60, 20), file("extra.png", stripes("lying", 0))]);
  await page.getByRole("alert").filter({ hasText: "extra.png is a picture beside the IDX files" }).waitFor();
});

test("archives that can't be opened: said how they can, and nothing of a class", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  const folder = temporary(t);
  write(folder, [{ path: "sets/cifar-10-binary.tar.gz", bytes: Buffer.from("packed") }]);
  await openFolder(page, join(folder, "sets"));
  const told = (/** @type {string} */ text) => page.getByRole("alert").filter({ hasText: text });
  const notice = told("unpack sets/cifar-10-binary.tar.gz and give the folder that it holds");
  await notice.waitFor();
  assert.doesNotMatch(await notice.innerText(), /one class/);
  const packed = (/** @type {string} */ name) => file(name, zip(stripedFolders(2)), "application/zip");
  await openFiles(page, [packed("a.zip"), packed("b.zip")]);
  await told("archives are opened one at a time: give a.zip itself").waitFor();
});

test("classes from the camera: hold a button, and train on what it saw", async (t) => {
  const { page } = await visit(t, { camera: true });
  await embedded(page);
  await model(page, TINY);
  await open(page, "Data");
  await page.getByRole("button", { name: "Use the camera" }).click();
  await page.getByLabel("The camera's picture").waitFor();
  await page.getByLabel("Class 1", { exact: true }).fill("cup");
  await page.getByLabel("Class 2", { exact: true }).fill("hand");
  for (const name of ["cup", "hand"]) {
    await page.getByRole("button", { name: `Hold to record ${name}` }).hover();
    await page.mouse.down();
    await page.getByRole("img", { name: `The last picture of ${name}` }).waitFor();
    await page.waitForFunction((at) => {
      const counts = [...document.body.innerText.matchAll(/(\d+) pictures?\b/g)].map((found) => Number(found[1]));
      return counts.some((_, start) => counts[start + at] >= 8);
    }, name === "cup" ? 0 : 1);
    await page.mouse.up();
  }
  await look(page, "data-camera");
  await page.getByRole("button", { name: "Use these pictures" }).click();
  const card = await opened(page, "Camera");
  assert.equal(number(await figure(card, "Classes")), 2);
  await settings(page, { epochs: 2, batch: 4, device: "cpu" });
  await start(page);
  await finished(page);
});

test("files are told apart from folders: a model or a text is not data", async (t) => {
  const { page } = await visit(t);
  await embedded(page);
  await openFiles(page, [file("notes.txt", Buffer.from("hello"))]);
  await page.getByRole("alert").filter({ hasText: "notes.txt" }).waitFor();
  await opened(page, /^Clothing/);
});
