// What each line of a cell took: its time, and with it CPU and memory. The same as nbtrace/analysis/profiles/lines.py and growth.py,
// for one cell at a time. A line has the time of all that it called, so lines do not add up; it has it once, however often it is on
// a stack, and however many threads and processes run it at once.

import type { Allotted } from "./allotted";
import { Spells, handedOn } from "./processes";
import type { Profile } from "./profile";

/** A line that time passed at. Times in ms, memory in bytes. */
export interface HotLine {
  /** Number of the execution whose code it is. */
  code: number;
  /** As it was typed, from 1. */
  line: number;
  time: number;
  /** Whether the time is that of a statement, and no samples'. */
  exact: boolean;
  /** Of all threads; NaN where it is not known. */
  cpu: number;
  /** By how much memory grew; NaN likewise. */
  memory: number;
  samples: number;
}

/** A step between two looks at memory is some of these bytes. */
const MEMORY_STEP = 16_384;

/** The lines of cells on a stack, from the innermost on, each once. */
export type LinesOf = (node: number) => readonly { code: number; line: number }[];

/** Remembers the lines of each stack, for samples of one execution. */
export function linesOf(profile: Profile, cell: number): LinesOf {
  const known = new Map<number, { code: number; line: number }[]>();
  const of = (node: number): { code: number; line: number }[] => {
    if (node < 0) return [];
    const before = known.get(node);
    if (before) return before;
    // From the outermost on: stacks are deep, and what is above is shared.
    const way: number[] = [];
    let at = node;
    for (; at >= 0 && !known.has(at); at = profile.above[at]!) way.push(at);
    let found = at < 0 ? [] : known.get(at)!;
    for (let k = way.length - 1; k >= 0; k--) {
      const frame = profile.frame[way[k]!]!;
      if (profile.isNotebook(frame)) {
        const code = profile.ran(profile.fileOf[frame]!, cell);
        const line = profile.lineOf[frame]!;
        if (code && !found.some((each) => each.code === code && each.line === line)) found = [{ code, line }, ...found];
      }
      known.set(way[k]!, found);
    }
    return found;
  };
  return of;
}

/** Whether samples of a cell count: what threads did after its end is no time of it. */
export function during(profile: Profile, time: Allotted, at: number): boolean {
  return profile.node[at]! >= 0 && profile.time[at]! - profile.wall[at]! < time.ran.to;
}

interface Group extends HotLine {
  /** What was sampled of its time. */
  spells: Spells;
  clocked: boolean;
  measured: boolean;
  /** The last look at memory that counted. */
  seen: number;
}

/** The lines that took time in a cell: its own in their order, then those of others. */
export function hotLines(profile: Profile, time: Allotted): HotLine[] {
  const { cell, ran, statements } = time;
  const groups = new Map<string, Group>();
  const several = time.rows.some((at) => profile.isElsewhere(at));
  const group = (code: number, line: number): Group => {
    const key = `${code}:${line}`;
    let found = groups.get(key);
    if (!found) {
      found = { code, line, time: 0, exact: false, cpu: 0, memory: 0, samples: 0, spells: new Spells(several), clocked: false, measured: false, seen: -1 };
      groups.set(key, found);
    }
    return found;
  };
  const single = statements.map(({ first, last }) => first === last);
  const own = statements.map(({ first }) => group(cell, first));
  statements.forEach(({ begun, ended }, place) => {
    own[place]!.time += single[place] ? ended - begun : time.left[place]!;
    if (single[place]) own[place]!.exact = true;
  });
  const lines = linesOf(profile, cell);
  const growth = grown(profile, time);
  const guessed = new Set<Group>();
  for (let i = 0; i < time.rows.length; i++) {
    const at = time.rows[i]!;
    if (!during(profile, time, at)) continue;
    // While a statement of one line runs, its own line has all the time, which is known exactly.
    const place = time.statement[i]!;
    const exact = place >= 0 && single[place] ? own[place] : undefined;
    const look = growth.lookOf.get(at) ?? -1;
    for (const each of lines(profile.node[at]!)) {
      const found = group(each.code, each.line);
      found.samples++;
      if (!Number.isNaN(profile.computed[at]!)) {
        found.cpu += profile.computed[at]!;
        found.clocked = true;
      }
      if (look >= 0 && look !== found.seen) {
        found.memory += growth.change[look]!;
        found.measured = true;
        found.seen = look;
      }
      if (found === exact) continue;
      guessed.add(found);
      found.spells.add(profile.processOf(at), profile.time[at]!, time.weight[i]!);
    }
  }
  if (growth.unseen && statements.length) {
    const longest = statements.reduce((best, { begun, ended }, place) => (ended - begun > statements[best]!.ended - statements[best]!.begun ? place : best), 0);
    const last = own[growth.looked ? statements.length - 1 : longest]!;
    last.memory += growth.unseen;
    last.measured = true;
  }
  for (const each of guessed) {
    each.exact = false;
    each.time += each.spells.time;
  }
  const whole = ran.to - ran.from;
  return [...groups.values()]
    .filter((each) => each.time > 0 || each.samples)
    .map(({ code, line, time, exact, cpu, memory, samples, clocked, measured }) => (
      { code, line, time: Math.min(time, whole), exact, cpu: clocked ? cpu : NaN, memory: measured ? memory : NaN, samples }
    ))
    .sort((a, b) => Number(a.code !== cell) - Number(b.code !== cell) || a.code - b.code || a.line - b.line);
}

