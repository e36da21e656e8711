// The critical path: analysis/criticalpath.py.

import type { Trace } from "./trace";

/** Rows on the critical path of the trees whose roots are given, and for how many ms the end waited for each: from the end
 * backwards through the last to finish, as Jaeger's. A circle of parents, cut or not, has no path. */
export function criticalPath(trace: Trace, roots: Iterable<number>): Map<number, number> {
  const { tree, start } = trace;
  const found = new Map<number, number>();
  const wait = (row: number, from: number, to: number) => to > from && found.set(row, (found.get(row) ?? 0) + to - from);
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
  return found;
}
