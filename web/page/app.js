// The page's frame: the stations of the way from pictures to a trained model, and the one that is open.
import { Component, html, render, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { boot, dismiss, restart } from "./actions.js";
import { Rail } from "./components/rail.js";
import { Button, Notice, Progress } from "./components/ui.js";
import { Stopping } from "./components/stopping.js";
import { offline } from "./components/offline.js";
import { useRoute } from "./components/route.js";
import { get, useStore } from "./state.js";

/** @type {Record<string, {title: string, load: () => Promise<{default: unknown}>}>} */
const VIEWS = {
  data: { title: "Data", load: () => import("./views/data.js") },
  model: { title: "Model", load: () => import("./views/model.js") },
  train: { title: "Train", load: () => import("./views/train.js") },
  understand: { title: "Understand", load: () => import("./views/understand.js") },
  try: { title: "Try", load: () => import("./views/try.js") },
  runs: { title: "Runs", load: () => import("./views/runs.js") },
};

function App() {
  const route = useRoute(Object.keys(VIEWS));
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  const first = useRef(true);
  useEffect(() => {
    document.title = `${VIEWS[route].title} · Convoke`;
    if (!first.current) {
      window.scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [route]);
  return html`
    <a class="skip" href="#main" onClick=${(/** @type {Event} */ event) => {
      event.preventDefault();
      main.current?.focus();
    }}>Skip to the content</a>
    <${Rail} route=${route} />
    <main id="main" class="main" tabindex="-1" ref=${main} aria-label=${VIEWS[route].title}>
      <${Crash} />
      <${NoGpu} />
      <${View} key=${route} name=${route} />
    </main>
    <${Stopping} />
    <${Toasts} />
    <${Announcer} />`;
}

/** Loads a view when it is first opened. @param {{name: string}} props */
function View({ name }) {
  const [view, setView] = useState(/** @type {{draw?: unknown, failed?: string}} */ ({}));
  const load = () => {
    VIEWS[name].load().then(
      (module) => setView({ draw: module.default }),
      (error) => setView({ failed: String(error?.message ?? error) }),
    );
  };
  useEffect(load, [name]);
  if (view.failed) {
    return html`<${Notice} kind="error" title="This part of the page could not be loaded"
      actions=${html`<${Button} onClick=${() => location.reload()}>Load the page again<//>`}>${view.failed}<//>`;
  }
  return html`<${Fence}>${view.draw ? html`<${view.draw} />` : html`<${Progress} label="Opening …" />`}<//>`;
}

/** Keeps a mistake in one view from taking the page with it. */
class Fence extends Component {
  state = { failed: "" };

  /** @param {unknown} error */
  componentDidCatch(error) {
    console.error(error);
    this.setState({ failed: error instanceof Error ? error.message : String(error) });
  }

  /** @param {{children?: unknown}} props @param {{failed: string}} state */
  render({ children }, { failed }) {
    if (!failed) return children;
    return html`<${Notice} kind="error" title="This view has run into a mistake in its program"
      actions=${html`<${Button} onClick=${() => this.setState({ failed: "" })}>Draw it again<//>`}>
      ${failed}. Training goes on; nothing that was kept is lost.<//>`;
  }
}

function Crash() {
  const worker = useStore((state) => state.worker);
  const reason = useStore((state) => state.crash);
  if (worker !== "crashed") return null;
  return html`<${Notice} kind="error" title="The part that computes has stopped"
    actions=${html`<${Button} kind="primary" onClick=${restart}>Start it again<//>`}>
    <p>${reason}</p>
    <p>Runs are kept up to their last checkpoint: start it again, then resume under Runs. If it happens again, take a smaller
    batch or a smaller model: the memory of this browser may not be enough.</p>
  <//>`;
}

/** Why there is no WebGPU, until it is read. */
function NoGpu() {
  const reason = useStore((state) => state.noGpu);
  const [read, setRead] = useState(false);
  if (!reason || read) return null;
  return html`<${Notice} kind="info" title="Training uses the processor here, not a graphics card" actions=${html`<${Button} onClick=${() => setRead(true)}>Understood<//>`}>
    ${reason}<//>`;
}

function Toasts() {
  const toasts = useStore((state) => state.toasts);
  return html`<div class="toasts" role="region" aria-label="Messages" aria-live="polite">
    ${toasts.map((toast) => html`<div key=${toast.id} class=${`toast ${toast.kind}`}>
      <p>${toast.text}</p>
      <${Button} kind="quiet" aria-label="Dismiss" onClick=${() => dismiss(toast.id)}>✕<//>
    </div>`)}
  </div>`;
}

/** Tells a screen reader how the training stands: at the end of each epoch and when the state changes, not at each step. */
function Announcer() {
  const run = useStore((state) => state.run);
  const epochs = useStore((state) => state.live.epochs.length);
  const last = get().live.epochs.at(-1);
  const score = last && epochs > 0 ? ` Epoch ${last.epoch}: ${(100 * last.testAccuracy).toFixed(1)} percent of the test pictures are right.` : "";
  const states = { running: "Training.", paused: "Training is paused.", stopped: "Training was stopped.", finished: "Training is finished.", failed: "Training broke off." };
  return html`<p class="visually-hidden" role="status">${run ? states[run.state] + score : ""}</p>`;
}

boot();
offline();
render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById("app")));
