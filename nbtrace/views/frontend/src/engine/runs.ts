// Runs of the same work: which executions are of one cell, which of them ran the same code, and which to set side by side.

import type { CellInfo } from "../protocol";
import { type Taken, taken, verdict } from "./noise";
import { ERROR, type Trace } from "./trace";
import { plain } from "./words";

export interface Run {
  row: number;
  /** Number of the execution, 0 outside cells. */
  cell: number;
  count: number | null;
  title: string;
  /** What the runs of one cell share; of spans that are no cell's own, the name. */
  work: string;
  run: number;
  /** Its source, or what stands for it; empty where that is not known. */
  code: string;
  /** By their work, the runs of other cells that made the code that it called; only of work that was edited. */
  called: ReadonlyMap<string, Run>;
  failed: boolean;
  ended: boolean;
}

/** What a run is called: as its span is, whose first words are the count. */
function titled(trace: Trace, row: number, cell: CellInfo | undefined): string {
  const name = trace.nameOf(row).replace(/^cell \[\d*\] ?/, "");
  // The name of a span is cut after some letters; its code has all of the line.
  const line = name.endsWith("…") && cell?.[4].split("\n").find((each) => each.trim().startsWith(name.slice(0, -1)));
  return (line || name).trim() || cell?.[4].trim().split("\n")[0] || trace.nameOf(row);
}

/** What is known of some spans as runs. `own`: the span of each cell itself; others of a cell's are no run of it. */
export function described(trace: Trace, rows: Iterable<number>, own: ReadonlyMap<number, number>): Run[] {
  const found: Run[] = [];
  const called = new Map<string, Run>();
  for (const row of rows) {
    const cell = trace.cells.get(trace.cell[row]!);
    const code = cell && own.get(cell[0]) === row ? cell[4].trim() : "";
    found.push({
      row, cell: trace.cell[row]!, called, count: cell?.[1] ?? null, title: titled(trace, row, cell), code,
      work: cell && code ? `cell ${cell[2]}` : `name ${trace.name[row]}`, run: code ? cell![3] : 1,
      failed: trace.status(row) === ERROR, ended: !Number.isNaN(trace.end[row]!),
    });
  }
  return found;
}

/** The runs of each piece of work that have ended, in their order; what has run last comes last. */
export function works(runs: readonly Run[]): Map<string, Run[]> {
  const found = new Map<string, Run[]>();
  for (const run of runs) {
    if (!run.ended) continue;
    const known = found.get(run.work) ?? [];
    found.delete(run.work);
    found.set(run.work, known);
    known.push(run);
  }
  return found;
}

/** The runs that went through, in stretches of the same code: what stands between two of them is an edit. */
export function stretches(runs: readonly Run[]): Run[][] {
  const found: Run[][] = [];
  for (const run of runs) {
    if (run.failed) continue;
    const last = found.at(-1);
    if (last && !edits(last.at(-1)!, run).length) last.push(run);
    else found.push([run]);
  }
  return found;
}

/** The code that differs between two runs, before and after: their own, then what both called. */
export function edits(before: Run, after: Run): [before: Run, after: Run][] {
  const found: [Run, Run][] = before.code === after.code ? [] : [[before, after]];
  for (const [work, now] of after.called) {
    const old = before.called.get(work);
    if (old && old.code !== now.code) found.push([old, now]);
  }
  return found;
}

/** One side: a run, or all with its code that went through, up to the next edit. */
export interface Choice {
  row: number;
  all: boolean;
}

export type Pair = [before: Choice, after: Choice];

/** What to set side by side of one piece of work, up to its last run: the code before its last edit and the code since, each with
 * all runs that went through. Where nothing was edited, the last run stands against those before it. A run that failed has a side
 * only where none of its code went through. */
export function sides(runs: readonly Run[]): Pair | undefined {
  const last = runs.at(-1);
  const before = runs[runs.length - 2];
  if (!last || !before) return undefined;
  const one = (run: Run): Choice => ({ row: run.row, all: false });
  const many = (stretch: Run[]): Choice => ({ row: stretch.at(-1)!.row, all: stretch.length > 1 });
  const passed = stretches(runs);
  const latest = passed.at(-1);
  if (!latest) return [one(before), one(last)];
  const alone = passed.length === 1 && latest.length === 1;
  if (last.failed && (alone || edits(latest.at(-1)!, last).length)) return [many(latest), one(last)];
  if (passed.length > 1) return [many(passed[passed.length - 2]!), many(latest)];
  return alone ? [one(before), one(last)] : [many(latest), one(latest.at(-1)!)];
}

