// Which trees are looked at, and what follows from that.

import { criticalPath } from "../engine/criticalpath";
import type { Trace } from "../engine/trace";
import type { Range } from "../pictures/canvas";
import type { Once } from "./once";

export const ALL = -1;
export const LATEST = -2;

const SLOW_SHARE = 0.01;

export class Scope {
  /** Root of the tree that a person has chosen, or `ALL`, or `LATEST`. */
  chosen = LATEST;

  constructor(
    private readonly trace: Trace,
    private readonly once: Once,
  ) {}

  /** Follow the rows that have moved. */
  follow(to: (index: number) => number): void {
    if (this.chosen >= 0) this.chosen = to(this.chosen) < 0 ? LATEST : to(this.chosen);
  }

  begin(): void {
    if (this.chosen >= 0) this.chosen = LATEST;
  }

  /** Roots of the trees that are looked at; undefined for all. */
  get roots(): ReadonlySet<number> | undefined {
    const root = this.root;
    return root < 0 ? undefined : this.once.get("roots", `${root}`, () => new Set([root]));
  }

  /** The root that is looked at, -1 for all. */
  get root(): number {
    if (this.chosen >= ALL) return this.chosen;
    return this.once.get("root", `${this.trace.version}`, () => {
      const { roots } = this.trace.tree;
      // What meets conditions is a list, not a tree: the latest of it alone would say nothing.
      if (roots.length < 2 || this.trace.narrowed) return ALL;
      let busy = 0;
      let latest = roots[roots.length - 1]!;
      for (const row of roots) busy += this.trace.duration(row);
      const whole = this.trace.now - this.trace.start[roots[0]!]!;
      // Cells of milliseconds spread over an afternoon would be hairlines: then the latest that did something is shown.
      for (let i = roots.length - 1; i >= 0; i--) {
        if (this.trace.tree.size[roots[i]!]! > 1) {
          latest = roots[i]!;
          break;
        }
      }
      return busy > whole * 0.15 ? ALL : latest;
    });
  }

  /** All of the time of the trees that are looked at. */
  get whole(): Range {
    return this.once.get("whole", `${this.trace.version}:${this.root}`, () => {
      const { trace } = this;
      const rows = this.root < 0 ? trace.tree.roots : [this.root];
      let from = Infinity;
      let to = -Infinity;
      for (const row of rows) from = Math.min(from, trace.start[row]!);
      if (this.root < 0) to = trace.now;
      else {
        const begin = trace.tree.place[this.root]!;
        for (let place = begin; place < begin + trace.tree.size[this.root]!; place++) to = Math.max(to, trace.endOf(trace.tree.order[place]!));
      }
      if (!(to > from)) return { from: Number.isFinite(from) ? from : 0, to: (Number.isFinite(from) ? from : 0) + 1 };
      return { from, to: to + (to - from) * 0.002 };
    });
  }

  /** The rows in reading order. */
  rows(): Int32Array {
    const { tree } = this.trace;
    if (this.root < 0) return tree.order.slice();
    const place = tree.place[this.root]!;
    return tree.order.slice(place, place + tree.size[this.root]!);
  }

  has(row: number): boolean {
    const root = this.root;
    if (root < 0) return true;
    const { place, size } = this.trace.tree;
    return place[row]! >= place[root]! && place[row]! < place[root]! + size[root]!;
  }

  /** The slowest hundredth of the spans, roots left out, at least one. */
  get slowest(): Uint8Array {
    return this.once.get("slowest", `${this.trace.version}:${this.root}`, () => {
      const { trace } = this;
      const rows = this.rows().filter((row) => trace.tree.depth[row]! > 0);
      rows.sort((a, b) => trace.duration(b) - trace.duration(a));
      const found = new Uint8Array(trace.count);
      for (const row of rows.slice(0, Math.max(1, Math.round(rows.length * SLOW_SHARE)))) found[row] = 1;
      return found;
    });
  }

  get critical(): ReadonlyMap<number, number> {
    return this.once.get("critical", `${this.trace.version}:${this.root}`, () =>
      criticalPath(this.trace, this.root < 0 ? this.trace.tree.roots : [this.root]),
    );
  }
}
