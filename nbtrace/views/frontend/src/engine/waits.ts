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
  const start = starting > 0 ? `${duration(starting)} until its worker had started` : "";
  const queue = queued >= waited / 1000 ? `${duration(queued)} in the queue` : "";
  return start && queue ? `${duration(waited)}: ${start}, ${queue}` : start + queue;
}

/** How long a task waited, or the longest of several, if that is worth a word beside how long they ran. */
export function longestWait(trace: Trace, rows: ArrayLike<number>, ran: number): number {
  let longest = 0;
  for (let i = 0; i < rows.length; i++) longest = Math.max(longest, trace.waitOf(rows[i]!)?.waited ?? 0);
  return longest >= ran / 100 ? longest : 0;
}

/** What there is to say of a span's waiting, and of its tasks'. */
export function waitFacts(trace: Trace, row: number): [what: string, text: string][] {
  const facts: [string, string][] = [["waited", waitText(trace, row)], ["tasks", tasksText(trace, row)]];
  return facts.filter(([, text]) => text);
}

/** Of a span that has tasks below it: how many, how long they waited at the most, and how much of its time workers started; "" for others. */
export function tasksText(trace: Trace, row: number): string {
  const { place, size } = trace.tree;
  const within: Waited[] = [];
  let [tasks, longest] = [0, 0];
  for (const [number, { waited }] of trace.tasks) {
    const at = trace.indexOf(number);
    if (at < 0 || place[at]! <= place[row]! || place[at]! >= place[row]! + size[row]!) continue;
    tasks++;
    longest = Math.max(longest, waited);
    const found = waitedOf(trace, at);
    if (found) within.push(found);
  }
  if (!tasks) return "";
  const wall = new Wall();
  for (const { from, ready } of within.sort((a, b) => a.from - b.from)) wall.add(from, ready);
  const started = wall.total > 0 ? `; workers started for ${duration(wall.total)}, ${share(wall.total / Math.max(trace.duration(row), wall.total))} of its time` : "";
  return `${count(tasks, "task")}${longest > 0 ? `; waited up to ${duration(longest)}` : ""}${started}`;
}
