// Which lines have something to show in a part of the time.

import type { Range } from "./steps";
import { type Lines, OPEN, members } from "./folding";
import type { Trace } from "./trace";

/** The line that is to come to the top, so that something of a part of the time is seen: none, -1, if one of those from `first` up to
 * `last` has something of it. Where that part was `brushed`, what stands open and covers all of it, as a cell does, says nothing
 * about it, and counts if nothing else is there. */
export function lineInRange(trace: Trace, lines: Lines, range: Range, first: number, last: number, brushed: boolean): number {
  for (const inside of brushed ? [begins, runs] : [runs]) {
    for (let line = first; line < last; line++) if (has(trace, lines, line, range, inside)) return -1;
    for (let line = 0; line < lines.count; line++) if (has(trace, lines, line, range, inside)) return line;
  }
  return -1;
}

type Test = (start: number, end: number, range: Range) => boolean;

const runs: Test = (start, end, { from, to }) => start <= to && end >= from;
const begins: Test = (start, end, range) => runs(start, end, range) && (start >= range.from || end <= range.to);

function has(trace: Trace, lines: Lines, line: number, range: Range, inside: Test): boolean {
  const row = lines.row[line]!;
  if (row < 0) return false;
  if (!lines.members[line]) return (lines.state[line] === OPEN ? inside : runs)(trace.since(row), lines.endOf(row), range);
  // Siblings stand by their start: the first begins them all, if they did not wait.
  if (!trace.tasks.size && !runs(trace.start[row]!, lines.until[line]!, range)) return false;
  return members(trace, lines, line).some((each) => runs(trace.since(each), lines.endOf(each), range));
}
