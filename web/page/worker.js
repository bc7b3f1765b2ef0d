// The worker: it loads the wasm, which takes it from there.
import init, { serve } from "./convoke-web.js";

await init();
serve(self);

// A defect in the middle of an answer would otherwise be known to nobody: so it reaches the page as an error of the worker.
addEventListener("unhandledrejection", (event) => reportError(event.reason));
