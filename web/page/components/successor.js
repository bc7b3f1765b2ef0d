// Where the focus goes when the button that had it vanishes: without this, who works by keyboard or listens begins at the page's top.
import { useLayoutEffect, useRef } from "../vendor/preact-htm.js";

/**
 * Keeps the focus within a group of buttons, each with a `data-action`: where the one that has it goes away, or can't be pressed for a
 * while, its successor gets it, or the same one again.
 * @param {Record<string, string>} next the action that takes the place of another
 */
export function useSuccessor(next) {
  const group = useRef(/** @type {HTMLElement | null} */ (null));
  const held = useRef("");
  const drawing = useRef(false);
  // The group is still as it was: what has the focus now may be gone when this is drawn.
  drawing.current = true;
  const focused = document.activeElement;
  if (focused instanceof HTMLElement && group.current?.contains(focused)) held.current = focused.dataset.action ?? "";
  else if (focused && focused !== document.body) held.current = "";
  useLayoutEffect(() => {
    drawing.current = false;
    if (!held.current || (document.activeElement ?? document.body) !== document.body) return;
    const buttons = /** @type {HTMLButtonElement[]} */ ([...(group.current?.querySelectorAll("button:enabled") ?? [])]);
    const named = (/** @type {string} */ name) => buttons.find((button) => button.dataset.action === name);
    (named(held.current) ?? named(next[held.current]) ?? buttons[0])?.focus();
  });
  // Who leaves a button that is still there wants to be elsewhere.
  const leave = (/** @type {FocusEvent} */ { target }) => {
    if (!drawing.current && target instanceof HTMLButtonElement && !target.disabled) held.current = "";
  };
  return { ref: group, onBlurCapture: leave };
}
