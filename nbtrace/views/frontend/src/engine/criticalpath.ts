// The critical path: analysis/criticalpath.py.

import type { Trace } from "./trace";

/** A part of the time in which the end waited for a row, without what is below it. */
export interface Step {
  row: number;
  from: number;
  to: number;
}

/** Rows on the critical path of the trees whose roots are given, and for how many ms the end waited for each. */
export function criticalPath(trace: Trace, roots: Iterable<number>): Map<number, number> {
  const found = new Map<number, number>();
  walk(trace, roots, (row, from, to) => void found.set(row, (found.get(row) ?? 0) + to - from));
  return found;
}

/** The critical path of one tree, step by step in the order of time: each begins where the one before it ends. */
export function criticalSteps(trace: Trace, root: number): Step[] {
  const found: Step[] = [];
  walk(trace, [root], (row, from, to) => void found.push({ row, from, to }));
  return found.sort((a, b) => a.from - b.from);
}

/** From the end backwards through the last to finish, as Jaeger's. A circle of parents, cut or not, has no path. */
function walk(trace: Trace, roots: Iterable<number>, step: (row: number, from: number, to: number) => void): void {
  const { tree, start } = trace;
  const wait = (row: number, from: number, to: number) => to > from && step(row, from, to);
  const stack: [row: number, begin: number, end: number][] = [];
  for (const root of roots) if (!tree.isCut(root)) stack.push([root, start[root]!, trace.endOf(root)]);
  while (stack.length) {
    const [row, begin, end] = stack.pop()!;
    const inside = Array.from(tree.of(row), (child) => {
      return [child, Math.max(start[child]!, begin), Math.min(trace.endOf(child), end)] as [number, number, number];
    }).filter(([, from, to]) => to > from);
    inside.sort((a, b) => b[2] - a[2] || start[b[0]]! - start[a[0]]! || b[0] - a[0]);
    let moment = end;
    for (const child of inside) {
      if (child[2] > moment) continue;
      wait(row, child[2], moment);
      stack.push(child);
      moment = child[1];
    }
    wait(row, begin, moment);
  }
}
