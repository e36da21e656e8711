// Which trees are looked at, and what follows from that.

import { type Step, criticalPath, criticalSteps } from "../engine/criticalpath";
import { executions } from "../engine/executions";
import type { Trace } from "../engine/trace";
import type { Range } from "../pictures/canvas";
import type { Once } from "./once";

export const ALL = -1;
/** What the cell that opened the inspector did, if it did something; else all. */
export const OPENED = -2;
export const LATEST = -3;

const SLOW_SHARE = 0.01;
/** Behind the end so much of all is free: what is short and last would stand at the edge. */
export const MARGIN = 0.01;

export class Scope {
  /** Root of the tree that a person has chosen, or `ALL`, or `LATEST`; `OPENED` as long as nobody has chosen. */
  chosen = OPENED;

  constructor(
    private readonly trace: Trace,
    private readonly once: Once,
    /** Number of the execution that opened the inspector. */
    private readonly opener: () => number = () => 0,
  ) {}

  /** Follow the rows that have moved. */
  follow(to: (index: number) => number): void {
    if (this.chosen >= 0) this.chosen = to(this.chosen) < 0 ? OPENED : to(this.chosen);
  }

  begin(): void {
    if (this.chosen >= 0) this.chosen = OPENED;
  }

  /** Roots of the trees that are looked at; undefined for all. */
  get roots(): ReadonlySet<number> | undefined {
    const root = this.root;
    return root < 0 ? undefined : this.once.get("roots", `${root}`, () => new Set([root]));
  }

  /** The root that is looked at, -1 for all. */
  get root(): number {
    if (this.chosen >= ALL) return this.chosen;
    return this.once.get("root", `${this.trace.version}:${this.chosen}`, () => {
      const { cell, narrowed, tree: { roots, size } } = this.trace;
      if (this.chosen === LATEST) return roots.findLast((row) => size[row]! > 1) ?? roots[roots.length - 1] ?? ALL;
      // What meets conditions is a list, not a tree: that of one cell alone would say nothing.
      const opener = this.opener();
      return (narrowed || !opener ? undefined : roots.find((row) => cell[row] === opener && size[row]! > 1)) ?? ALL;
    });
  }

  /** All of the time of the trees that are looked at: a span may begin before its parent, and end after it. */
  get whole(): Range {
    return this.once.get("whole", `${this.trace.version}:${this.root}`, () => {
      const { trace } = this;
      const { order, place, size } = trace.tree;
      const [first, last] = this.root < 0 ? [0, trace.count] : [place[this.root]!, place[this.root]! + size[this.root]!];
      let from = Infinity;
      let to = this.root < 0 ? trace.now : -Infinity;
      for (let at = first; at < last; at++) {
        from = Math.min(from, trace.since(order[at]!));
        to = Math.max(to, trace.endOf(order[at]!));
      }
      if (!(to > from)) return { from: Number.isFinite(from) ? from : 0, to: (Number.isFinite(from) ? from : 0) + 1 };
      return { from, to: to + (to - from) * MARGIN };
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

  /** The slowest hundredth of the spans, at least one; and, where there are several, the cells that took as long. */
  get slowest(): Uint8Array {
    return this.once.get("slowest", `${this.trace.version}:${this.root}`, () => {
      const { trace } = this;
      const cells = executions(trace).filter((row) => this.has(row));
      const outer = new Set([...cells, ...trace.tree.roots]);
      const inside = this.rows().filter((row) => !outer.has(row));
      const rows = inside.length || cells.length < 2 ? inside : Int32Array.from(cells);
      rows.sort((a, b) => trace.duration(b) - trace.duration(a));
      const slow = rows.subarray(0, Math.max(1, Math.round(rows.length * SLOW_SHARE)));
      const found = new Uint8Array(trace.count);
      for (const row of slow) found[row] = 1;
      if (cells.length > 1 && slow.length) for (const row of cells) if (trace.duration(row) >= trace.duration(slow[slow.length - 1]!)) found[row] = 1;
      return found;
    });
  }

  get critical(): ReadonlyMap<number, number> {
    return this.once.get("critical", `${this.trace.version}:${this.root}`, () =>
      criticalPath(this.trace, this.root < 0 ? this.trace.tree.roots : [this.root]),
    );
  }

  /** The critical path of each tree, to be followed. */
  get steps(): readonly (readonly Step[])[] {
    return this.once.get("steps", `${this.trace.version}:${this.root}`, () => Array.from(this.roots ?? this.trace.tree.roots, (root) => (this.trace.tree.isCut(root) ? [] : criticalSteps(this.trace, root))));
  }
}
