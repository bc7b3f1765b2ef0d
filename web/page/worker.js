// The worker: it loads the wasm, which takes it from there.
import init, { serve } from "./convoke-web.js";

await init();
serve(self);
