// How long tasks of pools waited before they began: first until their worker process had started, then in the queue.

import type { Trace } from "./trace";
import { Wall } from "./wall";
import { count, duration, share } from "./words";

/** From the submission of a task until its worker had started, if it waited for that, and until it began; in ms. */
export interface Waited {
  from: number;
  ready: number;
  to: number;
}

/** When a task waited, as far as that lies within its parent; undefined for what did not wait. */
export function waitedOf(trace: Trace, row: number): Waited | undefined {
  const [from, to] = [trace.since(row), trace.start[row]!];
  if (!(from < to)) return undefined;
  const { waited, starting } = trace.waitOf(row)!;
  return { from, ready: Math.min(to, Math.max(from, to - waited + starting)), to };
}

/** The same in words: all of it, also what lies outside of its parent. */
export function waitText(trace: Trace, row: number): string {
  const { waited = 0, starting = 0 } = trace.waitOf(row) ?? {};
  if (!(waited > 0)) return "";
  const queued = waited - starting;
  if (!(starting > 0)) return `${duration(waited)} in the queue`;
  if (queued < waited / 1000) return `${duration(waited)} until its worker had started`;
  return `${duration(waited)}: ${duration(starting)} until its worker had started, ${duration(queued)} in the queue`;
}

/** How long a task waited, or the longest of several, if that is worth a word beside how long they ran. */
export function longestWait(trace: Trace, rows: ArrayLike<number>, ran: number): number {
  let longest = 0;
  for (let i = 0; trace.tasks.size && i < rows.length; i++) longest = Math.max(longest, trace.waitOf(rows[i]!)?.waited ?? 0);
  return longest >= ran / 100 ? longest : 0;
}

/** Of a span that has tasks below it: how many, how long they waited at the most, and how much of its time workers started; "" for others. */
export function tasksText(trace: Trace, row: number): string {
  if (!trace.tasks.size) return "";
  const { place, size } = trace.tree;
  const [start, end] = [trace.start[row]!, trace.endOf(row)];
  const within: Waited[] = [];
  let [tasks, longest] = [0, 0];
  for (const [number, { waited }] of trace.tasks) {
    const at = trace.indexOf(number);
    if (at < 0 || place[at]! <= place[row]! || place[at]! >= place[row]! + size[row]!) continue;
    tasks++;
    longest = Math.max(longest, waited);
    const found = waitedOf(trace, at);
    if (found && found.ready > found.from) within.push(found);
  }
  if (!tasks) return "";
  const wall = new Wall();
  for (const { from, ready } of within.sort((a, b) => a.from - b.from)) if (ready > start && from < end) wall.add(Math.max(from, start), Math.min(ready, end));
  const parts = [count(tasks, "task")];
  if (longest > 0) parts.push(`waited up to ${duration(longest)}`);
  if (wall.total > 0) parts.push(`workers started for ${duration(wall.total)}, ${share(wall.total / Math.max(end - start, 1e-9))} of its time`);
  return parts.join("; ");
}
