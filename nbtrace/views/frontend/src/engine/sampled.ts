// Sampled frames below the spans in which they ran, merged by their paths; and around a frame, who called it and what it calls.

import type { Allotted } from "./allotted";
import { type Merged, node } from "./merge";
import type { Profile } from "./profile";
import { MAX_DEPTH, type Stacks } from "./stacks";
import { FIRST_SYMBOL, type Symbols } from "./symbols";
import { type Parts, Sums } from "./parts";
import { threadName } from "./threads";
import type { Trace } from "./trace";

export const OUTSIDE = "outside cells";

/** Of the whole; what is smaller is part of what called it, but no box of its own. */
const SMALLEST = 1 / 10_000;
const MAX_STEPS = 1_000;

/** What samples stand for, and whose they are. */
export interface Placed {
  /** By sample, in ms. */
  weight: Float64Array;
  /** By sample: index of the span in which it was taken, that of its cell where no other is known; -1 for none. */
  owner: Int32Array;
  /** By sample: whether it only belongs to its cell, by another thread than the cell's. */
  aside: Uint8Array;
}

/** Place all samples. `spans`: those of the cells themselves; `allotted` tells the time of a cell. */
export function place(profile: Profile, trace: Trace, spans: ReadonlyMap<number, number>, allotted: (cell: number) => Allotted): Placed {
  const n = profile.count;
  const placed = { weight: profile.wall.slice(0, n), owner: new Int32Array(n), aside: new Uint8Array(n) };
  let before = -1;
  let index = -1;
  for (let row = 0; row < n; row++) {
    const span = profile.span[row]!;
    if (span !== before) index = trace.indexOf((before = span));
    placed.owner[row] = index;
  }
  for (const cell of profile.cells) {
    const rows = profile.rowsOf(cell);
    if (cell <= 0 || !rows.length) continue;
    const { own, weight } = allotted(cell);
    const whole = spans.get(cell) ?? -1;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      placed.weight[row] = weight[i]!;
      if (placed.owner[row]! < 0) placed.owner[row] = whole;
      if (!own[i] && whole >= 0 && placed.owner[row] === whole) placed.aside[row] = 1;
    }
  }
  return placed;
}

/** What there is to place below spans. */
export interface Sampled {
  trace: Trace;
  profile: Profile;
  symbols: Symbols;
  stacks: Stacks;
  placed: Placed;
}

/** Put the frames of samples below the spans in which they were taken: `at` is where each span has been merged. A span's own time is
 * then what they leave of it. `outside`: whether those of no span are shown too, in a top of their own. */
export function addFrames(top: Merged, at: readonly (Merged | undefined)[], sampled: Sampled, outside: boolean): void {
  const { trace, profile, symbols, placed, stacks } = sampled;
  const groups: Merged[] = [];
  const numbers = new Map<Merged, number>();
  const number = (merged: Merged): number => {
    let found = numbers.get(merged);
    if (found === undefined) numbers.set(merged, (found = groups.push(merged) - 1));
    return found;
  };
  const ofRow = new Int32Array(trace.count + 1).fill(-2);
  const ofThread = new Map<string, number>();
  const group = new Int32Array(profile.count);
  for (let row = 0; row < profile.count; row++) {
    const owner = placed.owner[row]!;
    let found = ofRow[owner + 1]!;
    if (found === -2) {
      const merged = owner >= 0 ? at[owner] : outside ? below(top, symbols.word(OUTSIDE)) : undefined;
      ofRow[owner + 1] = found = merged ? number(merged) : -1;
    }
    if (found >= 0 && placed.aside[row]) {
      const key = `${found}:${profile.thread[row]}`;
      let beside = ofThread.get(key);
      if (beside === undefined) ofThread.set(key, (beside = number(below(groups[found]!, symbols.word(threadName(profile, profile.thread[row]!, "thread "))))));
      found = beside;
    }
    group[row] = found;
  }
  const order = sorted(profile.count, group, groups.length, stacks);
  const sums = new Sums(profile, order, placed.weight);
  const least = Math.max(top.total, sums.totalOf(0, order.length)) * SMALLEST;
  runs(order, (row) => group[row]!, (from, to) => {
    const here = groups[group[order[from]!]!]!;
    hang(here, order, from, to, stacks, sums, least);
    // What is no span has the time of its samples; it takes none of the span's own.
    if (here.row < 0) {
      here.parts = sums.of(from, to);
      here.total = here.parts.total;
      here.count = to - from;
      if (top.children.get(here.name) === here) top.total += here.total;
    } else here.self = Math.max(0, here.self - sums.totalOf(from, to));
  });
}

