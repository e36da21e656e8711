// Two trees side by side: analysis/compare.py, for one run against one.

import type { Trace } from "./trace";

/** What can be said of a path from one run on each side; `same` takes more runs. */
export type Verdict = "added" | "removed" | "slower" | "faster" | "more" | "fewer" | "unclear";

export interface Difference {
  name: number;
  path: string;
  depth: number;
  before: number;
  after: number;
  countBefore: number;
  countAfter: number;
  verdict: Verdict;
  /** A span that is part of it, the longest; one of after, if there is any. */
  row: number;
  /** The heaviest first. */
  children: Difference[];
}

export interface Comparison {
  top: Difference;
  /** All paths, the largest change first. Those that begin below a span that still runs do not hang on `top`. */
  changes: Difference[];
}

/** The spread that a time is taken to have, as a share of it: one run says nothing about its noise. */
const UNKNOWN_SPREAD = 0.25;

/** A path shows at most so many names, its last ones. Two paths are told apart by all. */
const SHOWN_NAMES = 12;

const SEPARATOR = " › ";

const MAX_PATHS = 100_000;

interface Path extends Difference {
  names: string[];
  below: Map<number, Path>;
}

/** Set two trees side by side by their paths of names; the two roots count as one, whatever they are called. Spans that still
 * run are left out: what lies below one begins a path of its own. */
export function compare(trace: Trace, before: number, after: number): Comparison {
  const { tree } = trace;
  const tops = new Map<number, Path>();
  const top = path(trace.name[after]!, label(trace.nameOf(after)));
  const found = [top];
  [before, after].forEach((root, side) => {
    const way = new Map<number, Path>();
    for (const row of ended(trace, root)) {
      const above = way.get(tree.parent[row]!);
      const known = above ? above.below : tops;
      const name = trace.name[row]!;
      let here = row === root ? top : known.get(name);
      if (!here) {
        if (found.length >= MAX_PATHS) break;
        known.set(name, (here = path(name, above ? trace.nameOf(row) : label(trace.nameOf(row)), above)));
        above?.children.push(here);
        found.push(here);
      }
      count(here, trace, row, side);
      way.set(row, here);
    }
  });
  for (const each of found) {
    each.verdict = verdict(each);
    each.children.sort((a, b) => Math.max(b.before, b.after) - Math.max(a.before, a.after));
  }
  // Paths are numbered as they are met, before and then after: of changes as large, the one that was met first stands first.
  return { top, changes: [...found].sort((a, b) => Math.abs(changeOf(b)) - Math.abs(changeOf(a))) };
}

/** A cell has its number in its name, which is another in each run. */
function label(name: string): string {
  return /^cell \[\d*\] ?/.test(name) ? "cell" : name;
}

function path(name: number, text: string, above?: Path): Path {
  const depth = above ? above.depth + 1 : 0;
  const names = [...(above?.names ?? []), text].slice(-SHOWN_NAMES);
  return {
    name, names, depth, path: [...(depth >= SHOWN_NAMES ? ["…"] : []), ...names].join(SEPARATOR), before: 0, after: 0, countBefore: 0, countAfter: 0,
    verdict: "unclear", row: -1, children: [], below: new Map(),
  };
}

/** The spans of a tree that have ended, in reading order: tree by tree, where those that run are left out. */
function ended(trace: Trace, root: number): number[] {
  const { tree, start } = trace;
  const begin = tree.place[root]!;
  const trees = new Map<number, number[]>();
  const treeOf = new Map<number, number>();
  for (const row of tree.order.subarray(begin, begin + tree.size[root]!)) {
    if (Number.isNaN(trace.end[row]!)) continue;
    const top = treeOf.get(tree.parent[row]!) ?? row;
    treeOf.set(row, top);
    if (top === row) trees.set(row, [row]);
    else trees.get(top)!.push(row);
  }
  const tops = [...trees.keys()].sort((a, b) => start[a]! - start[b]! || a - b);
  return tops.flatMap((each) => trees.get(each)!);
}

function count(path: Path, trace: Trace, row: number, side: number): void {
  const length = trace.duration(row);
  const first = side ? !path.countAfter : path.row < 0;
  if (first || length > trace.duration(path.row)) path.row = row;
  if (side) {
    path.after += length;
    path.countAfter++;
  } else {
    path.before += length;
    path.countBefore++;
  }
}

/** In whole nanoseconds: what differs by less is the same. */
function changeOf(path: Difference): number {
  return Math.round(path.after * 1e6) - Math.round(path.before * 1e6);
}

function verdict(path: Difference): Verdict {
  if (!path.countBefore) return "added";
  if (!path.countAfter) return "removed";
  const change = changeOf(path);
  if (Math.abs(change) > UNKNOWN_SPREAD * Math.round(path.before * 1e6) + UNKNOWN_SPREAD * Math.round(path.after * 1e6)) return change > 0 ? "slower" : "faster";
  if (path.countAfter !== path.countBefore) return path.countAfter > path.countBefore ? "more" : "fewer";
  return "unclear";
}
