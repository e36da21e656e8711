// What a value is, by its shape: numbers, a table, a picture, what is packed in a text.

import { leftOut, pretty, unpacked } from "./texts";
import { count, isMarked, plain, size, value } from "./words";

export interface Shape {
  /** What it is, in a few words. */
  said: string;
  /** Whether a line has room for nothing better than that. */
  instead?: boolean;
  /** To be read in characters of one width. */
  text?: string;
  /** A picture that may be shown, as it came. */
  image?: string;
}

const MAX_IMAGE = 2_000_000;
const MAX_PIXELS = 25_000_000;
const PICTURE = /^data:(image\/(?:png|jpeg|gif|webp));base64,([A-Za-z0-9+/]+={0,2})$/;
const DATA = /^data:([\w.+-]{1,40}\/[\w.+-]{1,80})?((?:;[\w-]{1,40}=[\w.-]{1,40})*)(;base64)?,/;

/** The shape of a value; undefined for one that is best told as it is. */
export function shapeOf(item: unknown): Shape | undefined {
  if (Array.isArray(item)) return numbers(item);
  if (typeof item !== "string" || item.length < 2) return undefined;
  return /^data:/.test(item) ? dataUri(item) : (json(item) ?? table(item) ?? array(item) ?? digits(item));
}

/** A value in a few words. */
export function brief(item: unknown, limit: number): string {
  const shape = shapeOf(item);
  return shape?.instead ? plain(shape.said, limit) : value(item, limit);
}

function asNumber(item: unknown): number {
  if (typeof item === "number") return item;
  if (!isMarked(item)) return NaN;
  return { inf: Infinity, "-inf": -Infinity }[item.$] ?? Number(item.$);
}

const isNumber = (item: unknown) => typeof item === "number" || (isMarked(item) && /^(-?\d+|-?inf|nan)$/.test(item.$));
const short = (number: number) => String(Number(number.toPrecision(4)));

function numbers(item: unknown[]): Shape | undefined {
  const last = item[item.length - 1];
  const left = typeof last === "string" ? leftOut(last) : 0;
  const rows = left ? item.slice(0, -1) : item;
  const inner = rows.length > 1 && rows.every((each) => Array.isArray(each) && each.length === (rows[0] as unknown[]).length && each.length > 0);
  const flat = inner ? (rows as unknown[][]).flat() : rows;
  if (flat.length < 4 || !flat.every(isNumber)) return undefined;
  const all = flat.map(asNumber);
  const finite = all.filter(Number.isFinite);
  const noun = finite.every(Number.isInteger) ? "number" : "float";
  const many = inner ? `${(rows.length + left).toLocaleString("en-US")} × ${(rows[0] as unknown[]).length.toLocaleString("en-US")} ${noun}s` : count(rows.length + left, noun);
  const facts = [many];
  if (finite.length) {
    // Not by spreading: there may be more than a call can take.
    const [low, high, sum] = finite.reduce(([low, high, sum], each) => [Math.min(low, each), Math.max(high, each), sum + each], [Infinity, -Infinity, 0]);
    facts.push(low === high ? `all ${short(low)}` : `${short(low)} … ${short(high)}, mean ${short(sum / finite.length)}`);
  }
  if (finite.length < all.length) facts.push(`${(all.length - finite.length).toLocaleString("en-US")} not finite`);
  if (left) facts.push(`as far as the first ${rows.length.toLocaleString("en-US")} tell`);
  return { said: facts.join(", "), instead: true };
}

function json(item: string): Shape | undefined {
  const found = unpacked(item);
  if (!found) return undefined;
  if (Array.isArray(found)) {
    const shape = numbers(found);
    return shape ?? (found.length ? { said: `JSON, ${count(found.length, "item")}`, text: pretty(item) } : undefined);
  }
  const keys = Object.keys(found).length;
  return keys ? { said: `JSON, ${count(keys, "key")}`, text: pretty(item) } : undefined;
}

/** A DataFrame or a Series as pandas or Polars print it. */
function table(item: string): Shape | undefined {
  const lines = item.trimEnd().split("\n");
  if (lines.length < 2) return undefined;
  const end = lines[lines.length - 1]!;
  const shaped = /^\[(\d+) rows x (\d+) columns\]$/.exec(end) ?? /^shape: \(([\d_,]+), ([\d_,]+)\)$/.exec(lines[0]!);
  const tell = (rows: number, columns: number) => ({ said: `table, ${count(rows, "row")} × ${count(columns, "column")}`, text: item, instead: true });
  if (shaped) return tell(...([shaped[1]!, shaped[2]!].map((each) => Number(each.replace(/[_,]/g, ""))) as [number, number]));
  const series = /(?:^|, )dtype: ([\w[\], ]+)$/.exec(end);
  if (series) {
    const length = /Length: (\d+)/.exec(end);
    return { said: `Series, ${count(length ? Number(length[1]) : lines.length - 1, "value")}, ${series[1]}`, text: item, instead: true };
  }
  // A small one says no shape: titles, then lines that are numbered from 0.
  if (!/^\s+\S/.test(lines[0]!) || !lines.slice(1).every((line, at) => new RegExp(`^${at}\\s`).test(line))) return undefined;
  return tell(lines.length - 1, lines[0]!.trim().split(/\s+/).length);
}

