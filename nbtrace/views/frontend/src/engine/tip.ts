// What is told of a bar or a row beside the pointer: the few facts that are looked for there.

import type { Details } from "./details";
import type { Parts } from "./parts";
import { brief } from "./shapes";
import type { Symbols } from "./symbols";
import { ERROR, type Trace } from "./trace";
import { isTold, waitFacts } from "./waits";
import { count, duration, plain, share } from "./words";

export interface Tip {
  title: string;
  facts: [what: string, text: string][];
  failed?: boolean;
}

const MOST_ATTRIBUTES = 5;

/** Of a span: its time, its own time, its share of its parent, how it ended, its cell, and its first attributes where they are known. */
export function spanTip(trace: Trace, row: number, details?: Details): Tip {
  const parent = trace.tree.parent[row]!;
  const failed = trace.status(row) === ERROR;
  const [length, above] = [trace.duration(row), parent < 0 ? NaN : trace.duration(parent)];
  const state = trace.isRunning(row) ? "running for " : trace.isUnfinished(row) ? "unfinished, seen for " : "";
  const facts: Tip["facts"] = [["duration", state + duration(length)]];
  facts.push(...waitFacts(trace, row, details));
  if (trace.tree.size[row]! > 1) facts.push(["self", duration(trace.tree.self[row]!)]);
  if (above > 0 && trace.start[row]! >= trace.start[parent]! && trace.endOf(row) <= trace.endOf(parent)) facts.push(["share", `${share(length / above)} of ${plain(trace.titleOf(parent), 40)}`]);
  if (failed) facts.push(["status", `✗ ${plain(details?.message || "error", 120)}`]);
  const count = trace.cells.get(trace.cell[row]!)?.[1];
  if (count != null) facts.push(["cell", `[${count}]`]);
  const attributes = Object.entries(details?.attributes ?? {}).filter(([key]) => !isIdentity(key) && !isTold(key));
  for (const [key, each] of attributes.slice(0, MOST_ATTRIBUTES)) facts.push([plain(key, 40), brief(each, 60)]);
  if (attributes.length > MOST_ATTRIBUTES) facts.push(["", `and ${attributes.length - MOST_ATTRIBUTES} more attributes`]);
  return { title: plain(trace.titleOf(row), 120), facts, failed };
}

/** Whether an attribute says where a span is from, as that of every span does, and not what it did. */
export function isIdentity(key: string): boolean {
  return /^(jupyter|code|thread|session)\./.test(key);
}

/** Of a sampled frame: where it is written, how long it was there, and what that time was. `self`: without what it called. */
export function frameTip(symbols: Symbols, name: number, self: number, samples: number, parts: Parts): Tip {
  const where = [symbols.place(name), symbols.library(name)].filter(Boolean).map((each) => plain(each));
  const known = parts.python + parts.native + parts.waiting;
  const part = (ms: number) => `${Math.round((ms / known) * 100)} %`;
  const facts: Tip["facts"] = where.length ? [["where", where.join(" · ")]] : [];
  facts.push(["sampled", `${duration(parts.total)}, ${duration(self)} of its own, ${count(samples, "sample")}`]);
  facts.push(["spent", known > 0 ? `Python ${part(parts.python)} · native ${part(parts.native)} · waiting ${part(parts.waiting)}` : "whether it computed or waited is not known"]);
  return { title: plain(symbols.text(name)), facts };
}

/** The same in a line. */
export function inLine({ title, facts }: Tip): string {
  return [title, ...facts.map(([, text]) => text)].join(" · ");
}
