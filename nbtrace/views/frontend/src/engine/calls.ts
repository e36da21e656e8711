// The code of other cells that runs call: an edit of a function changes what its callers do, whose own code stays as it is.

import { type Run, works } from "./runs";

/** The runs, each with what it called of the work that was edited. `inside`: the executions whose code is on the stacks of one.
 * Samples miss a short function, so all runs of the same code call what is seen in any, as it was when they began. */
export function calling(runs: Run[], inside: (cell: number) => Iterable<number>): Run[] {
  const known = works(runs);
  const edited = new Map<number, Run>();
  for (const all of known.values()) if (all.some(({ code }) => code !== all[0]!.code)) for (const run of all) edited.set(run.cell, run);
  if (!edited.size) return runs;
  const calls = new Map<string, Set<string>>();
  const found = runs.map((run) => ({ ...run, called: new Map<string, Run>() }));
  // Ascending, so that of a cell whose old code ran beside its new the new counts.
  for (const { cell, code, work, called } of found) if (code) for (const number of [...inside(cell)].sort((a, b) => a - b)) {
    const other = edited.get(number);
    if (!other || other.work === work) continue;
    called.set(other.work, other);
    calls.set(code, (calls.get(code) ?? new Set()).add(other.work));
  }
  for (const { cell, code, work, called } of found) for (const other of calls.get(code) ?? []) {
    const then = other === work || called.has(other) ? undefined : asOf(known.get(other)!, cell);
    if (then) called.set(other, then);
  }
  return found;
}

/** The last run that went through before an execution began: one that failed may have defined nothing. */
function asOf(runs: readonly Run[], cell: number): Run | undefined {
  return runs.findLast((run) => run.cell < cell && !run.failed);
}

/** What was edited between two runs of one cell, and is not known to run in it. */
export function uncertain(known: ReadonlyMap<string, Run[]>, before: Run, after: Run): Run[] {
  return [...known].flatMap(([work, runs]) => {
    const [old, now] = [asOf(runs, before.cell), asOf(runs, after.cell)];
    return old && now && old.code !== now.code && work !== before.work && !after.called.has(work) ? [now] : [];
  });
}
