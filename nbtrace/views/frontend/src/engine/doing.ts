// What a cell that runs is doing, in words; the same as nbtrace/views/doing.py.

import type { DoingInfo } from "../protocol";
import { duration, plain } from "./words";

/** How long a line is stayed on, in ms, before that is worth telling beside how long its statement has run. */
const LONG = 1_000;

/** A line of text at a moment: line 3 df.merge(…) · 2.10 s · hottest: merge_asof (pandas) 62 %. Times in ms. */
export function said(told: DoingInfo, now: number): string {
  return parts(told, now).join(" · ");
}

/** Where a cell is, and what else is to be said of it. */
export function parts([, line, code, first, last, begun, since, silent, runs, hottest]: DoingInfo, now: number): [string, string] {
  const until = Math.max(now, begun, since); // the clock may have been set back
  let time = duration(until - begun);
  if (line !== first || first !== last) {
    time += first === last ? ` in line ${first}` : ` in lines ${first}–${last}`;
    if (until - since >= LONG && since > begun) time = `${duration(until - since)} of ${time}`;
  }
  const rest = [
    time,
    runs && (silent || !hottest) ? `in ${plain(runs)}` : "",
    hottest ? `hottest: ${plain(hottest)}` : "",
    silent ? `last seen ${duration(Math.max(0, now - silent))} ago` : "",
  ];
  return [plain(`line ${line} ${code}`).trimEnd(), rest.filter(Boolean).join(" · ")];
}
