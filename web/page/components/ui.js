// The parts that every view is put together from.
import { html, useEffect, useRef } from "../vendor/preact-htm.js";

let lastId = 0;

/** An id for the life of a component, to tie labels to what they label. @param {string} stem */
export function useId(stem) {
  const id = useRef("");
  id.current ||= `${stem}-${++lastId}`;
  return id.current;
}

/**
 * @param {{kind?: "primary" | "plain" | "quiet" | "danger", big?: boolean, busy?: boolean, class?: string, children?: unknown, [other: string]: unknown}} props
 */
export function Button({ kind = "plain", big = false, busy = false, class: extra = "", children, ...rest }) {
  const name = `button ${kind} ${big ? "big" : ""} ${extra}`;
  return html`<button type="button" class=${name} aria-busy=${busy ? "true" : undefined} ...${rest}>${children}</button>`;
}

/** A link that looks like a button. @param {{href: string, kind?: string, big?: boolean, children?: unknown}} props */
export function LinkButton({ href, kind = "plain", big = false, children }) {
  return html`<a class=${`button ${kind} ${big ? "big" : ""}`} href=${href}>${children}</a>`;
}

/**
 * A control with its label, a hint and what is wrong with it. Its child is a function of the attributes that the control takes.
 * @param {{label: string, hint?: unknown, error?: unknown, inline?: boolean, children: (control: object) => unknown}} props
 */
export function Field({ label, hint, error, inline = false, children }) {
  const id = useId("field");
  const note = error || hint;
  const draw = Array.isArray(children) ? children[0] : children;
  const control = { id, "aria-describedby": note ? `${id}-note` : undefined, "aria-invalid": error ? "true" : undefined };
  return html`<div class=${`field ${inline ? "inline" : ""}`}>
    <label for=${id}>${label}</label>
    ${draw(control)}
    ${note && html`<p id=${`${id}-note`} class=${error ? "field-error" : "field-hint"}>${note}</p>`}
  </div>`;
}

/**
 * A text or number field.
 * @param {{label: string, hint?: unknown, error?: unknown, inline?: boolean, [other: string]: unknown}} props
 */
export function Input({ label, hint, error, inline, ...rest }) {
  return html`<${Field} label=${label} hint=${hint} error=${error} inline=${inline}>
    ${(/** @type {object} */ control) => html`<input ...${control} ...${rest} />`}
  <//>`;
}

/**
 * @param {{label: string, hint?: unknown, error?: unknown, inline?: boolean, options: {value: string, label: string, disabled?: boolean}[], value: string | undefined, onChange: (value: string) => void, [other: string]: unknown}} props
 */
export function Select({ label, hint, error, inline, options, value, onChange, ...rest }) {
  const change = (/** @type {Event} */ event) => onChange(/** @type {HTMLSelectElement} */ (event.currentTarget).value);
  return html`<${Field} label=${label} hint=${hint} error=${error} inline=${inline}>
    ${(/** @type {object} */ control) => html`<select ...${control} ...${rest} onChange=${change}>
      ${options.map((one) => html`<option key=${one.value} value=${one.value} disabled=${one.disabled} selected=${one.value === value}>${one.label}</option>`)}
    </select>`}
  <//>`;
}

/** @param {{label: string, checked: boolean, onChange: (checked: boolean) => void, disabled?: boolean}} props */
export function Checkbox({ label, checked, onChange, disabled = false }) {
  const change = (/** @type {Event} */ event) => onChange(/** @type {HTMLInputElement} */ (event.currentTarget).checked);
  return html`<label class="checkbox"><input type="checkbox" checked=${checked} disabled=${disabled} onChange=${change} />${label}</label>`;
}

/**
 * A part of a view with a heading.
 * @param {{title?: unknown, level?: 2 | 3, actions?: unknown, class?: string, children?: unknown}} props
 */
export function Card({ title, level = 2, actions, class: extra = "", children }) {
  const id = useId("card");
  const name = `card ${extra}`;
  const body = html`${children}`;
  if (!title) return html`<section class=${name}>${body}</section>`;
  const heading = level === 2 ? html`<h2 id=${id}>${title}</h2>` : html`<h3 id=${id}>${title}</h3>`;
  return html`<section class=${name} aria-labelledby=${id}>
    <header class="card-head">${heading}${actions && html`<div class="actions">${actions}</div>`}</header>
    ${body}
  </section>`;
}

