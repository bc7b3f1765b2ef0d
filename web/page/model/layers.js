// The types of layers with their settings: what the editor shows for each. The worker decides what is right; this only says how to
// ask for it. A type that is not here gets a field for each setting that it has.

/** @typedef {import("../types").LayerObject} LayerObject */

/**
 * A setting. "pair" is a number, or two: [vertical, horizontal]; "features" a number, or "classes".
 * @typedef {object} Setting
 * @property {string} key as the TOML names it
 * @property {string} label
 * @property {"integer" | "number" | "pair" | "features" | "switch"} kind
 * @property {unknown} [fallback] what holds where it is left out; none where it has to be given
 * @property {string} [otherwise] what holds where it is left out, in words
 * @property {unknown} [first] what a new layer begins with
 * @property {number} [min]
 * @property {number} [max]
 * @property {string} help
 */

/**
 * @typedef {object} LayerType
 * @property {string} label
 * @property {string} stem what its layers are called, before a number
 * @property {string} help
 * @property {Setting[]} settings
 * @property {boolean} [several] whether it joins several layers
 */

const LARGEST = 16384;
const FEATURES = 1048576;

/** @type {Setting} */
const kernel = { key: "kernel_size", label: "Kernel size", kind: "pair", first: 3, min: 1, max: LARGEST, help: "Height and width of the window." };
/** @type {Setting} */
const padding = { key: "padding", label: "Padding", kind: "pair", fallback: 0, min: 0, max: LARGEST, help: "Rows and columns of zeros on each side." };
/** @type {Setting} */
const dilation = { key: "dilation", label: "Dilation", kind: "pair", fallback: 1, min: 1, max: LARGEST, help: "Distance between two taps of the window." };
/** @type {Setting} */
const bias = { key: "bias", label: "Bias", kind: "switch", fallback: true, help: "Adds a learned number to each output." };
/** @type {Setting} */
const windowStride = { key: "stride", label: "Stride", kind: "pair", otherwise: "as the kernel", min: 1, max: LARGEST, help: "How far the window moves." };
/** @type {Setting} */
const poolKernel = { ...kernel, first: 2 };
/** @type {Setting} */
const poolPadding = { ...padding, help: "Rows and columns around the picture; half the kernel at most." };

/** @type {Setting} */
const eps = { key: "eps", label: "Epsilon", kind: "number", fallback: 1e-5, min: 1e-12, max: 1, help: "Is added to the variance." };

