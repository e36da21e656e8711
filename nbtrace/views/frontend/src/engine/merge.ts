// Spans merged by their paths of names: downwards from roots, upwards from the spans of a name.

import type { Parts } from "./parts";
import { ERROR, type Trace } from "./trace";

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
  /** Of sampled frames: what is known of their time, in ms. */
  parts?: Parts;
}

const MAX_MERGED = 100_000;

export function node(name: number): Merged {
  return { name, total: 0, self: 0, count: 0, errors: 0, row: -1, children: new Map() };
}

function add(target: Merged, trace: Trace, row: number, total: number, self: number): void {
  if (target.row < 0 || trace.duration(row) > trace.duration(target.row)) target.row = row;
  target.total += total;
  target.self += self;
  target.count++;
  if (trace.status(row) === ERROR) target.errors++;
}

/** Merge the subtrees of rows by their paths of names below one node without a name. `at` takes the node of each row. */
export function merge(trace: Trace, tops: Iterable<number>, at?: Merged[]): Merged {
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
      if (at) at[row] = here;
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
    let above = trace.tree.parent[row]!;
    let here = top;
    for (let step = 0; above >= 0 && step < 200; step++) {
      const name = trace.name[above]!;
      let next = here.children.get(name);
      if (!next) here.children.set(name, (next = node(name)));
      add(next, trace, above, length, 0);
      here = next;
      above = trace.tree.parent[above]!;
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
