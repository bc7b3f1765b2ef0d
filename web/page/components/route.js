// Which view is open: the part of the address after "#/".
import { useEffect, useState } from "../vendor/preact-htm.js";

/** @param {string[]} names the views; the first is open where the address names none @returns {string} */
export function useRoute(names) {
  const read = () => {
    const name = location.hash.replace(/^#\/?/, "").split("/")[0];
    return names.includes(name) ? name : names[0];
  };
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const changed = () => setRoute(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

/** Opens a view. @param {string} name */
export function go(name) {
  location.hash = `#/${name}`;
}
