// The tree of a trace: reading order, depths, sizes, children, self times.

import { Room } from "./room";

/** Spans as they are: what a tree is made of. Arrays may be longer than `count`. */
export interface Spans {
  readonly count: number;
  /** In ms. */
  readonly start: Float64Array;
  /** Row of the parent, -1 for none; it may form circles. */
  readonly parent: Int32Array;
  endOf(row: number): number;
}

/** Depth-first order, depths, children and self times; analysis/tree.py and selftime.py say the same. Without recursion: a chain of 100,000 is a tree like any other. What
 * it holds is overwritten when the trace has grown: whoever keeps some of it, copies it. */
export class Tree {
  /** Rows in reading order. */
  order!: Int32Array;
  /** Place of each row in `order`. */
  place!: Int32Array;
  depth!: Int32Array;
  /** Spans in the subtree of a row, itself included. */
  size!: Int32Array;
  /** Children of row r: children[first[r]] up to children[first[r + 1]], by their start; roots are those of row -1. */
  first!: Int32Array;
  children!: Int32Array;
  roots!: Int32Array;
  self!: Float64Array;
  /** Row of the parent, -1 for a root, also for one that is the earliest of a circle. */
  parent!: Int32Array;
  readonly #rooms = Array.from({ length: 9 }, () => new Room());

  constructor(readonly trace: Spans) {}

  grow(): void {
    const [trace, rooms] = [this.trace, this.#rooms];
    const n = trace.count;
    const parent = (this.parent = rooms[0]!.ints(n));
    parent.set(trace.parent.subarray(0, n));
    for (let row = 0; row < n; row++) if (parent[row]! >= n || parent[row] === row) parent[row] = -1;
    this.#byParent(parent);
    // Who stands in a circle covers its parent all the same: before anything is cut.
    this.self = this.#selfTimes();
    this.order = rooms[1]!.ints(n);
    this.place = rooms[2]!.ints(n).fill(-1);
    this.depth = rooms[3]!.ints(n).fill(0);
    this.size = rooms[4]!.ints(n).fill(1);
    let seen = this.#walk(this.children.subarray(0, this.first[0]));
    if (seen < n) {
      this.#cutCircles(parent);
      this.#byParent(parent);
      this.place.fill(-1);
      this.depth.fill(0);
      seen = this.#walk(this.children.subarray(0, this.first[0]));
    }
    this.roots = this.children.subarray(0, this.first[0]);
    for (let i = n - 1; i >= 0; i--) {
      const row = this.order[i]!;
      if (parent[row]! >= 0) this.size[parent[row]!]! += this.size[row]!;
    }
  }

  /** Whether a row is a root only because the circle of parents that it stands in was cut there. */
  isCut(row: number): boolean {
    const above = this.trace.parent[row]!;
    return this.parent[row]! < 0 && above >= 0 && above < this.order.length && above !== row;
  }

  /** The row of the root above a row. */
  rootOf(row: number): number {
    let place = this.place[row]!;
    while (this.depth[this.order[place]!]! > 0) place--;
    return this.order[place]!;
  }

  /** The children of a row, by their start. */
  of(row: number): Int32Array {
    return this.children.subarray(this.first[row], this.first[row + 1]);
  }

  /** Make the earliest span of each circle of parents a root: such spans of a hostile file hang on none. */
  #cutCircles(parent: Int32Array): void {
    const { start } = this.trace;
    const walked = new Map<number, number>();
    for (let first = 0; first < parent.length; first++) {
      if (this.place[first]! >= 0) continue;
      let row = first;
      for (; row >= 0 && !walked.has(row); row = parent[row]!) walked.set(row, first);
      if (row < 0 || walked.get(row) !== first) continue;
      let earliest = row; // this walk has come round
      for (let at = parent[row]!; at !== row; at = parent[at]!) {
        if (start[at]! < start[earliest]! || (start[at] === start[earliest] && at < earliest)) earliest = at;
      }
      parent[earliest] = -1;
    }
  }

  #walk(roots: Int32Array): number {
    let at = 0;
    const stack = this.#rooms[5]!.ints(this.order.length);
    let top = 0;
    for (let i = roots.length - 1; i >= 0; i--) stack[top++] = roots[i]!;
    while (top) {
      const row = stack[--top]!;
      this.place[row] = at;
      this.order[at++] = row;
      for (let i = this.first[row + 1]! - 1; i >= this.first[row]!; i--) {
        const child = this.children[i]!;
        this.depth[child] = this.depth[row]! + 1;
        stack[top++] = child;
      }
    }
    return at;
  }

  #selfTimes(): Float64Array {
    const trace = this.trace;
    const found = this.#rooms[6]!.floats(trace.count);
    for (let row = 0; row < found.length; row++) {
      const begin = trace.start[row]!;
      const end = trace.endOf(row);
      let covered = 0;
      let reached = begin;
      for (let i = this.first[row]!; i < this.first[row + 1]!; i++) {
        const child = this.children[i]!;
        const from = Math.max(trace.start[child]!, reached);
        const to = Math.min(trace.endOf(child), end);
        if (to > from) {
          covered += to - from;
          reached = to;
        }
      }
      found[row] = Math.max(0, end - begin - covered);
    }
    return found;
  }

  /** Children side by side by their parent and start. `first` has an entry per row and one more; before first[0] are roots. */
  #byParent(parent: Int32Array): void {
    const { start } = this.trace;
    const n = parent.length;
    const first = this.#rooms[7]!.ints(n + 2).fill(0);
    for (let row = 0; row < n; row++) first[parent[row]! + 2]!++;
    for (let i = 1; i < first.length; i++) first[i]! += first[i - 1]!;
    // first[p + 1] is now where the children of p begin (p = -1 for roots).
    const next = this.#rooms[5]!.ints(n + 2); // the stack's: it walks later
    next.set(first);
    const children = this.#rooms[8]!.ints(n);
    for (let row = 0; row < n; row++) children[next[parent[row]! + 1]!++] = row;
    for (let p = -1; p < n; p++) {
      const low = first[p + 1]!;
      const high = next[p + 1]!;
      for (let i = low + 1; i < high; i++) {
        if (start[children[i]!]! < start[children[i - 1]!]!) {
          children.subarray(low, high).sort((a, b) => start[a]! - start[b]! || a - b);
          break;
        }
      }
    }
    this.first = first.subarray(1);
    this.children = children;
  }
}