/** An array as numpy or PyTorch print it. */
function array(item: string): Shape | undefined {
  const found = /^(?:(array|tensor)\()?(\[+)\s*[-\d.]/.exec(item);
  if (!found || (!found[1] && item.includes(","))) return undefined;
  const noun = found[1] ?? "array";
  const told = /shape=\(([\d, ]+)\)/.exec(item) ?? /size=\(([\d, ]+)\)/.exec(item);
  const dtype = /dtype=(?:torch\.)?(\w+)/.exec(item);
  let shape = told ? told[1]!.split(",").filter((each) => each.trim()).map(Number) : [];
  if (!told) {
    if (item.includes("...") || leftOut(item)) return { said: `${noun}, ${count(found[2]!.length, "dimension")}`, text: item, instead: true };
    shape = extents(item, found[2]!.length);
    if (!shape.length) return undefined;
  }
  const many = shape.map((each) => each.toLocaleString("en-US")).join(" × ");
  return { said: `${noun}, ${shape.length > 1 ? many : `${many} values`}${dtype ? `, ${dtype[1]}` : ""}`, text: item, instead: true };
}

/** How far an array reaches in each of its dimensions: how many brackets stand in the first of the level above, and numbers in the innermost. */
function extents(item: string, depth: number): number[] {
  const found = new Array<number>(depth).fill(0);
  let level = 0;
  const closed = new Array<boolean>(depth).fill(false);
  for (const [token] of item.matchAll(/\[|\]|[^\s,[\]()]+/g)) {
    if (token === "[") {
      if (level > 0 && level <= depth && !closed[level - 1]) found[level - 1]!++;
      level++;
    } else if (token === "]") {
      if (level > 0 && level <= depth) closed[level - 1] = true;
      if (--level === 0) break;
    } else if (level === depth && !closed[depth - 1]) found[depth - 1]!++;
  }
  return level === 0 ? found : [];
}

function digits(item: string): Shape | undefined {
  if (item.length >= 64 && item.length % 2 === 0 && /^[0-9a-f]+$/i.test(item)) return { said: `${count(item.length, "hex digit")}, ${size(item.length / 2)}`, text: item };
  if (item.length >= 100 && item.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(item) && /[A-Z]/.test(item) && /[a-z]/.test(item) && /\d/.test(item)) {
    return { said: `base64, ${size(bytesOf(item))}`, text: item, instead: true };
  }
  return undefined;
}

function bytesOf(base64: string): number {
  return Math.floor((base64.length * 3) / 4) - (base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0);
}

function dataUri(item: string): Shape | undefined {
  const found = DATA.exec(item);
  if (!found) return undefined;
  const kind = found[1] ?? "text/plain";
  const body = item.slice(found[0].length);
  const cut = leftOut(item);
  const word = /^image\/(\w+)/.test(kind) ? `${kind.slice(6).replace(/\+.*/, "").toUpperCase()} picture` : kind;
  const bytes = found[3] ? size(bytesOf(body.replace(/… .*/, "")) + Math.floor((cut * 3) / 4)) : size(body.length + cut);
  const pixels = found[3] ? pixelsOf(kind, body) : undefined;
  const said = [word, pixels && `${pixels[0]} × ${pixels[1]}`, bytes, cut ? "cut by the recording" : ""].filter(Boolean).join(", ");
  // Only what browsers decode without scripts, whole, and as small as its header promises.
  const shown = pixels && !cut && item.length <= MAX_IMAGE && pixels[0] * pixels[1] <= MAX_PIXELS && PICTURE.test(item);
  return { said, instead: true, text: item, ...(shown && { image: item }) };
}

const HEAD = 40_000;

/** Width and height of a picture, as far as its header tells. */
function pixelsOf(kind: string, base64: string): [number, number] | undefined {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.from(atob(base64.slice(0, HEAD - (HEAD % 4))), (each) => each.charCodeAt(0));
  } catch {
    return undefined;
  }
  const at = new DataView(bytes.buffer);
  const ascii = (from: number, text: string) => [...text].every((each, i) => bytes[from + i] === each.charCodeAt(0));
  const sane = (wide: number, high: number): [number, number] | undefined => (wide > 0 && high > 0 && wide <= 100_000 && high <= 100_000 ? [wide, high] : undefined);
  try {
    if (kind === "image/png" && ascii(1, "PNG")) return sane(at.getUint32(16), at.getUint32(20));
    if (kind === "image/gif" && ascii(0, "GIF8")) return sane(at.getUint16(6, true), at.getUint16(8, true));
    if (kind === "image/webp" && ascii(8, "WEBP")) {
      if (ascii(12, "VP8X")) return sane(1 + (at.getUint32(24, true) & 0xffffff), 1 + (at.getUint32(26, true) >>> 8));
      if (ascii(12, "VP8L")) return sane(1 + (at.getUint32(21, true) & 0x3fff), 1 + ((at.getUint32(21, true) >>> 14) & 0x3fff));
      return ascii(12, "VP8 ") ? sane(at.getUint16(26, true) & 0x3fff, at.getUint16(28, true) & 0x3fff) : undefined;
    }
    if (kind !== "image/jpeg" || at.getUint16(0) !== 0xffd8) return undefined;
    for (let from = 2; from < bytes.length - 9; from += 2 + at.getUint16(from + 2)) {
      const marker = at.getUint16(from);
      if (marker >> 8 !== 0xff) return undefined;
      if (marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker)) return sane(at.getUint16(from + 7), at.getUint16(from + 5));
    }
  } catch {
    // The header ends early.
  }
  return undefined;
}
