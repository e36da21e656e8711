// Which spans are those of executions of cells, whatever stands above them.

import type { Trace } from "./trace";

/** Roots, in their order; in the place of one that is of no cell, as the span of a whole run is, the cells right below it. */
export function executions(trace: Trace): number[] {
  const found: number[] = [];
  for (const root of trace.tree.roots) {
    const below = trace.cells.has(trace.cell[root]!) ? [] : [...trace.tree.of(root)].filter((row) => trace.cells.has(trace.cell[row]!));
    found.push(...(below.length ? below : [root]));
  }
  return found;
}
