// What training has beyond the first settings: for each table of the command's model files, what the page asks for. The worker decides
// what is right; this only says how to ask for it.

/** @typedef {import("../types").OptimizerSettings} Optimizer */

/**
 * A setting. Left out, it is as it would be anyway.
 * @typedef {object} Extra
 * @property {string} key the table and the key, as the TOML names them
 * @property {string} label
 * @property {string} hint in a line, with the unit
 * @property {string} [usual] what holds where it is left out
 * @property {number} [min]
 * @property {number} [max]
 * @property {boolean} [whole]
 * @property {boolean} [above] whether `min` itself is too small
 * @property {boolean} [below] whether `max` itself is too large
 * @property {boolean} [flag] whether it is a switch
 * @property {[string, string][]} [choices] values with their labels; the first one is the usual
 * @property {[string, string[]]} [when] the setting on whose value it depends, and these values
 */

/** @type {Record<string, {label: string, hint: string, lr: number, weightDecay: number}>} */
export const OPTIMIZERS = {
  sgd: { label: "SGD", hint: "Plain steps with momentum.", lr: 0.01, weightDecay: 0 },
  adam: { label: "Adam", hint: "Adapts each weight's step.", lr: 0.001, weightDecay: 0 },
  adamw: { label: "AdamW", hint: "Adam, with a weight decay of its own.", lr: 0.001, weightDecay: 0.01 },
  rmsprop: { label: "RMSprop", hint: "Steps by the size of late gradients.", lr: 0.001, weightDecay: 0 },
  adagrad: { label: "Adagrad", hint: "Steps that shrink where gradients were large.", lr: 0.01, weightDecay: 0 },
  lion: { label: "Lion", hint: "Steps of one size, by the sign alone.", lr: 0.0001, weightDecay: 0 },
};

/** @param {string} optimizers @returns {[string, string[]]} */
const of = (optimizers) => ["optimizer", optimizers.split(" ")];
/** @param {string} schedules @returns {[string, string[]]} */
const along = (schedules) => ["schedule.type", schedules.split(" ")];
const share = { min: 0, max: 1 };

