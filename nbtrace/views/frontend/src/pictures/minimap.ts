// All of the time, small: the lines of the waterfall where they are few, else how much ran when; and which part of it is shown.

import { STRAIGHT, type Timeline } from "../engine/timeline";
import type { Trace } from "../engine/trace";
import type { Pen, Range } from "./canvas";
import { LIGHT, type Theme, barColour } from "./colours";
import { Scale, paintBreaks } from "./scale";

/** What ends at the moment at which it begins is seen all the same. */
const TRACE = 1e-6;

/** So many lines are told apart at most. */
export const MOST_LINES = 200;

/** Draw the whole trace small: what ran when, when something failed, and which part of it is shown. `bars`: lines, each with its
 * colour; without them their density is drawn. */
export function paintMinimap(
  pen: Pen, theme: Theme, whole: Range, range: Range, width: number, height: number, density: Float32Array, failed: ArrayLike<number>, bars: readonly Bar[] | undefined, timeline: Timeline = STRAIGHT,
): void {
  pen.fillStyle = theme.raised;
  pen.fillRect(0, 0, width, height);
  const scale = new Scale(whole, 0, width, timeline);
  paintBreaks(pen, theme, scale, height);
  if (bars) {
    const step = Math.min(4, (height - 4) / (1 + bars.reduce((most, { line }) => Math.max(most, line), 0)));
    bars.forEach(({ from, to, hue, line }) => {
      const x = scale.x(from);
      pen.fillStyle = barColour(hue, LIGHT); // on dark ground those of dark would sink
      pen.fillRect(x, 2 + line * step, Math.max(1.5, scale.x(to) - x), Math.max(1, step - (step > 2 ? 1 : 0)));
    });
  } else paintDensity(pen, theme, density, width, height);
  pen.fillStyle = theme.error;
  for (let i = 0, last = -Infinity; i < failed.length; i++) {
    const x = Math.round(scale.x(failed[i]!));
    if (Math.abs(x - last) < 2) continue;
    pen.fillRect(Math.min(x - 1, width - 3), 1, 2, 7);
    last = x;
  }
  const [x0, x1] = [scale.x(range.from), scale.x(range.to)];
  pen.fillStyle = theme.ground;
  pen.globalAlpha = 0.65;
  pen.fillRect(0, 0, x0, height);
  pen.fillRect(x1, 0, width - x1, height);
  pen.globalAlpha = 1;
  pen.strokeStyle = theme.accent;
  pen.lineWidth = 1;
  pen.strokeRect(Math.max(0.5, x0), 0.5, Math.min(width - 1, Math.max(2, x1 - x0)), height - 1);
}

export interface Bar {
  from: number;
  to: number;
  hue: number;
  /** How many stand above it. */
  line: number;
}

function paintDensity(pen: Pen, theme: Theme, density: Float32Array, width: number, height: number): void {
  let highest = TRACE;
  for (const value of density) if (value > highest) highest = value;
  pen.fillStyle = theme.dark ? "#4f86a8" : "#8fb8d4";
  for (let i = 0; i < density.length; i++) {
    const tall = density[i]! > 0 ? Math.max(1.5, (density[i]! / highest) * (height - 4)) : 0;
    if (tall) pen.fillRect((i / density.length) * width, height - tall, width / density.length + 0.5, tall);
  }
}

/** How many spans ran at once, over as many columns as the minimap has: the mean of each column's time, so that spans that touch in a column count as
 * one. `rows`: those that are looked at; without them all. */
export function densityOf(trace: Trace, whole: Range, columns: number, timeline: Timeline = STRAIGHT, rows?: Int32Array): Float32Array {
  // Columns that are covered from side to side are counted where that begins and ends; parts of columns are added up beside.
  const steps = new Float64Array(columns + 1);
  const parts = new Float64Array(columns + 1);
  // How many tasks wait: they do not run, but are seen.
  const waiting = new Int32Array(columns + 1);
  const scale = new Scale(whole, 0, columns, timeline);
  const column = (moment: number) => Math.min(columns, Math.max(0, Math.floor(scale.x(moment))));
  const many = rows?.length ?? trace.count;
  for (let i = 0; i < many; i++) {
    const row = rows ? rows[i]! : i;
    const [start, end] = [trace.start[row]!, trace.endOf(row)];
    const since = trace.since(row);
    if (since < start) {
      waiting[column(since)]!++;
      waiting[column(start)]!--;
    }
    if (end < whole.from || start > whole.to) continue;
    const from = Math.max(0, scale.x(start));
    const to = Math.min(columns, scale.x(end));
    const [first, last] = [Math.min(columns - 1, Math.floor(from)), Math.floor(to)];
    if (first === last || !(to > from)) parts[first]! += Math.max(to - from, TRACE);
    else {
      parts[first]! += first + 1 - from;
      parts[last]! += to - last;
      steps[first + 1]!++;
      steps[last]!--;
    }
  }
  const found = new Float32Array(columns);
  for (let i = 0, sum = 0, waits = 0; i < columns; i++) {
    sum += steps[i]!;
    found[i] = Math.max(sum + parts[i]!, (waits += waiting[i]!) > 0 ? TRACE : 0);
  }
  return found;
}