/** What to set side by side of all: the work that has run again last; where none has, the last two cells with the same code. */
export function latest(works: ReadonlyMap<string, Run[]>): Pair | undefined {
  const again = [...works.values()].findLast((runs) => runs.length > 1);
  if (again) return sides(again);
  const seen = new Map<string, Run>();
  let found: Pair | undefined;
  for (const [run] of works.values()) {
    const before = run!.code && seen.get(run!.code);
    if (before) found = [{ row: before.row, all: false }, { row: run!.row, all: false }];
    seen.set(run!.code, run!);
  }
  return found;
}

/** The runs of two sides, none of which stands on both: what stands alone is set against those before it, or those after it. */
export function chosen(works: ReadonlyMap<string, Run[]>, pair: Pair): [Run[], Run[]] {
  const of = (choice: Choice): Run[] => {
    for (const runs of works.values()) {
      const here = runs.find(({ row }) => row === choice.row);
      if (here) return choice.all ? stretches(runs).find((stretch) => stretch.includes(here)) ?? [here] : [here];
    }
    return [];
  };
  const found = [of(pair[0]), of(pair[1])] as [Run[], Run[]];
  for (const side of [0, 1]) {
    const [mine, other] = [found[side]!, found[1 - side]!];
    if (!mine.includes(other[0]!) || (pair[1 - side]!.all && !pair[side]!.all)) continue;
    const rest = mine.filter(({ row }) => (side ? row > other[0]!.row : row < other[0]!.row));
    found[side] = rest.length ? rest : mine.filter((run) => !other.includes(run));
  }
  return found;
}

/** Runs that failed and so stand on no side: of the same work, between those that do, or since with the same code. */
export function leftOut(works: ReadonlyMap<string, Run[]>, [before, after]: [Run[], Run[]]): Run[] {
  const shown = new Set([...before, ...after]);
  const work = before[0] && before[0].work === after[0]?.work ? works.get(before[0].work)! : [];
  const [first, last] = [work.findIndex((run) => shown.has(run)), work.findLastIndex((run) => shown.has(run))];
  return work.filter((run, at) => run.failed && !shown.has(run) && at > first && (at < last || !edits(run, after[0]!).length));
}

/** Runs up to that of a row. */
export function upTo(runs: readonly Run[], row: number): Run[] {
  return runs.slice(0, runs.findIndex((run) => run.row === row) + 1);
}

/** How a run compares with those before it. */
export interface Against {
  ratio: number;
  verdict: ReturnType<typeof verdict>;
  /** How many runs it is set against, and what they took. */
  runs: number;
  took: Taken;
  /** Whether they ran the code before an edit: this is the first run since. */
  edited: boolean;
}

/** A run that went through, against those before it that did: with its code, or where it is the first since an edit, with the code
 * before. `runs`: those of its work. */
export function against(trace: Trace, run: Run, runs: readonly Run[]): Against | undefined {
  if (run.failed || !run.ended) return undefined;
  const before = stretches(upTo(runs, run.row).slice(0, -1));
  const latest = before.at(-1);
  if (!latest) return undefined;
  const time = (row: number) => Math.round(trace.duration(row) * 1e6);
  const old = taken(latest.map(({ row }) => time(row)));
  const now = taken([time(run.row)]);
  return { ratio: now.median / old.median, verdict: verdict(old, now), runs: latest.length, took: old, edited: edits(latest.at(-1)!, run).length > 0 };
}

/** The kernel sends so much of a source, and an ellipsis where that is not all. */
const MOST_SOURCE = 20_000;

/** Whether two runs ran the same code; undefined where that is not known. */
export function sameCode(before: Run, after: Run): boolean | undefined {
  if (!before.code || !after.code) return undefined;
  if (edits(before, after).length) return false;
  return [after, ...after.called.values()].some(({ code }) => code.length > MOST_SOURCE && code.endsWith("…")) ? undefined : true;
}

/** What a person calls some runs: [4], or 3 runs, [4] [5] [6]. */
export function named(runs: readonly Run[]): string {
  const [first] = runs;
  if (!first) return "";
  if (first.count === null) return runs.length > 1 ? `${runs.length} × ${plain(first.title, 40)}` : plain(first.title, 40);
  const counts = runs.map(({ count }) => `[${count ?? " "}]`);
  const listed = counts.length > 4 ? `${counts[0]} … ${counts.at(-1)}` : counts.join(" ");
  return runs.length > 1 ? `${runs.length} runs, ${listed}` : listed;
}

/** Whether the runs of one side are those before an edit of the code, and those of the other since. */
export function isEdit([before, after]: readonly [Run[], Run[]]): boolean {
  return before.length > 0 && before[0]!.work === after[0]?.work && edits(before[0]!, after[0]).length > 0 && before.at(-1)!.row < after[0].row;
}
