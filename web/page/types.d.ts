// The messages between page and worker, as wasm-bindgen writes them from web/src/protocol. Trunk puts convoke-web.d.ts beside
// the page's modules; tsc finds it there by `rootDirs`.
export type * from "./convoke-web";