function below(above: Merged, name: number): Merged {
  let found = above.children.get(name);
  if (!found) above.children.set(name, (found = node(name)));
  return found;
}

/** Samples by their stack in reading order, before that by their group if that is wanted; those of no group are left out. */
function sorted(count: number, group: Int32Array, groups: number, stacks: Stacks, grouped = true): Int32Array {
  const rank = stacks.ranks();
  const byStack = counted(stacks.count, Int32Array.from({ length: count }, (_, row) => (group[row]! < 0 ? -1 : rank[stacks.of[row]!]!)));
  if (!grouped) return byStack;
  return counted(groups, byStack.map((row) => group[row]!)).map((place) => byStack[place]!);
}

/** Places of keys from 0 up to `most`, sorted by counting: those of the same key stay in their order, those of a negative one are
 * left out. */
function counted(most: number, keys: Int32Array): Int32Array {
  const next = new Int32Array(most + 1);
  for (const key of keys) if (key >= 0) next[key + 1]!++;
  for (let key = 1; key <= most; key++) next[key]! += next[key - 1]!;
  const found = new Int32Array(next[most]!);
  for (let place = 0; place < keys.length; place++) if (keys[place]! >= 0) found[next[keys[place]!]!++] = place;
  return found;
}

/** Hang samples, sorted by their stacks, below a node: each frame when all of its own are known. */
function hang(top: Merged, order: Int32Array, from: number, to: number, stacks: Stacks, sums: Sums, least: number): void {
  const { above, depth, symbol, of } = stacks;
  // The frames that are open, outermost first: where each begins, its own time, what it called. Most are too small to be kept.
  const nodes = new Int32Array(MAX_DEPTH);
  const begun = new Int32Array(MAX_DEPTH);
  const self = new Float64Array(MAX_DEPTH);
  const children: (Map<number, Merged> | undefined)[] = [];
  let open = 0;
  const close = (level: number, end: number) => {
    while (open > level) {
      const total = sums.totalOf(begun[--open]!, end);
      if (total < least) continue;
      const parts = sums.of(begun[open]!, end);
      const made: Merged = { name: symbol[nodes[open]!]!, total, self: self[open]!, count: end - begun[open]!, errors: 0, row: -1, children: children[open] ?? new Map(), parts };
      (open ? (children[open - 1] ??= new Map()) : top.children).set(made.name, made);
    }
  };
  let before = -1;
  for (let i = from; i < to; i++) {
    const stack = of[order[i]!]!;
    if (stack !== before) {
      const common = i > from ? stacks.common(stack, before) : 0;
      close(common, i);
      open = depth[stack]! + 1;
      for (let at = stack, level = open - 1; level >= common; level--, at = above[at]!) {
        nodes[level] = at;
        begun[level] = i;
        self[level] = 0;
        children[level] = undefined;
      }
      before = stack;
    }
    self[open - 1]! += sums.totalOf(i, i + 1);
  }
  close(0, to);
}

