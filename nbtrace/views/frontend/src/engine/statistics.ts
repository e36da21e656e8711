// Times by name: analysis/statistics.py, as far as the table shows it.

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
