// The service worker: after the first visit the page opens without a network. It keeps builds whole: build.json lists a build's files
// with check sums; a build is used only when all of them are here, and a page gets all its files from one build, even where the host
// changes them in between.
const PREFIX = `convoke ${registration.scope} `;
const CLIENTS = `${PREFIX}clients`;
const LIST = "build.json";
/** How long a visit waits for the network before it takes what is kept, in milliseconds. */
const PATIENCE = 3000;

addEventListener("install", (event) => {
  event.waitUntil(update().then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  event.waitUntil(clients.claim());
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || !url.href.startsWith(registration.scope)) return;
  if (request.mode === "navigate") event.respondWith(open(event));
  else event.respondWith(serve(event, pathOf(url)));
});

/**
 * A file's path within the page's folder. Addresses are compared as they are written, the folder's name encoded: what is decoded has
 * another length. @param {URL} url
 */
function pathOf(url) {
  return url.pathname.slice(new URL(registration.scope).pathname.length);
}

/** A visit: asks the network which build is current, and takes the newest that is whole. */
async function open(event) {
  const path = pathOf(new URL(event.request.url)) || "index.html"; // Only a visit gets it in the folder's place.
  const fresh = update();
  const version = await within(PATIENCE, fresh).catch(newest);
  event.waitUntil(fresh.then((late) => late !== version && tell(event.resultingClientId), () => {}));
  const kept = version && (await find(version, path));
  if (!kept) return fetch(event.request);
  await remember(event.resultingClientId, version);
  event.waitUntil(tidy(event.resultingClientId));
  return kept;
}

/** Tells a page that a newer build has come since it was opened. */
async function tell(id) {
  const client = await clients.get(id);
  client?.postMessage({ type: "updated" });
}

/** A file of a page: from the build that the page was opened with. */
async function serve(event, path) {
  const version = (await versionOf(event.clientId)) ?? (await newest());
  if (event.resultingClientId && version) await remember(event.resultingClientId, version);
  return (version && (await find(version, path))) ?? fetch(event.request);
}

/** The newest build on the host, all of it kept here. Fails where the host can't be reached, or changes meanwhile. */
async function update() {
  const answer = await fetch(new URL(LIST, registration.scope), { cache: "no-store" });
  if (!answer.ok) throw new Error(`${LIST}: status ${answer.status}`);
  const list = await answer.text();
  const build = JSON.parse(list);
  const cache = await caches.open(PREFIX + build.version);
  if (!(await cache.match(LIST))) await keep(cache, build.files, list);
  const clients = await caches.open(CLIENTS);
  await clients.put("newest", new Response(build.version));
  return build.version;
}

/** Fetches a build into a cache; its list comes last and says that it is whole. */
async function keep(cache, files, list) {
  const answers = await Promise.all(Object.entries(files).map(async ([path, sum]) => {
    const answer = await fetch(new URL(path, registration.scope), { cache: "no-cache" });
    if (!answer.ok) throw new Error(`${path}: status ${answer.status}`);
    const bytes = await answer.arrayBuffer();
    if (fnv1a(new Uint8Array(bytes)) !== sum) throw new Error(`${path} is of another build`);
    // Made anew: an answer that was redirected may not answer a visit, and the body is no longer compressed.
    const headers = new Headers(answer.headers);
    for (const name of ["content-encoding", "content-length"]) headers.delete(name);
    return { path, answer: new Response(bytes, { headers }) };
  }));
  await Promise.all(answers.map(({ path, answer }) => cache.put(path, answer)));
  await cache.put(LIST, new Response(list, { headers: { "content-type": "application/json" } }));
}

/** The hash that `cargo xtask stamp` writes. @param {Uint8Array} bytes */
function fnv1a(bytes) {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** A file of a build; `path` as an address has it. */
async function find(version, path) {
  const cache = await caches.open(PREFIX + version);
  return path ? cache.match(new URL(path, registration.scope), { ignoreSearch: true }) : undefined;
}

async function newest() {
  return note("newest");
}

/** The build that a page, or a worker of one, was opened with. It is written down, for this worker is ended whenever it has nothing to do. */
async function versionOf(client) {
  return client ? note(`client-${client}`) : undefined;
}

async function remember(client, version) {
  if (!client) return;
  const clients = await caches.open(CLIENTS);
  await clients.put(`client-${client}`, new Response(version));
}

async function note(name) {
  const clients = await caches.open(CLIENTS);
  const answer = await clients.match(name);
  return answer?.text();
}

/** Forgets pages that are closed, and the builds that neither an open page nor the next visit takes. */
async function tidy(opening) {
  const all = await clients.matchAll({ type: "all", includeUncontrolled: true });
  const open = new Set([opening, ...all.map((client) => client.id)]); // The page that opens is not among them yet.
  const notes = await caches.open(CLIENTS);
  const used = new Set([await newest()]);
  for (const request of await notes.keys()) {
    const id = /client-([^/]+)$/.exec(request.url)?.[1]; // The folder may be called so, too.
    if (!id) continue;
    if (open.has(id)) used.add(await versionOf(id));
    else await notes.delete(request);
  }
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== CLIENTS && !used.has(name.slice(PREFIX.length))) await caches.delete(name);
  }
}

/** Fails where a promise takes longer than that. */
function within(milliseconds, promise) {
  const late = new Promise((_, fail) => setTimeout(() => fail(new Error("The host takes too long.")), milliseconds));
  return Promise.race([promise, late]);
}