/** What called a frame (further frames, then spans), and what it called; recursion counts once. `has`: which spans count. */
export function aroundFrame(sampled: Sampled, symbol: number, has?: (row: number) => boolean): { callers: Merged; callees: Merged } {
  const { trace, profile, symbols, stacks, placed } = sampled;
  // By node: the outermost of its path that is this frame, -1 if there is none.
  const outer = new Int32Array(stacks.count);
  for (let each = 0; each < stacks.count; each++) {
    const above = stacks.above[each]!;
    outer[each] = above >= 0 && outer[above]! >= 0 ? outer[above]! : stacks.symbol[each] === symbol ? each : -1;
  }
  const path = paths(trace);
  const groups = new Map<string, number>();
  const group = new Int32Array(profile.count).fill(-1);
  let [before, spans, beside] = [-1, -2, -2];
  for (let row = 0; row < profile.count; row++) {
    const owner = placed.owner[row]!;
    if (outer[stacks.of[row]!]! < 0 || (has && (owner < 0 || !has(owner)))) continue;
    const [under, thread] = [owner < 0 ? -1 : path[owner]!, placed.aside[row] ? profile.thread[row]! : -1];
    if (under !== spans || thread !== beside) {
      const key = `${(spans = under)}:${(beside = thread)}`;
      before = groups.get(key) ?? groups.size;
      groups.set(key, before);
    }
    group[row] = before;
  }
  const byStack = sorted(profile.count, group, groups.size, stacks, false);
  const sums = new Sums(profile, byStack, placed.weight);
  const [callers, callees] = [node(-1), node(-1)];
  callers.total = callees.total = sums.totalOf(0, byStack.length);
  runs(byStack, (row) => stacks.of[row]!, (from, to) => {
    const stack = stacks.of[byStack[from]!]!;
    const parts = sums.of(from, to);
    const called: number[] = [];
    for (let at = stack; ; at = stacks.above[at]!) {
      called.push(stacks.symbol[at]!);
      if (at === outer[stack]) break;
    }
    let here = callees;
    for (let i = called.length - 1; i >= 0; i--) here = pass(here, called[i]!, parts, to - from, i ? 0 : parts.total);
  });
  // All below an outermost one stand together already: in each such run the spans are sorted.
  runs(byStack, (row) => outer[stacks.of[row]!]!, (first, last) => {
    let above = callers;
    const parts = sums.of(first, last);
    for (let at = stacks.above[outer[stacks.of[byStack[first]!]!]!]!; at >= 0; at = stacks.above[at]!) above = pass(above, stacks.symbol[at]!, parts, last - first, 0);
    const rows = byStack.slice(first, last).sort((a, b) => group[a]! - group[b]!);
    const within = new Sums(profile, rows, placed.weight);
    runs(rows, (row) => group[row]!, (from, to) => {
      const row = rows[from]!;
      const some = within.of(from, to);
      let here = above;
      if (placed.aside[row]) here = pass(here, symbols.word(threadName(profile, profile.thread[row]!, "thread ")), some, to - from, 0);
      let owner = placed.owner[row]!;
      if (owner < 0) pass(here, symbols.word(OUTSIDE), some, to - from, 0);
      for (let step = 0; owner >= 0 && step < MAX_STEPS; step++) {
        here = pass(here, trace.name[owner]!, some, to - from, 0);
        if (here.row < 0) here.row = owner;
        owner = trace.tree.parent[owner]!;
      }
    });
  });
  return { callers, callees };
}

/** By span: a number of its path of names, from the root on. */
function paths(trace: Trace): Int32Array {
  const { order, parent } = trace.tree;
  const found = new Int32Array(trace.count);
  const known = new Map<number, number>();
  for (let place = 0; place < trace.count; place++) {
    const row = order[place]!;
    const key = (parent[row]! < 0 ? 0 : found[parent[row]!]! + 1) * FIRST_SYMBOL + trace.name[row]!;
    found[row] = known.get(key) ?? known.size;
    known.set(key, found[row]!);
  }
  return found;
}

/** Tell of each run of rows with the same key. */
function runs(rows: Int32Array, key: (row: number) => number, tell: (from: number, to: number) => void): void {
  for (let from = 0, to = 0; from < rows.length; from = to) {
    const here = key(rows[from]!);
    for (to = from + 1; to < rows.length && key(rows[to]!) === here; ) to++;
    tell(from, to);
  }
}

/** Go on to a child, and count there. */
function pass(above: Merged, name: number, parts: Parts, count: number, self: number): Merged {
  const here = below(above, name);
  here.total += parts.total;
  here.self += self;
  here.count += count;
  if (here.parts) add(here.parts, parts);
  else here.parts = { ...parts };
  return here;
}

function add(to: Parts, parts: Parts): void {
  to.total += parts.total;
  to.python += parts.python;
  to.native += parts.native;
  to.waiting += parts.waiting;
}
