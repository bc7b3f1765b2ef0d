// The worker: it loads the wasm, which takes it from there.
import init, { startWorker } from "./convoke-web.js";

await init();
startWorker();