interface Growth {
  /** By sample, the number of the look that it took. */
  lookOf: Map<number, number>;
  /** By look: how much more memory there was than at the one before. */
  change: number[];
  /** What changed where nobody looked, and is not among the changes. */
  unseen: number;
  /** Whether somebody looked at the cell's own process. */
  looked: boolean;
}

/** The looks at memory in a cell, and what the cell knows of the time between: see growth.py. */
function grown(profile: Profile, time: Allotted): Growth {
  const { ran, cell } = time;
  const lookOf = new Map<number, number>();
  const change: number[] = [];
  const home = profile.homeOf(cell);
  // Each process grows by itself: what a worker has when it is first seen, no line of the notebook took.
  const looks = new Map<number | null, { look: number; last: number; before: number }>();
  let [first, firstLook, firstMemory] = [NaN, 0, NaN];
  for (const at of time.rows) {
    const memory = profile.memory[at]!;
    if (Number.isNaN(memory) || !during(profile, time, at)) continue;
    const moment = profile.time[at]!;
    const process = profile.processOf(at);
    let known = looks.get(process);
    if (!known) {
      looks.set(process, (known = { look: -1, last: NaN, before: memory }));
      if (process === home) [first, firstLook, firstMemory] = [moment, change.length, memory];
    }
    if (moment !== known.last) {
      known.look = change.push(memory - known.before) - 1;
      [known.last, known.before] = [moment, memory];
    }
    lookOf.set(at, known.look);
  }
  // What the cell knows is of its own process.
  const { last, before } = looks.get(home) ?? { last: NaN, before: NaN };
  const resources = profile.resources.get(cell);
  const known = resources && resources[3] !== null && !resources[7];
  let rest = known ? resources[3]! - (last === last ? before - firstMemory : 0) : 0;
  if (Math.abs(rest) <= 2 * MEMORY_STEP) rest = 0;
  if (first - ran.from >= ran.to - last) {
    change[firstLook]! += rest;
    rest = 0;
  }
  return { lookOf, change, unseen: rest, looked: last === last };
}

// ── the hottest line in a few words ───────────────────────────────────────────────────────────────────────────────────────

export interface Hottest {
  code: number;
  line: number;
  /** Of the cell's duration, 0 to 1. */
  share: number;
  /** Whether fewer than ten samples support it. */
  guessed: boolean;
  /** What was called there and took more than half of its time; "" for the line itself, undefined where several were called. */
  called: string | undefined;
}

/** Shows what a cell has for its value: IPython calls it, and nothing that stands on the line does. */
const SHOWN = "DisplayHook.__call__";
/** So many samples support a share that is no guess. */
const FEW = 10;

