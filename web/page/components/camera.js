// The camera, and what to do where there is none.
import { useEffect, useRef, useState } from "../vendor/preact-htm.js";

/** @typedef {{title: string, text: string}} Problem */
/** @typedef {"off" | "asking" | "on"} CameraState */

/** What to tell where the camera can't be had, by the browser's name for the reason. @type {Record<string, Problem>} */
const PROBLEMS = {
  NotAllowedError: {
    title: "The camera was refused",
    text: "Allow it for this page in the browser's address bar (and for the browser in the system's settings), then try again. Its pictures stay on this device.",
  },
  NotFoundError: { title: "No camera was found", text: "Connect one and try again, or drop folders of pictures instead." },
  NotReadableError: { title: "The camera is busy", text: "Another program or tab seems to use it: close that and try again." },
  OverconstrainedError: { title: "That camera is gone", text: "It may have been unplugged. Try again to use another one." },
};

/** @param {unknown} error @returns {Problem} */
function problemOf(error) {
  const { name = "", message = String(error) } = /** @type {Partial<Error>} */ (error ?? {});
  return PROBLEMS[name] ?? { title: "The camera doesn't start", text: `The browser says: ${message}. Try again, or drop pictures instead.` };
}

/**
 * A camera for as long as a component lives. Give `video` to a video element.
 * @returns {{state: CameraState, problem: Problem | undefined, video: {current: HTMLVideoElement | null}, start: () => Promise<void>, stop: () => void}}
 */
export function useCamera() {
  const [state, setState] = useState(/** @type {CameraState} */ ("off"));
  const [problem, setProblem] = useState(/** @type {Problem | undefined} */ (undefined));
  const video = useRef(/** @type {HTMLVideoElement | null} */ (null));
  const stream = useRef(/** @type {MediaStream | null} */ (null));
  const gone = useRef(false);

  const stop = () => {
    for (const track of stream.current?.getTracks() ?? []) track.stop();
    stream.current = null;
    if (!gone.current) setState("off");
  };
  const start = async () => {
    stop();
    setProblem(undefined);
    if (!navigator.mediaDevices?.getUserMedia) {
      return setProblem({ title: "The camera can't be reached from here", text: "Browsers lend it only to pages that come by https or from localhost. Drop pictures instead, or open the page there." });
    }
    setState("asking");
    try {
      const got = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, height: { ideal: 480 } }, audio: false });
      stream.current = got;
      if (gone.current) return stop(); // The view was left while the browser asked.
      got.getVideoTracks()[0]?.addEventListener("ended", () => {
        stop();
        setProblem({ title: "The camera has stopped", text: "It may have been unplugged or taken by another program. What was recorded is still here." });
      });
      setState("on");
    } catch (error) {
      setState("off");
      setProblem(problemOf(error));
    }
  };
  useEffect(() => {
    if (state !== "on" || !video.current) return;
    video.current.srcObject = stream.current;
    video.current.play().catch(() => {}); // It was stopped before it began.
  }, [state]);
  useEffect(() => () => {
    gone.current = true;
    stop();
  }, []);
  return { state, problem, video, start, stop };
}

/**
 * The middle of a frame, as a square.
 * @param {HTMLVideoElement} video
 * @param {HTMLCanvasElement} canvas is made `side` wide and high
 * @param {number} side
 * @returns {CanvasRenderingContext2D | undefined} nothing where there is no frame yet
 */
export function grab(video, canvas, side) {
  const { videoWidth: width, videoHeight: height } = video;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!width || !height || !context) return undefined;
  if (canvas.width !== side || canvas.height !== side) canvas.width = canvas.height = side;
  const edge = Math.min(width, height);
  context.drawImage(video, (width - edge) / 2, (height - edge) / 2, edge, edge, 0, 0, side, side);
  return context;
}
