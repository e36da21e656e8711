// Where an exception passed and was raised: read from the text of its stack trace, as Python and IPython write it.

import { ERROR, type Trace } from "./trace";

/** A place that a stack trace names. */
export interface Place {
  /** Where its words stand in the text. */
  from: number;
  to: number;
  /** Execution count of the cell; undefined for a file. */
  count?: number;
  file?: string;
  line: number;
}

/** `Cell In[3], line 2`; IPython 7 says `<ipython-input-3-4f2a>` in place of a file. */
const PLACE = /(?:Cell In\[(\d+)\](?: in [^,\n]{0,200})?|File "<ipython-input-(\d+)-[^"\n]*"|File "([^"\n]*)"), line (\d+)/g;

/** What runs the code of %%time, whose lines count from the one below the magic. */
const TIMED = "<timed exec>";

/** The places that a stack trace names, in its order. `count` and `source`: of the cell that failed, whose magic %%time may have run its code. */
export function places(stack: string, count?: number | null, source: readonly string[] = []): Place[] {
  return [...stack.matchAll(PLACE)].map((found) => {
    const [words, cell, old, file, line] = found;
    const at = { from: found.index, to: found.index + words.length };
    if (cell ?? old) return { ...at, count: Number(cell ?? old), line: Number(line) };
    if (file === TIMED && count != null) return { ...at, count, line: Number(line) + timedBody(source) };
    return { ...at, file: file!, line: Number(line) };
  });
}

/** How many lines stand above the code that %%time runs: of blank ones at its top IPython knows nothing. */
function timedBody(source: readonly string[]): number {
  const at = source.findIndex((line) => line.startsWith("%%time"));
  const blank = source.slice(at + 1).findIndex((line) => line.trim());
  return at + 1 + Math.max(0, blank);
}

/** Where a cell failed: its own lines on the way there, and where it was raised. */
export interface Failure {
  own: number[];
  /** The last line of a cell; undefined where none is known. */
  raised: { count: number; line: number } | undefined;
  /** The file in which it was raised, where that was no cell. */
  file: { name: string; line: number } | undefined;
}

/** What a stack trace says of the cell with this execution count. */
export function failureOf(stack: string, count: number | null | undefined, source?: readonly string[]): Failure {
  const all = places(stack, count, source);
  const cells = all.filter((each) => each.count !== undefined);
  const [last, raised] = [all[all.length - 1], cells[cells.length - 1]];
  return {
    own: cells.flatMap((each) => (each.count === count ? [each.line] : [])),
    raised: raised && { count: raised.count!, line: raised.line },
    file: last?.file === undefined ? undefined : { name: last.file.split(/[\\/]/).pop()!, line: last.line },
  };
}

/** The span that has the exception with which a span failed: an exception is noted once, by the innermost that it left. */
export function raisedAt(trace: Trace, row: number): number {
  let at = row;
  while (!trace.errors[at]) {
    const below = trace.tree.of(at).findLast((child) => trace.status(child) === ERROR);
    if (below === undefined) return row;
    at = below;
  }
  return at;
}

/** The execution that a stack trace of an execution means by a count: the last of those up to it, as a kernel counts anew from 1; 0 for none. */
export function executionOf(trace: Trace, count: number, of: number): number {
  let found = 0;
  for (const [number, [, each]] of trace.cells) if (each === count && number > found && number <= of) found = number;
  return found;
}
