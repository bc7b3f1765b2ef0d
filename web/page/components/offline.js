// The page works without a network after the first visit: sw.js keeps its files.
import { toast } from "../actions.js";

/** Registers the service worker, when the page has come to rest. */
export function offline() {
  if (!("serviceWorker" in navigator)) return;
  addEventListener("load", async () => {
    try {
      await navigator.serviceWorker.register("sw.js");
    } catch (error) {
      console.info("This page is not kept for use without a network:", error);
    }
  });
  navigator.serviceWorker.addEventListener("message", (event) => {
    if (event.data?.type === "updated") toast("info", "A new version of this page is here: it opens when the page is loaded again.");
  });
}
