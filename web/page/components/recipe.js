// What training has beyond the first settings, folded away: most people need none of it.
import { html } from "../vendor/preact-htm.js";
import { setRecipe } from "../actions.js";
import { RECIPE, applies, tables } from "../model/recipe.js";
import { get, useStore } from "../state.js";
import { NumberField } from "./number.js";
import { Button, Checkbox, Select } from "./ui.js";

/** @typedef {import("../model/recipe.js").Extra} Extra */

/** The groups of settings, each with how many of them are set. */
export function RecipeFields() {
  const recipe = useStore((state) => state.recipe);
  const optimizer = useStore((state) => state.settings.optimizer);
  const groups = RECIPE.map(({ title, settings }) => {
    const shown = settings.filter((extra) => applies(extra, recipe, optimizer));
    const changed = shown.filter(({ key }) => recipe[key] !== undefined).length;
    return html`<details class="more" key=${title}>
      <summary>${title}${changed > 0 && html` <span class="soft">${changed} set</span>`}</summary>
      <div class="settings-row">${shown.map((extra) => html`<${ExtraField} key=${extra.key} extra=${extra} value=${recipe[extra.key]} />`)}</div>
    </details>`;
  });
  return html`${groups}<${FromText} />`;
}

/** What a model's text said of training that has no field here. */
function FromText() {
  const rest = useStore((state) => state.rest);
  if (Object.keys(rest).length === 0) return null;
  return html`<details class="more" open>
    <summary>Also from the model's text</summary>
    <pre class="soft">${tables({}, undefined, rest)}</pre>
    <${Button} onClick=${() => setRecipe({ rest: {} })}>Leave these out<//>
  </details>`;
}

/** @param {{extra: Extra, value: any}} props */
function ExtraField({ extra, value }) {
  const { key, label, hint, usual, choices, flag, when: _, ...limits } = extra;
  const change = (/** @type {number | string | boolean | undefined} */ next) => {
    const { [key]: before, ...rest } = get().recipe;
    void setRecipe({ recipe: next === undefined || next === false || next === choices?.[0][0] ? rest : { ...rest, [key]: next } });
  };
  if (choices) {
    const options = choices.map(([value, label]) => ({ value, label }));
    return html`<${Select} label=${label} hint=${hint} options=${options} value=${value ?? choices[0][0]} onChange=${change} />`;
  }
  if (flag) return html`<${Checkbox} label=${label} checked=${Boolean(value)} onChange=${change} />`;
  return html`<${NumberField} label=${label} hint=${hint} optional placeholder=${usual} value=${value} onChange=${change} ...${limits} />`;
}