/** @type {Record<string, LayerType>} */
export const LAYER_TYPES = {
  conv2d: {
    label: "Convolution", stem: "conv", help: "Looks for learned patterns everywhere in the picture.",
    settings: [
      { key: "out_channels", label: "Channels out", kind: "features", first: 16, min: 1, max: FEATURES, help: "How many patterns it learns." },
      kernel,
      { key: "stride", label: "Stride", kind: "pair", fallback: 1, min: 1, max: LARGEST, help: "How far the window moves." },
      { ...padding, first: 1 },
      dilation,
      { key: "groups", label: "Groups", kind: "integer", fallback: 1, min: 1, max: FEATURES, help: "Groups of channels that don't see one another." },
      bias,
    ],
  },
  relu: { label: "ReLU", stem: "relu", help: "Sets what is below 0 to 0.", settings: [] },
  leaky_relu: {
    label: "Leaky ReLU", stem: "leaky", help: "Scales what is below 0 down.",
    settings: [{ key: "negative_slope", label: "Slope below 0", kind: "number", fallback: 0.01, min: -1000, max: 1000, help: "What numbers below 0 are multiplied by." }],
  },
  relu6: { label: "ReLU6", stem: "relu", help: "ReLU, cut off at 6.", settings: [] },
  gelu: { label: "GELU", stem: "gelu", help: "A smooth ReLU, by the normal distribution.", settings: [] },
  silu: { label: "SiLU (Swish)", stem: "silu", help: "Each number times its sigmoid.", settings: [] },
  sigmoid: { label: "Sigmoid", stem: "sigmoid", help: "Squeezes numbers between 0 and 1.", settings: [] },
  tanh: { label: "Tanh", stem: "tanh", help: "Squeezes numbers between −1 and 1.", settings: [] },
  softmax: { label: "Softmax", stem: "softmax", help: "Shares that add up to 1. At the end none is needed: the loss has its own.", settings: [] },
  batch_norm: {
    label: "Batch norm", stem: "bn", help: "Brings each channel to mean 0 and variance 1, by the batch.",
    settings: [{ key: "momentum", label: "Momentum", kind: "number", fallback: 0.1, min: 0, max: 1, help: "How far the running averages follow each batch." }, eps],
  },
  group_norm: {
    label: "Group norm", stem: "norm", help: "Brings groups of channels to mean 0 and variance 1, for each picture.",
    settings: [{ key: "groups", label: "Groups", kind: "integer", first: 1, min: 1, max: FEATURES, help: "They divide the channels." }, eps],
  },
  layer_norm: { label: "Layer norm", stem: "norm", help: "Brings the channels of each place to mean 0 and variance 1.", settings: [eps] },
  layer_scale: {
    label: "Layer scale", stem: "scale", help: "Each channel times a learned number.",
    settings: [{ key: "init", label: "Begins with", kind: "number", fallback: 1e-6, min: -1000, max: 1000, help: "What the numbers are at first." }],
  },
  dropout: {
    label: "Dropout", stem: "dropout", help: "Leaves out numbers at random while training, so that none is relied on.",
    settings: [{ key: "p", label: "Share", kind: "number", fallback: 0.5, min: 0, max: 0.99, help: "How many are left out." }],
  },
  squeeze_excite: {
    label: "Squeeze-excite", stem: "se", help: "Weighs each channel by what all of them hold.",
    settings: [{ key: "squeeze_channels", label: "Channels between", kind: "integer", first: 4, min: 1, max: FEATURES, help: "A sixteenth of those that come in is usual." }],
  },
  max_pool2d: {
    label: "Max pool", stem: "pool", help: "Keeps the largest number of each window: a smaller picture.",
    settings: [poolKernel, windowStride, poolPadding, dilation],
  },
  avg_pool2d: {
    label: "Average pool", stem: "pool", help: "Keeps the mean of each window: a smaller picture.",
    settings: [poolKernel, windowStride, poolPadding],
  },
  adaptive_avg_pool2d: {
    label: "Adaptive average pool", stem: "pool", help: "Means of so many windows, whatever the size that comes in.",
    settings: [{ key: "output_size", label: "Size out", kind: "pair", first: 1, min: 1, max: LARGEST, help: "Height and width." }],
  },
  upsample: {
    label: "Upsample", stem: "up", help: "A larger picture: each number is repeated.",
    settings: [{ key: "scale_factor", label: "Times", kind: "pair", first: 2, min: 1, max: LARGEST, help: "How many times as high and as wide." }],
  },
  pad: {
    label: "Pad", stem: "pad", help: "Zeros around the picture.",
    settings: [{ key: "padding", label: "Padding", kind: "pair", first: 1, min: 0, max: LARGEST, help: "Rows and columns on each side." }],
  },
  conv_transpose2d: {
    label: "Transposed convolution", stem: "deconv", help: "A convolution backwards: a larger picture.",
    settings: [
      { key: "out_channels", label: "Channels out", kind: "features", first: 16, min: 1, max: FEATURES, help: "How many go out." },
      { ...kernel, first: 2 },
      { key: "stride", label: "Stride", kind: "pair", fallback: 1, first: 2, min: 1, max: LARGEST, help: "How many times as large it becomes." },
      padding,
      { key: "output_padding", label: "Rows more", kind: "pair", fallback: 0, min: 0, max: LARGEST, help: "At the bottom and on the right; fewer than the stride." },
      dilation,
      { key: "groups", label: "Groups", kind: "integer", fallback: 1, min: 1, max: FEATURES, help: "Groups of channels that don't see one another." },
      bias,
    ],
  },
  global_max_pool: { label: "Global max pool", stem: "gmp", help: "Keeps the largest number of each channel; a flatten follows.", settings: [] },
  global_avg_pool: { label: "Global average pool", stem: "gap", help: "Keeps the mean of each channel; a flatten follows.", settings: [] },
  flatten: { label: "Flatten", stem: "flatten", help: "Puts all numbers of a picture in a row; a linear layer follows.", settings: [] },
  linear: {
    label: "Linear", stem: "fc", help: "Weighs all its inputs for each output.",
    settings: [
      { key: "out_features", label: "Features out", kind: "features", first: 64, min: 1, max: FEATURES, help: "How many numbers go out. The last layer gives one for each class." },
      bias,
    ],
  },
  add: { label: "Add", stem: "add", help: "Sums layers of one shape: a residual connection.", settings: [], several: true },
  multiply: { label: "Multiply", stem: "mul", help: "Multiplies two layers: of one shape, or a number for each channel.", settings: [], several: true },
  concat: { label: "Concatenate", stem: "concat", help: "Puts the channels of several layers side by side.", settings: [], several: true },
};

