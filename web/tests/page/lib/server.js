// A static server on the loopback, which serves a folder below a path of its own: the page has to work from any folder of any host.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";

/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
  ".wasm": "application/wasm", ".json": "application/json", ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml", ".png": "image/png", ".bin": "application/octet-stream",
};

/**
 * Serves folders, each below its own path.
 * @param {Record<string, string>} folders the folder of each path, which begins and ends with a slash
 * @returns {Promise<{origin: string, close: () => Promise<void>}>}
 */
export async function serve(folders) {
  const server = createServer(async (request, response) => {
    const asked = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const file = await find(folders, asked);
    if (!file) {
      response.writeHead(404, { "content-type": "text/plain" });
      response.end("There is nothing here.");
      return;
    }
    response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
    createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
  };
}

/** @param {Record<string, string>} folders @param {string} asked */
async function find(folders, asked) {
  const path = Object.keys(folders).find((one) => asked.startsWith(one));
  if (path === undefined) return undefined;
  const below = normalize(asked.slice(path.length) || "index.html");
  if (below.startsWith("..") || below.startsWith(sep)) return undefined;
  const file = join(folders[path], below);
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() ? file : undefined;
}
