// Time as it is shown: stretches in which nothing ran are folded into narrow breaks. Enters: when something ran. Leaves: a map from
// moments to shown time and back, piecewise linear and monotonic. Durations that are said are those of the clock all the same.

import type { Profile } from "./profile";
import type { Range } from "./steps";
import type { Trace } from "./trace";

/** A shorter stretch between cells is the notebook's own work, not a pause. */
const LEAST = 1_000;
/** The least part of the time that a wait inside a trace takes to be folded: a narrower one would gain nothing. */
const LEAST_SHARE = 0.005;
/** How much time in which nothing ran may stay, for what did run. */
const STAYS = 0.1;
const MOST_BREAKS = 300;
/** How much of what is shown one break takes, and all of them. */
const BREAK_SHARE = 0.03;
const BREAKS_SHARE = 0.2;

/** Time in which nothing ran: folded into a break, or opened again. */
export interface Stretch extends Range {
  folded: boolean;
}

/** When something ran, as ranges that may overlap. */
export class Busy {
  readonly #ranges: Range[] = [];
  /** The one that was added last. */
  last: Range = { from: NaN, to: NaN };

  add(from: number, to: number): void {
    const { last } = this;
    if (from >= last.from && from <= last.to) last.to = Math.max(last.to, to);
    else if (Number.isFinite(to - from)) this.#ranges.push((this.last = { from, to: Math.max(from, to) }));
  }

  /** The pauses that matter, ascending: of those that are at least `least` ms long the shortest stay as long as together they are no more than
   * a tenth of the time in which something ran. So a notebook that was run from top to bottom has none. */
  pauses(least: number): Range[] {
    const ranges = this.#ranges.sort((a, b) => a.from - b.from);
    const found: Range[] = [];
    let [busy, reached] = [0, ranges[0]?.from ?? 0];
    for (const { from, to } of ranges) {
      if (from - reached >= least) found.push({ from: reached, to: from });
      busy += Math.max(0, to - Math.max(from, reached));
      reached = Math.max(reached, to);
    }
    found.sort((a, b) => a.to - a.from - (b.to - b.from));
    let stay = 0;
    let first = 0;
    for (let sum = 0; first < found.length; first++) {
      sum += found[first]!.to - found[first]!.from;
      if (sum > STAYS * busy) break;
      stay = first + 1;
    }
    return found.slice(Math.max(stay, found.length - MOST_BREAKS)).sort((a, b) => a.from - b.from);
  }
}

/** The pauses of the trees whose rows are given, in reading order: no span of them ran then, and nothing that was sampled outside cells computed.
 * With `waits` also the time in which nothing ran but spans that have others in them. */
export function pausesOf(trace: Trace, rows: Int32Array, waits: boolean, sampled?: Profile): Range[] {
  const busy = new Busy();
  const { depth, size } = trace.tree;
  let [from, to] = [Infinity, -Infinity];
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    const start = trace.since(row); // a task that waits is shown
    // Children follow their parent, and lie within it: of a hundred thousand spans few are looked at twice.
    if (!waits && start >= busy.last.from && trace.end[row]! <= busy.last.to) continue;
    const end = trace.endOf(row);
    from = Math.min(from, start);
    to = Math.max(to, end);
    if (!waits || size[row] === 1) busy.add(start, end);
    else if (!depth[row]) {
      busy.add(start, start);
      busy.add(end, end);
    }
  }
  for (let at = 0; sampled && at < sampled.count; at++) {
    const wall = sampled.wall[at]!;
    if (sampled.cell[at]! <= 0 && sampled.computed[at]! > wall / 2) busy.add(sampled.time[at]! - wall, sampled.time[at]!);
  }
  return busy.pauses(waits ? (to - from) * LEAST_SHARE : LEAST);
}

/** From one bend of the timeline to the next: shown time is base + (moment - anchor) * slope. */
export interface Piece extends Range {
  readonly anchor: number;
  readonly base: number;
  readonly slope: number;
}

/** Moments in ms to shown time, and back. Before the first break both are the same. */
export class Timeline {
  readonly #pieces: Piece[] = [{ from: -Infinity, to: Infinity, anchor: 0, base: 0, slope: 1 }];
  /** The piece that was asked for last: mostly the next moment lies there too. */
  #near = this.#pieces[0]!;

  /** `stretches`: ascending. `whole`: all of the time that can be shown. */
  constructor(
    readonly stretches: readonly Stretch[] = [],
    whole: Range = { from: 0, to: 0 },
    /** When the last of it ended: what is shown behind that is room. */
    end = whole.to,
  ) {
    const folded = stretches.filter((each) => each.folded);
    const shown = end - whole.from - folded.reduce((sum, { from, to }) => sum + to - from, 0);
    if (folded.length && shown > 0) {
      const wide = Math.min(shown * BREAK_SHARE, (shown * BREAKS_SHARE) / folded.length);
      for (const { from, to } of folded) {
        this.#bend(from, Math.min(1, wide / (to - from)));
        this.#bend(to, 1);
      }
      // Room behind the end is a part of all of the time: of an afternoon it would be minutes.
      if (whole.to > end) this.#bend(end, Math.min(1, (shown * 0.002) / (whole.to - end)));
    }
  }

  #bend(at: number, slope: number): void {
    const base = this.shown(at);
    this.#pieces[this.#pieces.length - 1]!.to = at;
    this.#pieces.push({ from: at, to: Infinity, anchor: at, base, slope });
  }

  shown(moment: number): number {
    const { base, anchor, slope } = this.piece(moment);
    return base + (moment - anchor) * slope;
  }

  moment(shown: number): number {
    const { base, anchor, slope } = last(this.#pieces, "base", shown);
    return anchor + (shown - base) / slope;
  }

  /** The piece in which a moment lies. */
  piece(moment: number): Piece {
    const near = this.#near;
    return moment >= near.from && moment < near.to ? near : (this.#near = last(this.#pieces, "from", moment));
  }

  /** The stretches that lie in a range, if only in part. */
  within({ from, to }: Range): Stretch[] {
    return this.stretches.filter((each) => each.to > from && each.from < to);
  }
}

/** Time as the clock has it. */
export const STRAIGHT = new Timeline();

/** The last piece that begins no later; at least the first. */
function last(pieces: readonly Piece[], side: "base" | "from", value: number): Piece {
  let [low, high] = [0, pieces.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (pieces[middle]![side] <= value) low = middle;
    else high = middle;
  }
  return pieces[low]!;
}
