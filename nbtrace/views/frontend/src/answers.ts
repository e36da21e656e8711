// Questions to a trace: statistics by name, the critical path, merged trees, a comparison. Knows no DOM.

import { ERROR, type Trace } from "./trace";

export interface NameStatistics {
  name: number;
  count: number;
  total: number;
  self: number;
  p50: number;
  p95: number;
  errors: number;
}

/** Times by name, of the spans that have ended and that `wanted` holds for. */
export function statistics(trace: Trace, wanted?: (row: number) => boolean): NameStatistics[] {
  const self = trace.tree.self;
  const groups = new Map<number, { lengths: number[]; total: number; self: number; errors: number }>();
  for (let row = 0; row < trace.count; row++) {
    if (Number.isNaN(trace.end[row]!) || (wanted && !wanted(row))) continue;
    const name = trace.name[row]!;
    let group = groups.get(name);
    if (!group) groups.set(name, (group = { lengths: [], total: 0, self: 0, errors: 0 }));
    const length = trace.duration(row);
    group.lengths.push(length);
    group.total += length;
    group.self += self[row]!;
    if (trace.status(row) === ERROR) group.errors++;
  }
  return [...groups].map(([name, { lengths, total, self, errors }]) => {
    const sorted = Float64Array.from(lengths).sort();
    return { name, count: lengths.length, total, self, errors, p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) };
  });
}

export function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const low = sorted[Math.floor(place)] ?? 0;
  const high = sorted[Math.ceil(place)] ?? low;
  return low + (high - low) * (place - Math.floor(place));
}

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

/** A node of spans merged by their path of names. */
export interface Merged {
  name: number;
  total: number;
  self: number;
  count: number;
  errors: number;
  /** A span that is part of it, the longest. */
  row: number;
  children: Map<number, Merged>;
}

const MAX_MERGED = 100_000;

function node(name: number): Merged {
  return { name, total: 0, self: 0, count: 0, errors: 0, row: -1, children: new Map() };
}

function add(target: Merged, trace: Trace, row: number, total: number, self: number): void {
  if (target.row < 0 || trace.duration(row) > trace.duration(target.row)) target.row = row;
  target.total += total;
  target.self += self;
  target.count++;
  if (trace.status(row) === ERROR) target.errors++;
}

/** Merge the subtrees of rows by their paths of names below one node without a name. */
export function merge(trace: Trace, tops: Iterable<number>): Merged {
  const tree = trace.tree;
  const top = node(-1);
  let nodes = 0;
  for (const first of tops) {
    const begin = tree.place[first]!;
    const base = tree.depth[first]!;
    const way: Merged[] = [top];
    for (let place = begin; place < begin + tree.size[first]!; place++) {
      const row = tree.order[place]!;
      way.length = tree.depth[row]! - base + 1;
      const above = way[way.length - 1]!;
      const name = trace.name[row]!;
      let here = above.children.get(name);
      if (!here) {
        if (++nodes > MAX_MERGED) return top;
        above.children.set(name, (here = node(name)));
      }
      add(here, trace, row, trace.duration(row), tree.self[row]!);
      way.push(here);
    }
    top.total += trace.duration(first);
  }
  return top;
}

/** The paths upwards from every span of a name: who called it, and how much of its time is theirs. */
export function callers(trace: Trace, rows: Iterable<number>): Merged {
  const top = node(-1);
  for (const row of rows) {
    const length = trace.duration(row);
    top.total += length;
    let above = trace.parent[row]!;
    let here = top;
    for (let step = 0; above >= 0 && step < 200; step++) {
      const name = trace.name[above]!;
      let next = here.children.get(name);
      if (!next) here.children.set(name, (next = node(name)));
      add(next, trace, above, length, 0);
      here = next;
      above = trace.parent[above]!;
    }
  }
  return top;
}

/** Rows of a name that lie in no other of that name, so that recursion counts once. */
export function outermost(trace: Trace, name: number): number[] {
  const tree = trace.tree;
  const found: number[] = [];
  for (let place = 0; place < tree.order.length; ) {
    const row = tree.order[place]!;
    if (trace.name[row] === name) {
      found.push(row);
      place += tree.size[row]!;
    } else place++;
  }
  return found;
}

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
