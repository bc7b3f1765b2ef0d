// The worker: it loads the wasm, which takes it from there.
import init, { startWorker } from "./convoke_web.js";

await init();
startWorker();
