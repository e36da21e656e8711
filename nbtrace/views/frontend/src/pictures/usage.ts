// Lanes of CPU and memory above the spans, on their axis: cores as stacked areas, resident bytes as a line.

import type { CoreColumns, MemoryColumns, Peak } from "../engine/steps";
import { BANDS, LIBRARIES, MEAN, OTHERS, WORKERS } from "../engine/usage";
import { duration, growth, size } from "../engine/words";
import type { Timeline } from "../engine/timeline";
import type { Pen, Range } from "./canvas";
import { type Theme, usageColour } from "./colours";
import { Scale, paintBreaks } from "./scale";

/** How tall a lane is. */
export const METER = 32;
/** What is left free above: the mark of the peak stands there. */
const ROOM = 6;
const MEMORY = BANDS;
/** Memory that changes by less than this is drawn as flat: noise should not look like a mountain. */
const LEAST_BYTES = 4e6;
const LEAST_SHARE = 0.01;

/** Where there is little room; with more; and what is said of it beside the pointer. */
export const WHO = ["own", "others", "libs", "unsampled", "processes"] as const;
export const WHO_IN_FULL = ["own thread", "other threads", "library threads", "not sampled", "other processes"] as const;
export const WHO_MEANT: Partial<Record<number, string>> = { [LIBRARIES]: ": what was computed beyond the samples, spread", [MEAN]: ": the mean of a cell" };

export interface UsageState {
  range: Range;
  /** How time is folded; without one it is not. */
  timeline?: Timeline;
  /** Where the axis begins. */
  left: number;
  cores: CoreColumns | undefined;
  coresPeak: Peak | undefined;
  memory: MemoryColumns | undefined;
  memoryPeak: Peak | undefined;
}

export function coresText(cores: number): string {
  return `${cores.toFixed(cores < 9.95 ? 1 : 0)} cores`;
}

/** The most in what is shown, in words; `first` is the memory at its beginning, of several processes it is the sum. */
/** `about`: whether threads of libraries were at work, of which only the sum is known. */
export function coresPeakText(peak: Peak, origin: number, about = false): string {
  return `peak ${about ? "about " : ""}${coresText(peak.value)} at ${duration(peak.at - origin)}`;
}

export function memoryPeakText(peak: Peak, first: number, origin: number, processes = 1): string {
  const grown = peak.value - first;
  return `peak ${size(peak.value)}${processes > 1 ? ` in ${processes} processes` : ""} at ${duration(peak.at - origin)}${grown > 0 ? `, ${growth(grown)}` : ""}`;
}

/** Least and most of a scale of memory. */
export function memoryScale({ least, most }: MemoryColumns): Range | undefined {
  let [from, to] = [Infinity, -Infinity];
  for (let i = 0; i < most.length; i++) {
    if (least[i]! < from) from = least[i]!;
    if (most[i]! > to) to = most[i]!;
  }
  if (!(to >= from)) return undefined;
  const wide = Math.max(to - from, LEAST_BYTES, to * LEAST_SHARE);
  // What is flat stands in the middle, as long as that is not below nothing.
  const low = Math.max(0, from - (wide - (to - from)) / 2);
  return { from: low, to: low + wide };
}

/** How many cores a scale shows: whole ones. */
export function coresScale(columns: CoreColumns): number {
  let most = 0;
  for (const value of columns.most) if (value > most) most = value;
  return Math.max(1, most, Math.ceil(most - 0.1));
}

export function paintUsage(pen: Pen, theme: Theme, state: UsageState, width: number, height: number): void {
  pen.fillStyle = theme.ground;
  pen.fillRect(0, 0, width, height);
  paintBreaks(pen, theme, new Scale(state.range, state.left, width - state.left, state.timeline), height);
  let top = 0;
  if (state.cores) {
    paintCores(pen, theme, state, state.cores, top, width);
    top += METER;
  }
  if (state.memory) paintMemory(pen, theme, state, state.memory, top, width);
  pen.fillStyle = theme.line;
  if (state.cores && state.memory) pen.fillRect(0, METER - 1, width, 1);
  if (state.left > 0) pen.fillRect(state.left - 1, 0, 1, height);
}

function paintCores(pen: Pen, theme: Theme, state: UsageState, { bands, most }: CoreColumns, top: number, width: number): void {
  const { left } = state;
  const scale = coresScale({ bands, most });
  const bottom = top + METER - 1;
  const tall = METER - 1 - ROOM;
  const y = (cores: number) => bottom - (cores / scale) * tall;
  const below = new Float64Array(most.length);
  bands.forEach((band, who) => {
    if (!band.some(Boolean)) return;
    const above = below.map((value, i) => value + band[i]!);
    pen.save();
    area(pen, left, above, below, y);
    pen.fillStyle = usageColour(who, theme);
    pen.fill();
    pen.clip();
    texture(pen, theme, who, left, width, top, bottom);
    pen.restore();
    below.set(above);
  });
  // Where a pixel holds several steps, areas are their mean: the most of them stands above, pale.
  pen.fillStyle = theme.quiet;
  pen.globalAlpha = 0.35;
  for (let i = 0; i < most.length; i++) {
    if (!(most[i]! > below[i]! + 0.02)) continue;
    const at = Math.round(y(most[i]!)); // whole pixels are drawn faster
    pen.fillRect(left + i, at, 1, Math.round(y(below[i]!)) - at);
  }
  pen.globalAlpha = 1;
  const step = Math.ceil(scale / 8);
  pen.font = `9px ${theme.font}`;
  pen.textAlign = "right";
  pen.textBaseline = "top";
  for (let cores = step; cores <= scale + 1e-9; cores += step) {
    const at = Math.round(y(cores));
    pen.fillStyle = theme.text;
    pen.globalAlpha = cores === 1 ? 0.45 : 0.22;
    pen.fillRect(left, at, width - left, 1);
    pen.globalAlpha = 1;
    const [lowest, highest] = [cores === step, cores + step > scale + 1e-9];
    if (highest || y(cores) - y(cores + step) >= 12 || (lowest && y(step) - y(Math.floor(scale / step) * step) >= 12)) note(pen, theme, cores === 1 ? "1 core" : `${cores}`, width - 4, at - 4);
  }
  if (state.coresPeak && state.coresPeak.value > 0) mark(pen, theme, state, state.coresPeak, y(Math.min(state.coresPeak.value, scale)), width);
}

