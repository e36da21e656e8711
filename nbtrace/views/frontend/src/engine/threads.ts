// Samples in the order of time: for each thread its stacks as boxes, in lanes by their depth. Neighbouring samples that share the
// upper part of their stack are one box there.

import type { Profile } from "./profile";
import { type Mode, Sums } from "./parts";
import type { Stacks } from "./stacks";
import { plain } from "./words";

/** A gap of so many steps of sampling lies between boxes: nothing is known of the thread then. */
const GAP = 2;
/** Boxes of a thread; lanes that would bring more are left out. */
const MAX_BOXES = 4_000_000;

/** The stacks of one thread over time. */
export class SampledThread {
  readonly sums: Sums;
  /** Of each sample: when it begins and ends, in ms. */
  readonly from: Float64Array;
  readonly to: Float64Array;
  /** Lanes: boxes offset[depth] up to offset[depth + 1]. */
  readonly offset: Int32Array;
  /** By box: places of its first and last sample, and its stack. */
  readonly first: Int32Array;
  readonly last: Int32Array;
  readonly stack: Int32Array;

  constructor(
    readonly title: string,
    profile: Profile,
    private readonly stacks: Stacks,
    /** In the order of time. */
    readonly rows: readonly number[],
  ) {
    const n = rows.length;
    this.sums = new Sums(profile, rows);
    this.from = new Float64Array(n);
    this.to = new Float64Array(n);
    const step = middle(rows, profile.wall);
    const shared = new Uint16Array(n);
    const more: number[] = [0];
    for (let i = 0; i < n; i++) {
      const row = rows[i]!;
      const before = i ? this.to[i - 1]! : -Infinity;
      const begun = profile.time[row]! - profile.wall[row]!;
      this.from[i] = Math.max(begun, before);
      this.to[i] = Math.max(profile.time[row]!, before);
      const stack = stacks.of[row]!;
      const common = i && begun - before <= GAP * step ? stacks.common(stack, stacks.of[rows[i - 1]!]!) : 0;
      shared[i] = common;
      const depth = stacks.depth[stack]!;
      while (more.length <= depth + 1) more.push(0);
      more[common]!++;
      more[depth + 1]!--;
    }
    const offsets = [0];
    for (let depth = 0, many = 0; depth < more.length - 1; depth++) {
      many += more[depth]!;
      if (offsets[depth]! + many > MAX_BOXES) break;
      offsets.push(offsets[depth]! + many);
    }
    this.offset = Int32Array.from(offsets);
    const all = offsets[offsets.length - 1]!;
    [this.first, this.last, this.stack] = [new Int32Array(all), new Int32Array(all), new Int32Array(all)];
    this.#fill(shared);
  }

  #fill(shared: Uint16Array): void {
    const { stacks, rows, first, last, stack } = this;
    const lanes = this.depth;
    const next = this.offset.slice();
    let before = 0;
    for (let i = 0; i < rows.length; i++) {
      const common = shared[i]!;
      let node = stacks.of[rows[i]!]!;
      const levels = stacks.depth[node]! + 1;
      for (let depth = common; depth < before && depth < lanes; depth++) last[next[depth]! - 1] = i - 1;
      for (let depth = levels - 1; depth >= common; depth--) {
        if (depth < lanes) {
          const box = next[depth]!++;
          first[box] = i;
          stack[box] = node;
        }
        node = stacks.above[node]!;
      }
      before = levels;
    }
    for (let depth = 0; depth < before && depth < lanes; depth++) last[next[depth]! - 1] = rows.length - 1;
  }

  /** Whether any of it lies in a range of time. */
  overlaps({ from, to }: { from: number; to: number }): boolean {
    return this.rows.length > 0 && this.from[0]! < to && this.to[this.rows.length - 1]! > from;
  }

  /** How many lanes it has. */
  get depth(): number {
    return this.offset.length - 1;
  }

  start(box: number): number {
    return this.from[this.first[box]!]!;
  }

  end(box: number): number {
    return this.to[this.last[box]!]!;
  }

  symbol(box: number): number {
    return this.stacks.symbol[this.stack[box]!]!;
  }

  mode(box: number): Mode {
    return this.sums.mode(this.first[box]!, this.last[box]! + 1);
  }

  /** The first box of a lane that ends after a moment; at least `low`. */
  after(depth: number, moment: number, low = this.offset[depth]!): number {
    let high = this.offset[depth + 1]!;
    while (low < high) {
      const half = (low + high) >> 1;
      if (this.end(half) <= moment) low = half + 1;
      else high = half;
    }
    return low;
  }

  /** The box at a moment of a lane, -1 if there is none within `slack` ms. */
  at(depth: number, moment: number, slack: number): number {
    if (depth < 0 || depth >= this.depth) return -1;
    const box = this.after(depth, moment - slack);
    return box < this.offset[depth + 1]! && this.start(box) <= moment + slack ? box : -1;
  }

  /** How long of a box nothing was called from it that was sampled. */
  own(box: number): number {
    const node = this.stack[box]!;
    let own = 0;
    for (let i = this.first[box]!; i <= this.last[box]!; i++) if (this.stacks.of[this.rows[i]!] === node) own += this.sums.totalOf(i, i + 1);
    return own;
  }

  /** The longest box of a symbol, and its lane; -1 if it has none. */
  longest(symbol: number): { box: number; depth: number } {
    let found = { box: -1, depth: -1 };
    for (let depth = 0; depth < this.depth; depth++) {
      for (let box = this.offset[depth]!; box < this.offset[depth + 1]!; box++) {
        if (this.symbol(box) !== symbol) continue;
        if (found.box < 0 || this.end(box) - this.start(box) > this.end(found.box) - this.start(found.box)) found = { box, depth };
      }
    }
    return found;
  }
}

/** The threads of some samples, those that run cells first, then as they came. */
export function threadsOf(profile: Profile, stacks: Stacks, kept?: (row: number) => boolean): SampledThread[] {
  const rows = new Map<number, number[]>();
  const cells = new Set<number>();
  for (let row = 0; row < profile.count; row++) {
    if (kept && !kept(row)) continue;
    const thread = profile.thread[row]!;
    const known = rows.get(thread);
    if (known) known.push(row);
    else rows.set(thread, [row]);
    if (!cells.has(thread) && profile.isOwn(row)) cells.add(thread);
  }
  const order = [...rows.keys()].sort((a, b) => Number(cells.has(b)) - Number(cells.has(a)));
  return order.map((thread) => new SampledThread(threadName(profile, thread), profile, stacks, rows.get(thread)!));
}

/** What Dask calls the threads of a worker, up to their numbers. */
const OF_POOL = /^.*-Threads-\d+-/;

/** What a thread is called: by its name, in another process than the first cell's by that too, whose threads may all be called the same.
 * `what`: what stands before a name. */
export function threadName(profile: Profile, thread: number, what = ""): string {
  const [id, name, process] = profile.threads[thread] ?? [null, null, null];
  const text = plain(name || (id === null ? "?" : String(id)), 80);
  if (process === profile.homeOf(0)) return what + text;
  return profile.processName(process) + (name === "MainThread" ? "" : ` thread ${text.replace(OF_POOL, "")}`);
}

/** The middle one of some values, told by a thousand of them. */
function middle(rows: readonly number[], values: Float64Array): number {
  const every = Math.max(1, Math.floor(rows.length / 1_000));
  const some = Float64Array.from({ length: Math.ceil(rows.length / every) }, (_, i) => values[rows[i * every]!]!).sort();
  return some[some.length >> 1] ?? 0;
}
