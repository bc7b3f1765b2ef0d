// Files as people hand them over: dropped, with their folders, or picked.

/** @typedef {import("../types").PathFile} PathFile */
/** @typedef {{name: string, files: PathFile[]}} Picked a name for it all, and each file with its path */

/**
 * What was dropped, folders and all. Call it within the event: afterwards the browser forgets what was dropped.
 * @param {DataTransfer} transfer
 * @param {(found: number) => void} found is told how many files there are so far
 * @returns {Promise<Picked>}
 */
export async function fromDrop(transfer, found) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.());
  const plain = [...transfer.files];
  /** @type {PathFile[]} */
  const files = [];
  for (const [at, entry] of entries.entries()) {
    if (entry) await walk(entry, files, found);
    else if (plain[at]) files.push({ path: plain[at].name, file: plain[at] });
  }
  const name = items.length === 1 ? (entries[0]?.name ?? plain[0]?.name ?? "") : `${items.length} dropped`;
  return { name: name || "Dropped", files };
}

/** Files that are asked for at once: the browser answers all in one task, which may not take long. */
const AT_ONCE = 50;

/**
 * Adds an entry's files; an empty folder is told of as a path that ends in "/". Folders are read part by part, so the page goes on in
 * between.
 * @param {FileSystemEntry} entry @param {PathFile[]} files @param {(found: number) => void} found
 */
async function walk(entry, files, found) {
  const path = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) {
    files.push({ path, file: await fileOf(/** @type {FileSystemFileEntry} */ (entry)) });
    return found(files.length);
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  let empty = true;
  for (;;) {
    const part = await new Promise((/** @type {(entries: FileSystemEntry[]) => void} */ resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) break;
    empty = false;
    const plain = part.filter((child) => child.isFile);
    for (let from = 0; from < plain.length; from += AT_ONCE) {
      const read = plain.slice(from, from + AT_ONCE).map(async (child) => ({
        path: child.fullPath.replace(/^\//, ""), file: await fileOf(/** @type {FileSystemFileEntry} */ (child)),
      }));
      files.push(...(await Promise.all(read)));
      found(files.length);
    }
    for (const child of part) if (child.isDirectory) await walk(child, files, found);
  }
  if (empty) files.push({ path: `${path}/`, file: new Blob() });
}

/** @param {FileSystemFileEntry} entry @returns {Promise<File>} */
function fileOf(entry) {
  return new Promise((resolve, reject) => entry.file(resolve, (reason) => reject(new Error(`${entry.fullPath} can't be opened: ${reason.message}`))));
}

/**
 * What was picked with an input element, a folder or single files.
 * @param {FileList} list
 * @returns {Picked}
 */
export function fromInput(list) {
  const files = [...list].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
  const folder = files[0]?.path.includes("/") ? files[0].path.split("/")[0] : "";
  return { name: folder || (files.length === 1 ? files[0].path : `${files.length} files`), files };
}

/**
 * The folder that holds all of the files directly, if one does: a single class, to which others may be added.
 * @param {PathFile[]} files
 */
export function onlyFolder(files) {
  const folders = new Set(files.map(({ path }) => path.slice(0, path.lastIndexOf("/") + 1)));
  return folders.size === 1 ? [...folders][0].replace(/\/$/, "") : "";
}
