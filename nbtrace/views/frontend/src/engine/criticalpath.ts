// The critical path: analysis/criticalpath.py.

import type { Trace } from "./trace";

/** Rows on the critical path of the trees whose roots are given: the last to finish, from the end backwards, as Jaeger's. */
export function criticalPath(trace: Trace, roots: Iterable<number>): Set<number> {
  const tree = trace.tree;
  const found = new Set<number>();
  const stack: [number, number, number][] = [];
  for (const root of roots) stack.push([root, trace.start[root]!, trace.endOf(root)]);
  while (stack.length) {
    const [row, begin, end] = stack.pop()!;
    found.add(row);
    const inside = Array.from(tree.of(row), (child) => {
      return [child, Math.max(trace.start[child]!, begin), Math.min(trace.endOf(child), end)] as [number, number, number];
    }).filter(([, from, to]) => to > from);
    inside.sort((a, b) => b[2] - a[2]);
    let moment = end;
    for (const child of inside) {
      if (child[2] > moment) continue;
      stack.push(child);
      moment = child[1];
    }
  }
  return found;
}
