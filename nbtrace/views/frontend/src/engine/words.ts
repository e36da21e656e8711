// How durations, numbers and hostile text are written for people; the same as nbtrace/views/words.py.

/** A duration of ms, with three significant digits. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return "running";
  if (ms < 0) return "-" + duration(-ms);
  const ns = Math.round(ms * 1e6);
  if (ns < 1000) return `${ns} ns`;
  for (const [size, unit, below] of [[1e3, "µs", 999.5e3], [1e6, "ms", 999.5e6], [1e9, "s", 59.95e9]] as const) {
    if (ns < below) {
      const number = ns / size;
      return `${fixed(number, number < 9.995 ? 2 : number < 99.95 ? 1 : 0)} ${unit}`;
    }
  }
  const seconds = round(ns / 1e9);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
  const minutes = Math.floor(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** How much longer or shorter, in ms. */
export function change(ms: number): string {
  const ns = Math.round(ms * 1e6);
  return `${ns > 0 ? "+" : ns < 0 ? "−" : ""}${duration(Math.abs(ms))}`;
}

/** How many times as long; within a hundredth, or where nothing has changed for sure, there is no arrow. */
export function ratio(times: number, sure = true): string {
  if (Number.isNaN(times)) return "";
  const faster = times > 0 && times < 0.0995;
  const told = faster ? 1 / times : times;
  const digits = told < 9.995 ? 2 : told < 99.95 ? 1 : 0;
  const text = digits === 2 ? fixed(told, 2) : Number(fixed(told, digits)).toLocaleString("en-US", { minimumFractionDigits: digits });
  return `${!sure ? "" : times > 1.005 ? "▲ " : times < 0.995 ? "▼ " : ""}${text} ×${faster ? " faster" : ""}`;
}

/** A number of bytes with three significant digits: 850 B, 12.3 kB, 410 MB, 1.20 GB. */
export function size(bytes: number): string {
  if (bytes < 0) return "−" + size(-bytes);
  if (bytes < 1000) return `${round(bytes)} B`;
  const units = [[1e3, "kB"], [1e6, "MB"], [1e9, "GB"], [1e12, "TB"]] as const;
  const [unit, name] = units.find(([each]) => bytes < 999.5 * each) ?? units[3];
  const number = bytes / unit;
  return `${fixed(number, number < 9.995 ? 2 : number < 99.95 ? 1 : 0)} ${name}`;
}

/** By how many bytes more or less: +410 MB, −1.20 GB. */
export function growth(bytes: number): string {
  return bytes > 0 ? `+${size(bytes)}` : size(bytes);
}

/** A part of a whole: 62 %, 0.4 %. */
export function share(part: number): string {
  return Number.isNaN(part) ? "" : `${fixed(part * 100, part >= 0.0995 || part === 0 ? 0 : 1)} %`;
}

/** The nearest whole number, of two the even one: as Python rounds. */
export function round(number: number): number {
  const down = Math.floor(number);
  const over = number - down;
  return over < 0.5 || (over === 0.5 && down % 2 === 0) ? down : down + 1;
}

/** With so many digits, halves to the even one. A half of the last digit is an odd multiple of a power of two: exact. */
function fixed(number: number, digits: number): string {
  const halves = number * 2 ** (digits + 1);
  if (Number.isInteger(halves) && halves % 2) return (round(number * 10 ** digits) / 10 ** digits).toFixed(digits);
  return number.toFixed(digits);
}

export function count(number: number, noun: string): string {
  return `${number.toLocaleString("en-US")} ${noun}${number === 1 ? "" : "s"}`;
}

const TERMINAL = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g;
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const CONTROLS = /[\x00-\x08\x0e-\x1f\x7f-\x9f]/g;

/** Text without terminal codes, direction marks and control characters; line breaks stay. */
export function lines(text: unknown): string {
  return String(text).replace(TERMINAL, "").replace(DIRECTIONS, "").replace(CONTROLS, "\ufffd").replace(LONE, "\ufffd");
}

/** The same on one line, cut at `limit`. */
export function plain(text: unknown, limit = 200): string {
  const line = lines(String(text).slice(0, limit * 4)).replace(/[\n\r\t\v\f]/g, " ");
  if (line.length <= limit) return line;
  const letters = Array.from(line);
  return letters.length <= limit ? line : letters.slice(0, limit - 1).join("") + "…";
}

/** A value as it came in details: what JSON cannot hold stands as {"$": text}. */
export function value(item: unknown, limit = 300): string {
  if (typeof item === "string") return plain(item, limit);
  if (isMarked(item)) return plain(item.$, limit);
  if (item !== null && typeof item === "object") return plain(JSON.stringify(item, unmark), limit);
  return String(item);
}

export function isMarked(item: unknown): item is { $: string } {
  return item !== null && typeof item === "object" && "$" in item && Object.keys(item).length === 1;
}

function unmark(_: string, item: unknown): unknown {
  return isMarked(item) ? item.$ : item;
}

/** Full text of a value, to be copied. */
export function whole(item: unknown): string {
  if (typeof item === "string") return item;
  return isMarked(item) ? item.$ : JSON.stringify(item, unmark, 2);
}