/** The line of the notebook's at which most of a cell's time passed, not one that only calls a function of another: hottest.py. */
export function hottest(profile: Profile, time: Allotted): Hottest | undefined {
  const { cell, ran, statements } = time;
  const groups = new Map<string, { code: number; line: number; spent: number; support: number; whole: number; called: Map<string, number> }>();
  const group = (code: number, line: number) => {
    const key = `${code}:${line}`;
    let found = groups.get(key);
    if (!found) groups.set(key, (found = { code, line, spent: 0, support: 0, whole: 0, called: new Map() }));
    return found;
  };
  statements.forEach(({ first, last, begun, ended }, place) => {
    const found = group(cell, first);
    found.spent += time.left[place]!;
    if (first === last) found.whole += ended - begun;
  });
  const lines = linesOf(profile, cell);
  const calls = new Map<number, string>();
  // Not one that waits for a line that other processes run.
  const weight = handedOn(profile, time, (node) => innermostLine(profile, node) >= 0);
  for (let i = 0; i < time.rows.length; i++) {
    if (!time.own[i] && !profile.isElsewhere(time.rows[i]!)) continue;
    const node = profile.node[time.rows[i]!]!;
    const innermost = innermostLine(profile, node);
    const here = innermost < 0 ? undefined : lines(innermost)[0];
    if (!here) continue;
    const line = profile.lineOf[profile.frame[innermost]!]!;
    const code = profile.ran(profile.fileOf[profile.frame[innermost]!]!, cell);
    const found = group(code, line);
    found.spent += weight[i]!;
    found.support++;
    let called = calls.get(node);
    if (called === undefined) calls.set(node, (called = calledBelow(profile, node, innermost)));
    if (called && !called.endsWith(SHOWN)) found.called.set(called, (found.called.get(called) ?? 0) + weight[i]!);
  }
  let best: ReturnType<typeof group> | undefined;
  const sorted = [...groups.values()].sort((a, b) => a.code - b.code || a.line - b.line);
  for (const each of sorted) if (!best || each.spent > best.spent) best = each;
  const whole = ran.to - ran.from;
  if (!best || !(whole > 0) || best.line <= 0) return undefined;
  let called: string | undefined = best.called.size ? undefined : "";
  for (const [name, spent] of best.called) if (spent > best.spent / 2) called = name;
  const guessed = best.support > 0 && best.support < FEW && (best.whole === 0 || best.spent < 0.999 * best.whole);
  return { code: best.code, line: best.line, share: Math.min(1, best.spent / whole), guessed, called };
}

/** The innermost node of the notebook's at or above a node; -1 for none. */
export function innermostLine(profile: Profile, node: number): number {
  let at = node;
  while (at >= 0 && !profile.isNotebook(profile.frame[at]!)) at = profile.above[at]!;
  return at;
}

/** The function that a line of the notebook's called on the way to a node; "" for none. */
function calledBelow(profile: Profile, node: number, line: number): string {
  let found = "";
  for (let at = node; at !== line; at = profile.above[at]!) found = profile.functionName(profile.frame[at]!);
  return found;
}

const SHORT = 40;
const NO_CALL = /^(?:(?:import|from|def|class|async def)\b|[%!@])/;
const CALL = /(?<![\w.])([A-Za-z_][\w.]{0,80})\s?\(/g;
const KEYWORDS = new Set(
  "False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield".split(" "),
);

/** What a line calls, as it says it there: df.merge for DataFrame.merge. Where it does not say it, the function's own name, or, of what
 * a decorator has put around it, the call that the line names alone; where no function is known that took most of its time, a call
 * that it names alone, or its beginning. */
export function named(source: string, called: string | undefined): string {
  const line = source.trim();
  if (NO_CALL.test(line)) return shortened(line);
  const name = (called ?? "").replaceAll(".<locals>", "");
  const parts = name.slice(name.lastIndexOf(".") + 1).startsWith("<") ? [] : name.split(".");
  const last = (parts.length > 1 && parts[parts.length - 1] === "__init__" ? parts[parts.length - 2] : parts[parts.length - 1]) ?? "";
  const calls = [...line.slice(0, 2_000).matchAll(CALL)].map((call) => call[1]!).filter((call) => !KEYWORDS.has(call));
  const alone = calls.length === 1 ? calls[0]! : "";
  if (last) {
    const escaped = last.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const said = new RegExp(`(?<![\\w.])(?:\\w{1,80}\\.){0,8}${escaped}(?=\\s?\\()`, "u").exec(line.slice(0, 2_000));
    return shortened(said?.[0] ?? ((called!.includes(".<locals>") && alone) || parts.join(".")));
  }
  return shortened(alone || line);
}

function shortened(text: string): string {
  const words = text.slice(0, 4 * SHORT).split(/\s+/).filter(Boolean).join(" ");
  return words.length <= SHORT ? words : words.slice(0, SHORT - 1) + "…";
}
