// All of the time, small: how much ran when, and which part of it is shown.

import type { Trace } from "../engine/trace";
import type { Pen, Range } from "./canvas";
import type { Theme } from "./colours";

/** Draw the whole trace small: how much ran when, and which part of it is shown. */
export function paintMinimap(
  pen: Pen, theme: Theme, whole: Range, range: Range, width: number, height: number, density: Float32Array,
): void {
  pen.fillStyle = theme.raised;
  pen.fillRect(0, 0, width, height);
  let highest = 1;
  for (const value of density) if (value > highest) highest = value;
  pen.fillStyle = theme.dark ? "#4f86a8" : "#8fb8d4";
  for (let i = 0; i < density.length; i++) {
    const tall = density[i]! > 0 ? Math.max(1.5, (density[i]! / highest) * (height - 4)) : 0;
    if (tall) pen.fillRect((i / density.length) * width, height - tall, width / density.length + 0.5, tall);
  }
  const scale = width / Math.max(whole.to - whole.from, 1e-9);
  const x0 = (range.from - whole.from) * scale;
  const x1 = (range.to - whole.from) * scale;
  pen.fillStyle = theme.ground;
  pen.globalAlpha = 0.65;
  pen.fillRect(0, 0, x0, height);
  pen.fillRect(x1, 0, width - x1, height);
  pen.globalAlpha = 1;
  pen.strokeStyle = theme.accent;
  pen.lineWidth = 1;
  pen.strokeRect(Math.max(0.5, x0), 0.5, Math.min(width - 1, Math.max(2, x1 - x0)), height - 1);
}

/** How deep the spans were stacked, over as many columns as the minimap has. */
export function densityOf(trace: Trace, whole: Range, columns: number): Float32Array {
  const steps = new Float32Array(columns + 1);
  const scale = columns / Math.max(whole.to - whole.from, 1e-9);
  for (let row = 0; row < trace.count; row++) {
    const from = Math.max(0, Math.floor((trace.start[row]! - whole.from) * scale));
    const to = Math.min(columns, Math.max(from + 1, Math.ceil((trace.endOf(row) - whole.from) * scale)));
    if (from >= columns || to <= 0) continue;
    steps[from]!++;
    steps[to]!--;
  }
  for (let i = 1; i <= columns; i++) steps[i]! += steps[i - 1]!;
  return steps.subarray(0, columns);
}