/** @type {{title: string, settings: Extra[]}[]} */
export const RECIPE = [
  {
    title: "Learning rate and optimizer",
    settings: [
      { key: "schedule.type", label: "Schedule", hint: "How the learning rate changes over the run.", choices: [
        ["constant", "Constant"], ["cosine", "Cosine: down to nearly nothing"], ["onecycle", "One cycle: up, then down"], ["step", "Step: down every few epochs"],
        ["exponential", "Exponential"], ["polynomial", "Polynomial"], ["plateau", "Plateau: down when nothing improves"],
      ] },
      { key: "schedule.warmup", label: "Warm-up", usual: "0", min: 0, max: 1e6, hint: "Epochs in which the rate rises." },
      { key: "schedule.minimum", label: "Least rate", usual: "0", min: 0, max: 1000, hint: "Where it ends.", when: along("cosine polynomial plateau") },
      { key: "schedule.every", label: "Every", usual: "1", min: 0, above: true, max: 1e6, hint: "Epochs from one fall to the next.", when: along("step exponential") },
      { key: "schedule.gamma", label: "Falls by", usual: "0.1; exponential 0.95", min: 0, above: true, max: 1000, hint: "The factor of each fall.", when: along("step exponential") },
      { key: "schedule.power", label: "Power", usual: "1", min: 0, above: true, max: 100, hint: "1 is a straight line.", when: along("polynomial") },
      { key: "schedule.rise", label: "Rises for", usual: "0.3", ...share, above: true, below: true, hint: "The share of the run in which it rises.", when: along("onecycle") },
      { key: "schedule.patience", label: "Waits for", usual: "10", min: 0, max: 1e6, whole: true, hint: "Epochs without a lower loss.", when: along("plateau") },
      { key: "optimizer.momentum", label: "Momentum", usual: "0", ...share, below: true, hint: "RMSprop's.", when: of("rmsprop") },
      { key: "optimizer.beta1", label: "Beta 1", usual: "0.9", ...share, below: true, hint: "How long the gradient's mean remembers.", when: of("adam adamw lion") },
      { key: "optimizer.beta2", label: "Beta 2", usual: "0.999; Lion 0.99", ...share, below: true, hint: "How long its size is remembered.", when: of("adam adamw lion") },
      { key: "optimizer.alpha", label: "Alpha", usual: "0.99", ...share, below: true, hint: "How long its size is remembered.", when: of("rmsprop") },
      { key: "optimizer.eps", label: "Epsilon", usual: "1e-8; Adagrad 1e-10", min: 0, above: true, max: 1, hint: "Keeps small gradients from large steps.", when: of("adam adamw rmsprop adagrad") },
      { key: "optimizer.lr_decay", label: "Decay of the rate", usual: "0", min: 0, max: 1000, hint: "Adagrad's.", when: of("adagrad") },
      { key: "optimizer.initial_accumulator_value", label: "Sum begins with", usual: "0", min: 0, max: 1e6, hint: "Adagrad's.", when: of("adagrad") },
      { key: "optimizer.centered", label: "By the gradient's variance", flag: true, hint: "", when: of("rmsprop") },
    ],
  },
  {
    title: "Pictures changed at random",
    settings: [
      { key: "augment.flip", label: "Mirrored", usual: "0", ...share, hint: "How likely, left to right; 0.5 is usual." },
      { key: "augment.crop", label: "Shifted", usual: "0", min: 0, max: 1000, whole: true, hint: "By up to so many pixels; 4 is usual." },
      { key: "augment.rotate", label: "Turned", usual: "0", min: 0, max: 180, hint: "By up to so many degrees; 10 is usual." },
      { key: "augment.brightness", label: "Brightness", usual: "0", min: 0, max: 10, hint: "Varies by this share; 0.2 is usual." },
      { key: "augment.contrast", label: "Contrast", usual: "0", min: 0, max: 10, hint: "Varies by this share; 0.2 is usual." },
      { key: "augment.cutout", label: "Cut out", usual: "0", min: 0, max: 32768, whole: true, hint: "The side of a blank square, in pixels; 8 is usual." },
      { key: "augment.mixup", label: "Mixed", usual: "0", min: 0, max: 100, hint: "Two pictures in one, as MixUp; 0.2 is usual." },
      { key: "augment.cutmix", label: "Pieced together", usual: "0", min: 0, max: 100, hint: "A part of another, as CutMix; 1 is usual." },
    ],
  },
  {
    title: "Loss and weights",
    settings: [
      { key: "loss.type", label: "Loss", hint: "What is made small.", choices: [
        ["cross_entropy", "Cross-entropy"], ["bce_with_logits", "Binary cross-entropy"], ["mse", "Squared error"], ["l1", "Absolute error"], ["huber", "Huber"],
      ] },
      { key: "loss.label_smoothing", label: "Label smoothing", usual: "0", ...share, below: true, hint: "How sure it need not be; 0.1 is usual." },
      { key: "loss.class_weights", label: "Classes", hint: "Whether rare ones count more.", when: ["loss.type", ["cross_entropy"]], choices: [["", "Each picture alike"], ["balanced", "Each class alike"]] },
      { key: "train.clip_norm", label: "Gradient's most", usual: "no limit", min: 0, above: true, max: 1e9, hint: "The norm that it is cut to; 1 is usual." },
      { key: "train.ema", label: "Averaged weights", usual: "none", ...share, above: true, below: true, hint: "How slowly they follow; 0.999 is usual." },
      { key: "train.accumulate", label: "Batches of a step", usual: "1", min: 1, max: 65536, whole: true, hint: "Their gradients are added up." },
    ],
  },
  {
    title: "When to stop",
    settings: [
      { key: "train.validation", label: "Set aside", usual: "0", ...share, below: true, hint: "The share of the training pictures that the best epoch is chosen by." },
      { key: "train.patience", label: "Patience", usual: "no end", min: 1, max: 1e6, whole: true, hint: "Epochs without a better one." },
    ],
  },
];

/** @typedef {Record<string, number | string | boolean>} Recipe what was set, by its key */

/** Whether a setting has a use beside the others. @param {Extra} extra @param {Recipe} recipe @param {Optimizer | undefined} optimizer */
export function applies({ when }, recipe, optimizer) {
  if (!when) return true;
  const value = when[0] === "optimizer" ? optimizer?.type ?? "sgd" : recipe[when[0]] ?? usual(when[0]);
  return when[1].includes(String(value));
}

/** @param {string} key */
const usual = (key) => RECIPE.flatMap(({ settings }) => settings).find((extra) => extra.key === key)?.choices?.[0][0];

/** @typedef {Record<string, unknown>} Rest what a text says of training beyond all that the page asks for, by its key */
/** @typedef {import("../types").TrainingSettings} Settings */

/** Settings that have a place of their own beside the recipe, with their names in the text. @type {[keyof Settings, string][]} */
const NAMED = [["epochs", "epochs"], ["batchSize", "batch_size"], ["seed", "seed"], ["shuffle", "shuffle"], ["maxSteps", "max_steps"]];

/**
 * What a text's tables say beside the named settings and the optimizer's first ones, which the worker has read: what the page asks for,
 * and the rest.
 * @param {Record<string, Record<string, unknown>>} tables @param {Optimizer | undefined} optimizer @returns {{recipe: Recipe, rest: Rest}}
 */
