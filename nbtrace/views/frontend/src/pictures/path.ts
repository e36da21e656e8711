// The critical path: a line from bar to bar, to be followed from the beginning of a trace to its end. Knows no DOM.

import type { Step } from "../engine/criticalpath";
import type { Pen } from "./canvas";
import type { Theme } from "./colours";
import type { Scale } from "./scale";

/** How tall the line is where it goes along a bar. */
const ALONG = 3;

/** Draw paths, each a tree's, over bars. `level`: how far from the top the line of a row is, NaN where it has none. Up or down it goes at the moment at which
 * the end no longer waited for one, but for another. */
export function paintPath(pen: Pen, theme: Theme, paths: readonly (readonly Step[])[], scale: Scale, level: (row: number) => number): void {
  const { left, right } = scale;
  const corners: [x: number, y: number][][] = [];
  for (const steps of paths) {
    if (!steps.length || scale.x(steps[0]!.from) > right || scale.x(steps[steps.length - 1]!.to) < left) continue;
    const line: [number, number][] = [];
    let reached = -Infinity;
    for (const { row, from, to } of steps) {
      const x1 = scale.x(to);
      // Of what goes up and down within a pixel, once is enough.
      if (x1 < left - 4 || x1 < reached + 0.7) continue;
      const begun = scale.x(from);
      if (begun > right) break;
      const x0 = Math.max(left - 4, reached === -Infinity ? begun : reached);
      const y = level(row);
      reached = Math.min(x1, right + 4);
      if (!Number.isNaN(y)) line.push([x0, y], [reached, y]);
    }
    if (line.length) corners.push(line);
  }
  pen.strokeStyle = pen.fillStyle = theme.text;
  pen.lineWidth = 1;
  pen.beginPath();
  for (const line of corners) {
    pen.moveTo(...line[0]!);
    for (const corner of line) pen.lineTo(...corner);
  }
  pen.globalAlpha = 0.5;
  pen.stroke();
  pen.globalAlpha = 1;
  for (const line of corners) {
    for (let i = 0; i < line.length; i += 2) pen.fillRect(line[i]![0], line[i]![1] - ALONG / 2, Math.max(1, line[i + 1]![0] - line[i]![0]), ALONG);
  }
}
