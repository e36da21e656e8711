// Merged spans as boxes, for flame graphs whose width is a share of time.

import type { Difference } from "./compare";
import type { Merged } from "./merge";

/** A box of a merged graph, in shares of the whole width. */
export interface Box {
  name: number;
  from: number;
  to: number;
  level: number;
  row: number;
  total: number;
  self: number;
  count: number;
  errors: number;
  before?: number;
}

/** Lay a merged tree out, the heaviest child left, from `level` on downwards (or upwards, for callers). */
export function boxes(top: Merged, width: number, level = 0, step = 1): Box[] {
  const found: Box[] = [];
  const stack: [Merged, number, number, number][] = [[top, 0, 1, level - step]];
  while (stack.length) {
    const [here, from, to, at] = stack.pop()!;
    if (here.name >= 0) found.push({ ...here, from, to, level: at });
    const sum = [...here.children.values()].reduce((total, child) => total + child.total, 0);
    // Children that ran at the same time can add up to more than their parent: then they share its width.
    const scale = (to - from) / Math.max(here.total, sum, 1e-12);
    let x = from;
    for (const child of [...here.children.values()].sort((a, b) => b.total - a.total)) {
      const wide = child.total * scale;
      if (wide * width < 0.5) break;
      stack.push([child, x, x + wide, at + step]);
      x += wide;
    }
  }
  return found;
}

/** The same for a comparison: the width of a box is the larger of its two times. */
export function differenceBoxes(top: Difference, width: number): Box[] {
  const found: Box[] = [];
  const stack: [Difference, number, number][] = [[top, 0, 1]];
  while (stack.length) {
    const [here, from, to] = stack.pop()!;
    const larger = Math.max(here.before, here.after);
    found.push({
      name: here.name, from, to, level: here.depth, row: here.row, total: here.after, self: 0, count: here.countAfter, errors: 0,
      before: here.before,
    });
    const sum = here.children.reduce((total, child) => total + Math.max(child.before, child.after), 0);
    const scale = (to - from) / Math.max(larger, sum, 1e-12);
    let x = from;
    for (const child of here.children) {
      const wide = Math.max(child.before, child.after) * scale;
      if (wide * width < 0.5) break;
      stack.push([child, x, x + wide]);
      x += wide;
    }
  }
  return found;
}
