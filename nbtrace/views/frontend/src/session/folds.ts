// What is opened and closed in the waterfall.

import type { Trace } from "../engine/trace";

export class Folds {
  collapsed = new Set<number>();
  /** Groups of repeated siblings that are unfolded: `${parent}:${name}`. */
  unfolded = new Set<string>();
  version = 0;

  constructor(
    private readonly trace: Trace,
    private readonly changed: () => void,
  ) {}

  open(row: number, open: boolean): void {
    if (open) this.collapsed.delete(row);
    else this.collapsed.add(row);
    this.version++;
    this.changed();
  }

  unfold(row: number): void {
    this.unfolded.add(this.groupOf(row));
    this.version++;
    this.changed();
  }

  /** Open everything, or close those of the rows that have something below them and are no roots. */
  openAll(open: boolean, rows: Iterable<number>): void {
    const { size, depth } = this.trace.tree;
    this.clear();
    if (!open) for (const row of rows) if (size[row]! > 1 && depth[row]! > 0) this.collapsed.add(row);
    this.changed();
  }

  /** Open everything above a row, and its group. */
  uncover(row: number): void {
    for (let at = row; at >= 0; at = this.trace.tree.parent[at]!) {
      if (at !== row) this.collapsed.delete(at);
      this.unfolded.add(this.groupOf(at));
    }
    this.version++;
  }

  clear(): void {
    this.collapsed.clear();
    this.unfolded.clear();
    this.version++;
  }

  /** Follow the rows that have moved. */
  follow(to: (index: number) => number): void {
    this.collapsed = new Set([...this.collapsed].map(to).filter((index) => index >= 0));
    const unfolded = [...this.unfolded].map((key) => key.split(":").map(Number) as [number, number]);
    this.unfolded = new Set(unfolded.filter(([parent]) => parent < 0 || to(parent) >= 0).map(([parent, name]) => `${to(parent)}:${name}`));
    this.version++;
  }

  private groupOf(row: number): string {
    return `${this.trace.tree.parent[row]}:${this.trace.name[row]}`;
  }
}
