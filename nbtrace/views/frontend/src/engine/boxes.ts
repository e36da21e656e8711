// Merged spans as boxes, for flame graphs whose width is a share of time.

import type { Difference } from "./compare";
import type { Merged } from "./merge";
import type { Parts } from "./parts";

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
  /** Of sampled frames; `count` is that of their samples. */
  parts?: Parts;
  /** Of a comparison; `sure` if it differs by more than chance. */
  before?: number;
  sure?: boolean;
}

/** Lay a merged tree out, the heaviest child left, from `level` on downwards (or upwards, for callers). */
export function boxes(top: Merged, width: number, level = 0, step = 1): Box[] {
  const found: Box[] = [];
  const stack: [Merged, number, number, number][] = [[top, 0, 1, level - step]];
  while (stack.length) {
    const [here, from, to, at] = stack.pop()!;
    if (here.name >= 0) found.push({ ...here, from, to, level: at });
    let sum = 0;
    for (const child of here.children.values()) sum += child.total;
    // Children that ran at the same time can add up to more than their parent: then they share its width.
    const scale = (to - from) / Math.max(here.total, sum, 1e-12);
    const wide: Merged[] = [];
    for (const child of here.children.values()) if (child.total * scale * width >= 0.5) wide.push(child);
    let x = from;
    for (const child of wide.sort((a, b) => b.total - a.total)) stack.push([child, x, (x += child.total * scale), at + step]);
  }
  return found;
}

/** The same for a comparison: the width of a box is the larger of its two times. */
export function differenceBoxes(top: Difference, width: number): Box[] {
  const found: Box[] = [];
  const stack: [Difference, number, number][] = [[top, 0, 1]];
  while (stack.length) {
    const [here, from, to] = stack.pop()!;
    const larger = longer(here);
    found.push({
      name: here.name, from, to, level: here.depth, row: here.row, total: here.after.total, self: 0, count: here.after.count, errors: 0,
      before: here.before.total, sure: ["slower", "faster", "more", "fewer", "added", "removed"].includes(here.verdict),
    });
    const sum = here.children.reduce((total, child) => total + longer(child), 0);
    const scale = (to - from) / Math.max(larger, sum, 1e-12);
    let x = from;
    for (const child of here.children) {
      const wide = longer(child) * scale;
      if (wide * width < 0.5) break;
      stack.push([child, x, x + wide]);
      x += wide;
    }
  }
  return found;
}

function longer({ before, after }: Difference): number {
  return Math.max(before.total, after.total);
}
