// Numbers as people read them.

const counts = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** 7,000 @param {number} value */
export const count = (value) => counts.format(value);

/** 20.8K @param {number} value */
export const compact = (value) => short.format(value);

/** 87.3 % of a share from 0 to 1. @param {number | undefined | null} share @param {number} [digits] */
export const percent = (share, digits = 1) => (share === undefined || share === null ? "–" : `${(100 * share).toFixed(digits)} %`);

/** @param {number} bytes */
export function bytes(bytes) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let at = 0;
  while (bytes >= 1000 && at < units.length - 1) {
    bytes /= 1000;
    at += 1;
  }
  return `${at === 0 || bytes >= 100 ? bytes.toFixed(0) : bytes.toPrecision(3)} ${units[at]}`;
}

/** "2 h 5 min", "1 min 20 s", "8 s", "0.4 s" @param {number} seconds */
export function duration(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  seconds = Math.round(seconds);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "1 picture", "12 pictures" @param {number} value @param {string} one @param {string} [many] */
export const plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/** "3 × 32 × 32" @param {ArrayLike<number>} shape */
export const shape = (shape) => Array.from(shape).join(" × ");

/** Figures of a loss: as many digits as tell. @param {number | undefined | null} value */
export const loss = (value) => (value === undefined || value === null ? "–" : value >= 100 ? value.toFixed(1) : value.toFixed(3));