/**
 * Something to know or to act on.
 * @param {{kind?: "info" | "good" | "warning" | "error", title?: unknown, actions?: unknown, children?: unknown}} props
 */
export function Notice({ kind = "info", title, actions, children }) {
  return html`<div class=${`notice ${kind}`} role=${kind === "error" ? "alert" : "status"}>
    ${title && html`<p class="notice-title">${title}</p>`}
    <div class="notice-body">${children}</div>
    ${actions && html`<div class="actions">${actions}</div>`}
  </div>`;
}

/**
 * How far something is. Without `total` it only says that something is going on.
 * @param {{label: string, done?: number, total?: number, note?: unknown}} props
 */
export function Progress({ label, done = 0, total = 0, note }) {
  const share = total > 0 ? Math.min(1, done / total) : undefined;
  return html`<div class="progress">
    <div class="progress-head"><span>${label}</span><span class="figure">${note}</span></div>
    <div class=${`scale ${share === undefined ? "unknown" : ""}`} role="progressbar" aria-label=${label} aria-valuemin="0"
      aria-valuemax="100" aria-valuenow=${share === undefined ? undefined : Math.round(100 * share)}>
      <div class="scale-fill" style=${{ transform: `scaleX(${share ?? 1})` }}></div>
    </div>
  </div>`;
}

/**
 * @param {{label: string, tabs: {id: string, label: unknown}[], selected: string, onSelect: (id: string) => void, children?: unknown}} props
 */
export function Tabs({ label, tabs, selected, onSelect, children }) {
  const stem = useId("tabs");
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const keys = (/** @type {KeyboardEvent} */ event) => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!move) return;
    event.preventDefault();
    const at = (tabs.findIndex((tab) => tab.id === selected) + move + tabs.length) % tabs.length;
    onSelect(tabs[at].id);
    /** @type {HTMLElement | undefined} */ (list.current?.children[at])?.focus();
  };
  return html`<div class="tabs">
    <div class="tab-list" role="tablist" aria-label=${label} ref=${list} onKeyDown=${keys}>
      ${tabs.map((tab) => html`<button key=${tab.id} type="button" role="tab" class="tab" id=${`${stem}-${tab.id}`}
        aria-selected=${String(tab.id === selected)} aria-controls=${`${stem}-panel`} tabindex=${tab.id === selected ? 0 : -1}
        onClick=${() => onSelect(tab.id)}>${tab.label}</button>`)}
    </div>
    <div role="tabpanel" id=${`${stem}-panel`} aria-labelledby=${`${stem}-${selected}`} tabindex="0">${children}</div>
  </div>`;
}

/**
 * A dialog in front of the page, which waits for it.
 * @param {{title: string, onClose: () => void, actions?: unknown, wide?: boolean, children?: unknown}} props
 */
export function Dialog({ title, onClose, actions, wide = false, children }) {
  const id = useId("dialog");
  const box = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    box.current?.showModal();
  }, []);
  return html`<dialog ref=${box} class=${wide ? "wide" : ""} aria-labelledby=${id} onClose=${onClose}>
    <header class="card-head">
      <h2 id=${id}>${title}</h2>
      <${Button} kind="quiet" aria-label="Close" onClick=${() => box.current?.close()}>✕<//>
    </header>
    <div class="dialog-body">${children}</div>
    ${actions && html`<footer class="actions">${actions}</footer>`}
  </dialog>`;
}

/** A place where nothing is yet, and what to do about it. @param {{title: string, actions?: unknown, children?: unknown}} props */
export function Empty({ title, actions, children }) {
  return html`<div class="empty">
    <p class="empty-title">${title}</p>
    <div>${children}</div>
    ${actions && html`<div class="actions">${actions}</div>`}
  </div>`;
}

/** A figure with what it is of. @param {{label: string, value: unknown, unit?: string, live?: boolean}} props */
export function Readout({ label, value, unit, live = false }) {
  return html`<div class=${`readout ${live ? "live" : ""}`}>
    <span class="readout-label">${label}</span>
    <span class="readout-value">${value}${unit && html`<span class="unit"> ${unit}</span>`}</span>
  </div>`;
}

/** Readouts side by side. @param {{children?: unknown}} props */
export function Readouts({ children }) {
  return html`<div class="readouts">${children}</div>`;
}