function paintMemory(pen: Pen, theme: Theme, state: UsageState, columns: MemoryColumns, top: number, width: number): void {
  const { least, most } = columns;
  const scale = memoryScale(columns);
  if (!scale) return;
  const { left } = state;
  const bottom = top + METER - 1;
  const tall = METER - 3 - ROOM;
  const y = (bytes: number) => bottom - 2 - ((bytes - scale.from) / (scale.to - scale.from)) * tall;
  const first = most.findIndex((value) => value === value);
  const colour = usageColour(MEMORY, theme);
  pen.fillStyle = colour;
  pen.globalAlpha = 0.28;
  const ground = scale.from - (2 / tall) * (scale.to - scale.from);
  area(pen, left + first, most.subarray(first), new Float64Array(most.length - first).fill(ground), y);
  pen.fill();
  pen.globalAlpha = 1;
  for (let i = first; i < most.length; ) {
    // Of columns that are alike one rectangle.
    let end = i + 1;
    while (end < most.length && most[end] === most[i] && least[end] === least[i]) end++;
    pen.fillRect(left + i, y(most[i]!) - 0.75, end - i, Math.max(1.5, y(least[i]!) - y(most[i]!) + 1.5));
    i = end;
  }
  if (state.memoryPeak) mark(pen, theme, state, state.memoryPeak, y(Math.min(state.memoryPeak.value, scale.to)), width);
}

/** The path around what lies between two lines of columns. */
function area(pen: Pen, left: number, above: Float64Array, below: Float64Array, y: (value: number) => number): void {
  const last = above.length - 1;
  pen.beginPath();
  pen.moveTo(left, y(below[0]!));
  for (let i = 0; i <= last; i++) {
    if (i === 0 || above[i] !== above[i - 1]) pen.lineTo(left + i, y(above[i]!));
    if (i === last || above[i] !== above[i + 1]) pen.lineTo(left + i + 1, y(above[i]!));
  }
  for (let i = last; i >= 0; i--) {
    if (i === last || below[i] !== below[i + 1]) pen.lineTo(left + i + 1, y(below[i]!));
    if (i === 0 || below[i] !== below[i - 1]) pen.lineTo(left + i, y(below[i]!));
  }
  pen.closePath();
}

/** Who computed is told by texture as well: hatched up, hatched down, ruled, upright. */
function texture(pen: Pen, theme: Theme, who: number, left: number, width: number, top: number, bottom: number): void {
  if (who < OTHERS) return;
  pen.strokeStyle = theme.ground;
  pen.lineWidth = who === LIBRARIES ? 1.5 : 1;
  pen.beginPath();
  const tall = bottom - top;
  if (who >= MEAN) {
    const upright = who === WORKERS;
    for (let at = (upright ? width : bottom) - 2.5; at > (upright ? left : top); at -= 3) {
      pen.moveTo(upright ? at : left, upright ? top : at);
      pen.lineTo(upright ? at : width, upright ? bottom : at);
    }
  } else {
    for (let x = left - tall; x < width + tall; x += 5) {
      pen.moveTo(x, who === OTHERS ? bottom : top);
      pen.lineTo(x + tall, who === OTHERS ? top : bottom);
    }
  }
  pen.stroke();
}

/** A triangle that points to a peak. */
function mark(pen: Pen, theme: Theme, { range, left, timeline }: UsageState, peak: Peak, y: number, width: number): void {
  const x = Math.min(width - 4, Math.max(left + 4, new Scale(range, left, width - left, timeline).x(peak.at)));
  pen.fillStyle = theme.text;
  pen.beginPath();
  pen.moveTo(x - 4, y - 7);
  pen.lineTo(x + 4, y - 7);
  pen.lineTo(x, y - 1);
  pen.closePath();
  pen.fill();
}

/** Small text that can be read on whatever is below it. */
function note(pen: Pen, theme: Theme, text: string, right: number, top: number): void {
  pen.fillStyle = theme.ground;
  pen.globalAlpha = 0.75;
  pen.fillRect(right - text.length * 5 - 2, top - 1, text.length * 5 + 4, 10);
  pen.globalAlpha = 1;
  pen.fillStyle = theme.quiet;
  pen.fillText(text, right, top);
}
