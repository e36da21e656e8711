// Two trees side by side.

import { type Merged, merge } from "./merge";
import type { Trace } from "./trace";

export interface Difference {
  name: number;
  path: string;
  depth: number;
  before: number;
  after: number;
  countBefore: number;
  countAfter: number;
  row: number;
  children: Difference[];
}

/** Set two trees side by side by their paths of names; the two roots count as one, whatever they are called. */
export function compare(trace: Trace, before: number, after: number): Difference {
  const sides = [before, after].map((root) => [...merge(trace, [root]).children.values()][0]);
  const stack: [Difference, Merged | undefined, Merged | undefined][] = [];
  const make = (old: Merged | undefined, now: Merged | undefined, path: string, depth: number): Difference => {
    const name = (now ?? old)!.name;
    const made = {
      name, path, depth, before: old?.total ?? 0, after: now?.total ?? 0, countBefore: old?.count ?? 0,
      countAfter: now?.count ?? 0, row: (now ?? old)!.row, children: [],
    };
    stack.push([made, old, now]);
    return made;
  };
  const top = make(sides[0], sides[1], trace.names[trace.name[after]!] ?? "", 0);
  while (stack.length) {
    const [made, old, now] = stack.pop()!;
    const names = new Set([...(now?.children.keys() ?? []), ...(old?.children.keys() ?? [])]);
    for (const name of names) {
      const path = made.depth < 12 ? `${made.path} › ${trace.names[name]}` : `… › ${trace.names[name]}`;
      made.children.push(make(old?.children.get(name), now?.children.get(name), path, made.depth + 1));
    }
    made.children.sort((a, b) => Math.max(b.before, b.after) - Math.max(a.before, a.after));
  }
  return top;
}

/** All nodes of a comparison, the largest change first. */
export function changes(top: Difference): Difference[] {
  const found: Difference[] = [];
  const stack = [top];
  while (stack.length) {
    const here = stack.pop()!;
    found.push(here);
    stack.push(...here.children);
  }
  return found.sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before));
}
