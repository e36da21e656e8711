// Times by name: analysis/statistics.py, as far as the table shows it.

import { ERROR, type Trace } from "./trace";
import { Wall } from "./wall";
import { round } from "./words";

export interface NameStatistics {
  name: number;
  count: number;
  /** How long they took together. */
  total: number;
  /** For how long one of them or more ran. */
  wall: number;
  self: number;
  p50: number;
  p95: number;
  errors: number;
}

/** Times by name, of the spans that have ended and that `wanted` holds for, the largest total first. Of those that it does
 * not hold for nothing is known: their time is their parent's own. */
export function statistics(trace: Trace, wanted?: (row: number) => boolean): NameStatistics[] {
  const rows = byStart(trace);
  const self = wanted ? selfTimes(trace, rows, wanted) : trace.tree.self;
  const groups = new Map<number, { lengths: number[]; wall: Wall; self: number; errors: number }>();
  for (const row of rows) {
    if (wanted && !wanted(row)) continue;
    const name = trace.name[row]!;
    let group = groups.get(name);
    if (!group) groups.set(name, (group = { lengths: [], wall: new Wall(), self: 0, errors: 0 }));
    if (Number.isNaN(trace.end[row]!)) continue;
    group.lengths.push(trace.duration(row));
    group.wall.add(trace.start[row]!, trace.endOf(row));
    group.self += self[row]!;
    if (trace.status(row) === ERROR) group.errors++;
  }
  const found = [...groups].filter(([, { lengths }]) => lengths.length).map(([name, { lengths, wall, self, errors }]) => {
    const sorted = Float64Array.from(lengths).sort();
    return { name, count: lengths.length, total: wall.sum, wall: wall.total, self, errors, p50: percentile(sorted, 50), p95: percentile(sorted, 95) };
  });
  // To the nanosecond: sums that differ by less are the same.
  return found.sort((a, b) => Math.round(b.total * 1e6) - Math.round(a.total * 1e6));
}

/** Rows by their start: of two names with as much time, the one that came first stands first. */
function byStart(trace: Trace): Uint32Array {
  const { start, count } = trace;
  const rows = Uint32Array.from({ length: count }, (_, row) => row);
  for (let row = 1; row < count; row++) if (start[row]! < start[row - 1]!) return rows.sort((a, b) => start[a]! - start[b]! || a - b);
  return rows;
}

/** Self times among the wanted: what their children that are wanted leave of them. `rows`: by their start. */
function selfTimes(trace: Trace, rows: Uint32Array, wanted: (row: number) => boolean): Float64Array {
  const found = Float64Array.from({ length: trace.count }, (_, row) => trace.duration(row));
  const reached = trace.start.slice(0, trace.count);
  for (const row of rows) {
    const above = trace.parent[row]!;
    if (above < 0 || above === row || above >= trace.count || !wanted(row)) continue;
    const from = Math.max(trace.start[row]!, reached[above]!);
    const to = Math.min(trace.endOf(row), trace.endOf(above));
    if (to <= from) continue;
    found[above] = Math.max(0, found[above]! - (to - from));
    reached[above] = to;
  }
  return found;
}

/** The percentile of ascending times, to the nanosecond. */
function percentile(sorted: Float64Array, percent: number): number {
  const steps = percent * (sorted.length - 1);
  const place = Math.floor(steps / 100);
  const low = Math.round(sorted[place]! * 1e6);
  const high = Math.round(sorted[Math.min(place + 1, sorted.length - 1)]! * 1e6);
  return (low + round((high - low) * ((steps % 100) / 100))) / 1e6;
}
