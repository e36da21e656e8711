// How long tasks waited before they began: first until their worker process had started, then in the queue, last for results of other
// workers.

import type { Details } from "./details";
import type { Trace } from "./trace";
import { Wall } from "./wall";
import { count, duration, share, value } from "./words";

/** From the submission of a task until its worker had started, if it waited for that, until that fetched what the task needs, and until
 * it began; in ms. */
export interface Waited {
  from: number;
  ready: number;
  fetch: number;
  to: number;
}

/** When a task waited, as far as that lies within its parent; undefined for what did not wait. */
export function waitedOf(trace: Trace, row: number): Waited | undefined {
  const [from, to] = [trace.since(row), trace.start[row]!];
  if (!(from < to)) return undefined;
  const { waited, starting, transfer } = trace.waitOf(row)!;
  const ready = Math.min(to, Math.max(from, to - waited + starting));
  return { from, ready, fetch: Math.max(ready, to - transfer), to };
}

/** The same in words: all of it, also what lies outside of its parent. */
export function waitText(trace: Trace, row: number): string {
  const { waited = 0, starting = 0, transfer = 0 } = trace.waitOf(row) ?? {};
  if (!(waited > 0)) return "";
  const queued = waited - starting - transfer;
  const parts = ([[starting, "until its worker had started"], [queued < waited / 1000 ? 0 : queued, "in the queue"], [transfer, "for results of other workers"]] as const)
    .filter(([ms]) => ms > 0).map(([ms, what]) => `${duration(ms)} ${what}`);
  return (parts.length > 1 ? `${duration(waited)}: ` : "") + parts.join(", ");
}

/** How long a task waited, or the longest of several, if that is worth a word beside how long they ran. */
export function longestWait(trace: Trace, rows: ArrayLike<number>, ran: number): number {
  let longest = 0;
  for (let i = 0; i < rows.length; i++) longest = Math.max(longest, trace.waitOf(rows[i]!)?.waited ?? 0);
  return longest >= ran / 100 ? longest : 0;
}

/** What there is to say of a span's waiting, and of its tasks'; `details`: and where an engine did it, which run it was, how it ended. */
export function waitFacts(trace: Trace, row: number, details?: Details): [what: string, text: string][] {
  const { [TASK + "worker"]: worker, [TASK + "key"]: key, [TASK + "run"]: run, [TASK + "outcome"]: outcome, [TASK + "clock"]: clock } = details?.attributes ?? {};
  const facts: [string, unknown][] = [["waited", waitText(trace, row)], ["tasks", tasksText(trace, row)]];
  if (worker) {
    facts.push(
      ["worker", trace.workers.get(details!.thread[0]) ?? worker], ["key", key], ["run", run && ordinal(Number(run))],
      ["ended", outcome === "lost" ? "lost with its worker" : outcome], ["clock", clock && `${duration(Math.abs(Number(clock)) * 1e3)} ${Number(clock) > 0 ? "behind" : "ahead"}, put right`],
    );
  }
  return facts.filter(([, text]) => text).map(([what, text]) => [what, value(text, 200)]);
}

/** Whether an attribute is told of among the facts. */
export function isTold(key: string): boolean {
  return key.startsWith(TASK);
}

const TASK = "nbtrace.task.";

function ordinal(number: number): string {
  return number + ((number % 100 - (number % 10) !== 10 && ["", "st", "nd", "rd"][number % 10]) || "th");
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
  const part = (what: string, begin: "from" | "fetch", end: "ready" | "to") => {
    const wall = new Wall();
    for (const each of within.sort((a, b) => a[begin] - b[begin])) wall.add(each[begin], each[end]);
    return wall.total > 0 ? `; ${what} for ${duration(wall.total)}, ${share(wall.total / Math.max(trace.duration(row), wall.total))} of its time` : "";
  };
  return `${count(tasks, "task")}${longest > 0 ? `; waited up to ${duration(longest)}` : ""}${part("workers started", "from", "ready")}${part("results were fetched", "fetch", "to")}`;
}
