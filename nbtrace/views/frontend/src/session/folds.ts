// What is opened and closed in the waterfall.

import type { Groups } from "../engine/grouping";
import type { Trace } from "../engine/trace";

/** Closed lines are known by their rows, or, of groups, by what `Groups` says: -2 and downwards. */
export class Folds {
  collapsed = new Set<number>();
  /** Groups of repeated siblings that are unfolded: `${parent}:${name}`. */
  unfolded = new Set<string>();
  version = 0;
  /** Whether all repeated siblings are unfolded, those to come too. */
  #everything = false;
  /** What is closed among that which a filter leaves: nothing to begin with, so that it shows what it finds. */
  #filtered = { filter: "", closed: new Set<number>() };

  /** `filter`: what is filtered by, empty for nothing. */
  constructor(
    private readonly trace: Trace,
    private readonly groups: () => Groups | undefined,
    private readonly filter: () => string,
    private readonly changed: () => void,
  ) {}

  /** What is closed for now: what was closed before a filter is so again after it. */
  get closed(): Set<number> {
    const filter = this.filter();
    if (!filter) return this.collapsed;
    if (filter !== this.#filtered.filter) this.#filtered = { filter, closed: new Set() };
    return this.#filtered.closed;
  }

  /** Whether repeated siblings have lines of their own. */
  has(key: string): boolean {
    return this.#everything || this.unfolded.has(key);
  }

  open(row: number, open: boolean): void {
    if (open) this.closed.delete(row);
    else this.closed.add(row);
    this.version++;
    this.changed();
  }

  unfold(row: number): void {
    this.unfolded.add(this.#groupOf(row));
    this.version++;
    this.changed();
  }

  /** Open everything, or close those of the rows that have something below them and do not stand outermost. */
  openAll(open: boolean, rows: Iterable<number>): void {
    const { size, depth } = this.#tree;
    this.closed.clear();
    this.unfolded.clear();
    this.#everything = open;
    if (!open) for (const row of rows) if (size[row]! > 1 && depth[row]! > 0) this.closed.add(row);
    this.version++;
    this.changed();
  }

  /** Open everything above a row, and its group. */
  uncover(row: number): void {
    for (let at = row; at >= 0; at = this.#tree.parent[at]!) {
      if (at !== row) this.closed.delete(this.#idOf(at));
      if (at < this.trace.count) this.unfolded.add(this.#groupOf(at));
    }
    this.version++;
  }

  clear(): void {
    this.collapsed.clear();
    this.#filtered.closed.clear();
    this.unfolded.clear();
    this.#everything = false;
    this.version++;
  }

  /** Other groups: what was said of those before means nothing any more. */
  regroup(): void {
    for (const closed of [this.collapsed, this.#filtered.closed]) for (const row of closed) if (row < 0) closed.delete(row);
    for (const key of this.unfolded) if (/^-(?!1:)/.test(key)) this.unfolded.delete(key);
    this.version++;
  }

  /** Follow the rows that have moved. */
  follow(to: (index: number) => number): void {
    const moved = (rows: Set<number>) => new Set([...rows].map(to).filter((index) => index !== -1));
    this.collapsed = moved(this.collapsed);
    this.#filtered.closed = moved(this.#filtered.closed);
    const unfolded = [...this.unfolded].map((key) => key.split(":").map(Number) as [number, number]);
    this.unfolded = new Set(unfolded.filter(([parent]) => parent < 0 || to(parent) >= 0).map(([parent, name]) => `${to(parent)}:${name}`));
    this.version++;
  }

  get #tree() {
    return this.groups()?.tree ?? this.trace.tree;
  }

  #idOf(node: number): number {
    return this.groups()?.idOf(node) ?? node;
  }

  #groupOf(row: number): string {
    return `${this.#idOf(this.#tree.parent[row]!)}:${this.trace.name[row]}`;
  }
}
