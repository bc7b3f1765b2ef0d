// The page's parts that need no browser: curves, and the list of layers.
import assert from "node:assert/strict";
import test from "node:test";
import { aligned, Curve, thin, valueAt } from "../../../page/components/curves.js";
import { freeName, inShort, moved, newLayer, renamed, without, withSetting, layerType } from "../../../page/model/layers.js";

const records = (/** @type {number[]} */ losses) => losses.map((loss, at) => ({ step: at + 1, loss, accuracy: 0 }));

test("smoothing starts at the first value, not at 0, and follows what is added as if all had been there at once", () => {
  const steps = records([4, 4, 4, 1, 7]);
  const once = new Curve("loss");
  once.update(steps, 0.9);
  assert.ok(Math.abs(once.smooth[0] - 4) < 1e-12);
  assert.ok(Math.abs(once.smooth[2] - 4) < 1e-12);
  // Σ 0.1 · 0.9^(n − i) · xᵢ / (1 − 0.9ⁿ), for the fourth: (0.0729 + 0.081 + 0.09) · 4 + 0.1 over 0.3439.
  assert.ok(Math.abs(once.smooth[3] - (0.2439 * 4 + 0.1) / 0.3439) < 1e-12);
  const grown = new Curve("loss");
  const list = steps.slice(0, 2);
  grown.update(list, 0.9);
  list.push(...steps.slice(2));
  grown.update(list, 0.9);
  assert.deepEqual(grown.smooth, once.smooth);
  grown.update(steps.slice(0, 3), 0.9); // The device was lost: what came after the checkpoint is gone.
  assert.deepEqual(grown.smooth, once.smooth.slice(0, 3));
});

test("a thinned line keeps its ends, its lowest and its highest point", () => {
  const ys = Array.from({ length: 100_000 }, (_, at) => Math.sin(at / 700));
  ys[31_415] = 9;
  ys[77_777] = -9;
  const xs = ys.map((_, at) => at);
  const points = thin(xs, ys, 400);
  assert.ok(points.xs.length <= 2 * 400 + 1, `${points.xs.length} points`);
  assert.ok(points.xs.includes(31_415) && points.xs.includes(77_777));
  assert.equal(points.xs.at(-1), 99_999);
  assert.ok(points.xs.every((x, at) => at === 0 || x > points.xs[at - 1]), "from left to right");
  assert.deepEqual(thin([1, 2], [3, 4], 400), { xs: [1, 2], ys: [3, 4] });
});

test("lines are laid over one x, with gaps where a line has no point or no finite one", () => {
  assert.deepEqual(aligned([{ xs: [1, 2, 3], ys: [5, NaN, 7] }, { xs: [2], ys: [9] }]), [[1, 2, 3], [5, null, 7], [null, 9, null]]);
  assert.equal(valueAt({ xs: [1, 3], ys: [10, 30] }, 2.9), 10);
  assert.equal(valueAt({ xs: [1, 3], ys: [10, 30] }, 0), undefined);
});

test("layers are added under free names, renamed with those that refer to them, and removed with an heir", () => {
  const layers = [{ type: "conv2d", name: "conv1" }, { type: "relu" }, { type: "add", name: "sum", from: ["conv1", "relu_1"] }];
  assert.equal(freeName("conv", layers), "conv2");
  assert.equal(newLayer("conv2d", layers, 3).name, "conv2");
  assert.deepEqual(newLayer("add", layers, 2).from, ["conv1", "relu_1"]);
  assert.deepEqual(renamed(layers, 0, "stem")[2].from, ["stem", "relu_1"]);
  assert.deepEqual(without(layers, 1)[1].from, ["conv1", "conv1"]);
  assert.deepEqual(without(layers, 0)[1].from, ["input", "relu_1"]);
  assert.deepEqual(moved(["a", "b", "c"].map((type) => ({ type })), 2, 0).map(({ type }) => type), ["c", "a", "b"]);
});

test("a setting that is as it would be anyway is left out; a type that is not known gets a field for each setting", () => {
  const stride = layerType("conv2d").settings.find(({ key }) => key === "stride");
  assert.ok(stride);
  assert.deepEqual(withSetting({ type: "conv2d", stride: 2 }, stride, 1), { type: "conv2d" });
  assert.deepEqual(withSetting({ type: "conv2d" }, stride, [1, 2]), { type: "conv2d", stride: [1, 2] });
  assert.equal(inShort({ type: "conv2d", out_channels: 16, kernel_size: 3, stride: 1, padding: 1, groups: 1, bias: true }), "3 × 3 · 16 out · padding 1");
  const kinds = layerType("novel", { type: "novel", name: "n", rate: 0.5, on: true }).settings.map(({ key, kind }) => [key, kind]);
  assert.deepEqual(kinds, [["rate", "number"], ["on", "switch"]]);
});
