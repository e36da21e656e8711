// The same work two times, in one run or several each: analysis/compare.py.

import { middle, taken, verdict } from "./noise";
import type { Trace } from "./trace";

export type Verdict = "added" | "removed" | "slower" | "faster" | "more" | "fewer" | "same" | "unclear";

/** What a path took on one side: medians over its runs; a run without it took no time in it. */
export interface Side {
  /** In ms. */
  total: number;
  /** The interquartile range in ms, NaN for fewer than three runs. */
  spread: number;
  /** Spans in a run. */
  count: number;
  runs: number;
  /** Whether any run has the path. */
  there: boolean;
}

export interface Difference {
  name: number;
  path: string;
  /** Its last name, and those above. */
  label: string;
  above: string;
  depth: number;
  before: Side;
  after: Side;
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

/** A path shows at most so many names, its last ones. Two paths are told apart by all. */
const SHOWN_NAMES = 12;

const SEPARATOR = " › ";

const MAX_PATHS = 100_000;

/** A path while it is walked: of each side what each run took, in whole nanoseconds, and how many spans it has. */
interface Path extends Difference {
  names: string[];
  below: Map<number, Path>;
  root: Path;
  sides: [Map<number, [time: number, spans: number]>, Map<number, [time: number, spans: number]>];
}

/** Set the trees below some roots beside those below others, by their paths of names. Each root is a run; all roots count as
 * one path, whatever they are called. Spans that still run are left out: what lies below one begins a path of its own. */
export function compare(trace: Trace, before: readonly number[], after: readonly number[]): Comparison {
  const { tree } = trace;
  const tops = new Map<number, Path>();
  const last = after[after.length - 1]!;
  const top = path(trace.name[last]!, label(trace.nameOf(last)));
  const found = [top];
  [before, after].forEach((roots, side) => {
    const way = new Map<number, Path>();
    for (const { run, rows } of ended(trace, roots)) for (const row of rows) {
      const above = way.get(tree.parent[row]!);
      const known = above ? above.below : tops;
      const name = trace.name[row]!;
      let here = row === roots[run] ? top : known.get(name);
      if (!here) {
        if (found.length >= MAX_PATHS) return;
        known.set(name, (here = path(name, above ? trace.nameOf(row) : label(trace.nameOf(row)), above)));
        above?.children.push(here);
        found.push(here);
      }
      count(here, trace, row, run, side as 0 | 1);
      way.set(row, here);
    }
  });
  for (const each of found) judge(each);
  const larger = ({ before, after }: Difference) => Math.max(before.total, after.total);
  for (const each of found) each.children.sort((a, b) => larger(b) - larger(a));
  // Paths are numbered as they are met, before and then after: of changes as large, the one that was met first stands first.
  const order = found.map((each) => [Math.abs(nanoseconds(each.after.total) - nanoseconds(each.before.total)), each] as const);
  return { top, changes: order.sort(([a], [b]) => b - a).map(([, each]) => each) };
}

/** A cell has its number in its name, which is another in each run. */
function label(name: string): string {
  return /^cell \[\d*\] ?/.test(name) ? "cell" : name;
}

function path(name: number, text: string, above?: Path): Path {
  const depth = above ? above.depth + 1 : 0;
  const names = [...(above?.names ?? []), text].slice(-SHOWN_NAMES);
  const nothing: Side = { total: 0, spread: NaN, count: 0, runs: 0, there: false };
  const made = {
    name, names, label: text, above: above?.path ?? "", depth, path: [...(depth >= SHOWN_NAMES ? ["…"] : []), ...names].join(SEPARATOR), before: nothing, after: nothing,
    verdict: "unclear", row: -1, children: [], below: new Map(), sides: [new Map(), new Map()],
  } as unknown as Path;
  made.root = above?.root ?? made;
  return made;
}

/** The spans below some roots that have ended, tree by tree in their order, where those that run are left out; of each tree the number
 * of its root. */
function ended(trace: Trace, roots: readonly number[]): { run: number; rows: number[] }[] {
  const { tree, start } = trace;
  const trees = new Map<number, { run: number; rows: number[] }>();
  const treeOf = new Map<number, number>();
  roots.forEach((root, run) => {
    const begin = tree.place[root]!;
    for (const row of tree.order.subarray(begin, begin + tree.size[root]!)) {
      if (Number.isNaN(trace.end[row]!)) continue;
      const top = treeOf.get(tree.parent[row]!) ?? row;
      treeOf.set(row, top);
      if (top === row) trees.set(row, { run, rows: [row] });
      else trees.get(top)!.rows.push(row);
    }
  });
  const tops = [...trees.keys()].sort((a, b) => start[a]! - start[b]! || a - b);
  return tops.map((each) => trees.get(each)!);
}

function count(path: Path, trace: Trace, row: number, run: number, side: 0 | 1): void {
  const runs = path.sides[side];
  if ((side && !runs.size) || path.row < 0 || trace.duration(row) > trace.duration(path.row)) path.row = row;
  const known = runs.get(run);
  const time = nanoseconds(trace.duration(row));
  if (!known) runs.set(run, [time, 1]);
  else {
    known[0] += time;
    known[1]++;
  }
}

function nanoseconds(ms: number): number {
  return Math.round(ms * 1e6);
}

/** Say what each side took, and what has changed. */
function judge(path: Path): void {
  const [old, now] = path.sides.map((runs, side) => {
    const all = path.root.sides[side]!.size;
    const missing: number[] = Array(Math.max(all - runs.size, 0)).fill(0);
    const counts = [...missing, ...[...runs.values()].map(([, spans]) => spans)].sort((a, b) => a - b);
    const took = taken(runs.size ? [...missing, ...[...runs.values()].map(([time]) => time)] : [0]);
    const told: Side = { total: took.median / 1e6, spread: took.spread / 1e6, count: runs.size ? middle(counts) : 0, runs: runs.size ? all : 0, there: runs.size > 0 };
    return { took, told, fewest: counts[0] ?? 0, most: counts[counts.length - 1] ?? 0 };
  }) as [Judged, Judged];
  path.before = old.told;
  path.after = now.told;
  path.verdict = !now.told.there ? "removed" : !old.told.there ? "added" : verdict(old.took, now.took);
  // Where times do not tell, numbers do.
  if (path.verdict === "same" || path.verdict === "unclear") {
    if (now.fewest > old.most) path.verdict = "more";
    else if (now.most < old.fewest) path.verdict = "fewer";
  }
}

interface Judged {
  took: ReturnType<typeof taken>;
  told: Side;
  fewest: number;
  most: number;
}