export function fromTables(tables, optimizer) {
  /** @type {Recipe} */
  const recipe = {};
  /** @type {Rest} */
  const rest = {};
  const extras = RECIPE.flatMap(({ settings }) => settings);
  for (const [table, entries] of Object.entries(tables)) {
    for (const [name, value] of Object.entries(entries)) {
      const key = `${table}.${name}`;
      const extra = extras.find((one) => one.key === key);
      if (table === "train" && NAMED.some(([, named]) => named === name)) continue;
      if (!extra || !holds(extra, value)) rest[key] = value;
      else if (value !== extra.choices?.[0][0] && value !== false) recipe[key] = /** @type {number | string | boolean} */ (value);
    }
  }
  for (const extra of extras) {
    if (!(extra.key in recipe) || applies(extra, recipe, optimizer)) continue;
    rest[extra.key] = recipe[extra.key];
    delete recipe[extra.key];
  }
  // All of an optimizer that is not asked for is among the first settings.
  for (const key of Object.keys(rest)) if (key.startsWith("optimizer.")) delete rest[key];
  return { recipe, rest };
}

/** Whether the page's way to ask for a setting can show a value. @param {Extra} extra @param {unknown} value */
function holds({ choices, flag }, value) {
  if (choices) return choices.some(([one]) => one === value);
  return typeof value === (flag ? "boolean" : "number");
}

/**
 * The tables of a model file that say what is set beyond the first settings. What has no use beside the others is left out.
 * @param {Recipe} recipe @param {Optimizer} [optimizer] @param {Rest} [rest] @returns {string}
 */
export function tables(recipe, optimizer, rest) {
  return joined(lines(recipe, optimizer, rest));
}

/**
 * A model's text with the tables with which the command trains it as the page does: what differs from how it usually trains.
 * @param {string} model @param {Settings} settings `more` as `tables` writes it @param {Settings | undefined} usual @returns {string}
 */
export function whole(model, settings, usual) {
  const all = parted(settings.more ?? "");
  const differs = NAMED.filter(([key]) => settings[key] !== undefined && settings[key] !== usual?.[key]);
  all.train.unshift(...differs.map(([key, name]) => `${name} = ${settings[key]}`));
  const optimizer = described(settings.optimizer);
  if (all.optimizer.length === 0 && optimizer.join() !== described(usual?.optimizer).join()) all.optimizer = optimizer;
  const training = joined(all);
  return training ? `${model.trimEnd()}\n\n${training}` : model;
}

/** @returns {Record<string, string[]>} lines by their table */
const empty = () => ({ train: [], optimizer: [], schedule: [], loss: [], augment: [] });

/** The lines of tables that are written. @param {string} tables */
function parted(tables) {
  const lines = empty();
  let own = lines.train;
  for (const line of tables.split("\n")) {
    const table = /^\[(\w+)\]$/.exec(line)?.[1];
    if (table) own = lines[table] ??= [];
    else if (line) own.push(line);
  }
  return lines;
}

/** @param {Recipe} recipe @param {Optimizer} [optimizer] @param {Rest} [rest] */
function lines(recipe, optimizer, rest = {}) {
  const all = { ...rest };
  for (const extra of RECIPE.flatMap(({ settings }) => settings)) {
    const value = recipe[extra.key];
    if (value !== undefined && applies(extra, recipe, optimizer)) all[extra.key] = value;
  }
  const lines = empty();
  for (const [key, value] of Object.entries(all)) {
    const [table, name] = key.split(".");
    lines[table].push(`${name} = ${written(value)}`);
  }
  // An optimizer is described as a whole.
  if (lines.optimizer.length > 0) lines.optimizer.unshift(...described(optimizer));
  return lines;
}

/** An optimizer's first settings. @param {Optimizer | undefined} optimizer */
function described({ type = "sgd", lr = OPTIMIZERS[type].lr, momentum = 0, nesterov = false, weightDecay = 0 } = {}) {
  const own = type === "sgd" ? [`momentum = ${momentum}`, `nesterov = ${nesterov}`] : [];
  return [`type = "${type}"`, `lr = ${lr}`, ...own, `weight_decay = ${weightDecay}`];
}

/** A value as TOML. @param {unknown} value @returns {string} */
function written(value) {
  if (Array.isArray(value)) return `[${value.map(written).join(", ")}]`;
  if (typeof value === "object" && value) return `{ ${Object.entries(value).map(([key, one]) => `${key} = ${written(one)}`).join(", ")} }`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** @param {Record<string, string[]>} tables */
function joined(tables) {
  return Object.entries(tables).filter(([, lines]) => lines.length > 0).map(([table, lines]) => `[${table}]\n${lines.join("\n")}\n`).join("\n");
}