const COMMON = new Set(["type", "name", "from"]);

/**
 * What is known of a type; for one that is not known, a field for each setting that the layer has.
 * @param {string} type @param {LayerObject} [layer] @returns {LayerType}
 */
export function layerType(type, layer) {
  if (Object.hasOwn(LAYER_TYPES, type)) return LAYER_TYPES[type];
  const keys = Object.keys(layer ?? {}).filter((key) => !COMMON.has(key));
  return { label: type, stem: type, help: "", several: true, settings: keys.map((key) => guess(key, layer?.[key])) };
}

/** @param {string} key @param {unknown} value @returns {Setting} */
function guess(key, value) {
  const kind = typeof value === "boolean" ? "switch" : Array.isArray(value) ? "pair" : typeof value === "string" ? "features" : "number";
  return { key, label: key.replaceAll("_", " "), kind, help: "" };
}

/**
 * A new layer, with a name that none of the others has.
 * @param {string} type @param {LayerObject[]} layers @param {number} at where it will stand @returns {LayerObject}
 */
export function newLayer(type, layers, at) {
  const { stem, settings, several } = layerType(type);
  /** @type {LayerObject} */
  const layer = { type, name: freeName(stem, layers) };
  if (several && Object.hasOwn(LAYER_TYPES, type)) layer.from = [at > 1 ? nameOf(layers, at - 2) : "input", at > 0 ? nameOf(layers, at - 1) : "input"];
  for (const { key, first } of settings) if (first !== undefined) layer[key] = first;
  return layer;
}

/** @param {string} stem @param {LayerObject[]} layers */
export function freeName(stem, layers) {
  const taken = new Set(layers.map((_, at) => nameOf(layers, at)));
  for (let number = 1; ; number += 1) if (!taken.has(`${stem}${number}`)) return `${stem}${number}`;
}

/** A layer's name: where it has none, the one that its type and place give it. @param {LayerObject[]} layers @param {number} at */
export function nameOf(layers, at) {
  return layers[at]?.name ?? `${layers[at]?.type}_${at}`;
}

/**
 * The layers without one; who took its output takes what it took.
 * @param {LayerObject[]} layers @param {number} at @returns {LayerObject[]}
 */
export function without(layers, at) {
  const name = nameOf(layers, at);
  const before = layers[at].from ?? [at > 0 ? nameOf(layers, at - 1) : "input"];
  const heir = (/** @type {string[]} */ from) => from.flatMap((one) => (one === name ? before.slice(0, 1) : [one]));
  return layers.filter((_, other) => other !== at).map((layer) => (layer.from?.includes(name) ? { ...layer, from: heir(layer.from) } : layer));
}

/** The layers with one under another name, also where others refer to it. @param {LayerObject[]} layers @param {number} at @param {string} name */
export function renamed(layers, at, name) {
  const before = nameOf(layers, at);
  return layers.map((layer, other) => {
    if (other === at) return { ...layer, name };
    return layer.from?.includes(before) ? { ...layer, from: layer.from.map((one) => (one === before ? name : one)) } : layer;
  });
}

/** The layers with one in another place. @param {LayerObject[]} layers @param {number} at @param {number} to */
export function moved(layers, at, to) {
  const result = [...layers];
  result.splice(to, 0, ...result.splice(at, 1));
  return result;
}

/**
 * A layer with a setting changed. What is as it would be anyway is left out.
 * @param {LayerObject} layer @param {Setting} setting @param {unknown} value `undefined` leaves it out @returns {LayerObject}
 */
export function withSetting(layer, setting, value) {
  const changed = { ...layer, [setting.key]: value };
  if (value === undefined || value === setting.fallback) delete changed[setting.key];
  return changed;
}

/** A layer's settings in few words, those left out that are as they would be anyway. @param {LayerObject} layer */
export function inShort(layer) {
  const parts = [];
  for (const { key, kind, label, fallback } of layerType(layer.type, layer).settings) {
    const value = layer[key];
    if (value === undefined || value === fallback) continue;
    const text = Array.isArray(value) ? value.join(" × ") : kind === "pair" ? `${value} × ${value}` : String(value);
    if (key === "kernel_size") parts.unshift(text);
    else if (key === "out_channels" || key === "out_features") parts.push(`${text} out`);
    else parts.push(kind === "switch" ? (value ? label.toLowerCase() : `no ${label.toLowerCase()}`) : `${label.toLowerCase()} ${Array.isArray(value) ? text : value}`);
  }
  if (layer.from?.length) parts.push(`from ${layer.from.join(", ")}`);
  return parts.join(" · ");
}
