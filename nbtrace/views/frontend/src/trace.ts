// Spans as columns, and their tree. Knows no DOM: it is tested under Node.

import type { CellInfo, Column, SpansHeader } from "./wire";

export const UNSET = 0;
export const OK = 1;
export const ERROR = 2;

export class Trace {
  count = 0;
  start = new Float64Array(1024);
  /** NaN while the span runs. */
  end = new Float64Array(1024);
  name = new Uint32Array(1024);
  /** Row of the parent, -1 for a root. */
  parent = new Int32Array(1024);
  cell = new Int32Array(1024);
  flags = new Uint8Array(1024);
  names: string[] = [];
  /** The colour of each name: 0 for cells, then as they come. */
  hues: number[] = [];
  private lastHue = 0;
  /** When the events of a row happened, in ms. */
  readonly events = new Map<number, number[]>();
  cells = new Map<number, CellInfo>();
  /** Nanoseconds since the epoch at which times begin. */
  zero = 0n;
  dropped = 0;
  /** The latest moment known, in ms: where running spans end for now. */
  now = 0;
  running = 0;
  version = 0;
  private derived: Tree | undefined;
  private derivedVersion = -1;

  append(header: SpansHeader, columns: Column[]): void {
    if (header.reset) {
      this.count = 0;
      this.names = [];
      this.hues = [];
      this.lastHue = 0;
      this.events.clear();
      this.cells.clear();
      this.now = 0;
    }
    this.zero = BigInt(header.zero);
    this.dropped = header.dropped;
    for (const name of header.names) {
      this.hues.push(/^cell \[\d*\]/.test(name) ? 0 : ++this.lastHue);
      this.names.push(name);
    }
    for (const cell of header.cells) this.cells.set(cell[0], cell);
    const [start, end, name, parent, cell, flags, rows, ends, newFlags, newParents, eventRows, eventTimes] = columns as [
      Float64Array, Float64Array, Uint32Array, Int32Array, Int32Array, Uint8Array,
      Int32Array, Float64Array, Uint8Array, Int32Array, Int32Array, Float64Array,
    ];
    this.reserve(this.count + start.length);
    const at = this.count;
    this.start.set(start, at);
    this.end.set(end, at);
    this.name.set(name, at);
    this.parent.set(parent, at);
    this.cell.set(cell, at);
    this.flags.set(flags, at);
    this.count += start.length;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      this.end[row] = ends[i]!;
      this.flags[row] = newFlags[i]!;
      this.parent[row] = newParents[i]!;
    }
    const eventful = new Set<number>();
    for (let i = 0; i < eventRows.length; i++) {
      const row = eventRows[i]!;
      if (row < 0) continue;
      // A span that ran when it was told of brings all its events again when it has ended.
      if (!eventful.has(row)) this.events.set(row, []);
      eventful.add(row);
      this.events.get(row)!.push(eventTimes[i]!);
    }
    let running = 0;
    for (let row = 0; row < this.count; row++) {
      const until = this.end[row]!;
      if (until !== until) running++;
      else if (until > this.now) this.now = until;
      if (this.start[row]! > this.now) this.now = this.start[row]!;
    }
    this.running = running;
    if (running) this.now = Math.max(this.now, header.now - Number(this.zero / 1000n) / 1000);
    this.version++;
  }

  /** The end of a span; of one that runs, the latest moment known. Never before its start. */
  endOf(row: number): number {
    const end = this.end[row]!;
    return Math.max(end === end ? end : this.now, this.start[row]!);
  }

  duration(row: number): number {
    return this.endOf(row) - this.start[row]!;
  }

  isRunning(row: number): boolean {
    return Number.isNaN(this.end[row]!);
  }

  status(row: number): number {
    return this.flags[row]! & 3;
  }

  hasEvents(row: number): boolean {
    return (this.flags[row]! & 4) !== 0;
  }

  nameOf(row: number): string {
    return this.names[this.name[row]!] ?? "";
  }

  get tree(): Tree {
    if (this.derivedVersion !== this.version || !this.derived) {
      this.derived = new Tree(this);
      this.derivedVersion = this.version;
    }
    return this.derived;
  }

  private reserve(count: number): void {
    if (count <= this.start.length) return;
    const size = Math.max(count, this.start.length * 2);
    const grown = <T extends Column>(column: T, empty: T): T => {
      empty.set(column as never);
      return empty;
    };
    this.start = grown(this.start, new Float64Array(size));
    this.end = grown(this.end, new Float64Array(size));
    this.name = grown(this.name, new Uint32Array(size));
    this.parent = grown(this.parent, new Int32Array(size));
    this.cell = grown(this.cell, new Int32Array(size));
    this.flags = grown(this.flags, new Uint8Array(size));
  }
}

/** Depth-first order, depths, children and self times. Without recursion: a chain of 100,000 is a tree like any other. */
export class Tree {
  /** Rows in reading order. */
  readonly order: Int32Array;
  /** Place of each row in `order`. */
  readonly place: Int32Array;
  readonly depth: Int32Array;
  /** Spans in the subtree of a row, itself included. */
  readonly size: Int32Array;
  /** Children of row r: children[first[r]] up to children[first[r + 1]], by their start; roots are those of row -1. */
  readonly first: Int32Array;
  readonly children: Int32Array;
  readonly roots: Int32Array;
  readonly self: Float64Array;
  readonly maxDepth: number;

  constructor(readonly trace: Trace) {
    const n = trace.count;
    const parent = trace.parent.slice(0, n);
    for (let row = 0; row < n; row++) if (parent[row]! >= n || parent[row] === row) parent[row] = -1;
    [this.first, this.children] = byParent(parent, trace.start);
    this.order = new Int32Array(n);
    this.place = new Int32Array(n).fill(-1);
    this.depth = new Int32Array(n);
    this.size = new Int32Array(n).fill(1);
    let seen = this.walk(this.children.subarray(0, this.first[0]));
    if (seen < n) {
      // A circle of parents in a hostile file hangs on no root. Each has a row that comes before its parent: cut it there.
      for (let row = 0; row < n; row++) if (this.place[row]! < 0 && parent[row]! > row) parent[row] = -1;
      [this.first, this.children] = byParent(parent, trace.start);
      this.place.fill(-1);
      this.depth.fill(0);
      seen = this.walk(this.children.subarray(0, this.first[0]));
    }
    this.roots = this.children.slice(0, this.first[0]);
    let deepest = 0;
    for (let i = n - 1; i >= 0; i--) {
      const row = this.order[i]!;
      if (parent[row]! >= 0) this.size[parent[row]!]! += this.size[row]!;
      if (this.depth[row]! > deepest) deepest = this.depth[row]!;
    }
    this.maxDepth = deepest;
    this.self = this.selfTimes();
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

  private walk(roots: Int32Array): number {
    let at = 0;
    const stack = new Int32Array(this.order.length);
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

  private selfTimes(): Float64Array {
    const trace = this.trace;
    const found = new Float64Array(this.order.length);
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
}

/** Children side by side by their parent and start. `first` has an entry per row and one more; before first[0] are roots. */
function byParent(parent: Int32Array, start: Float64Array): [Int32Array, Int32Array] {
  const n = parent.length;
  const first = new Int32Array(n + 2);
  for (let row = 0; row < n; row++) first[parent[row]! + 2]!++;
  for (let i = 1; i < first.length; i++) first[i]! += first[i - 1]!;
  // first[p + 1] is now where the children of p begin (p = -1 for roots).
  const next = first.slice();
  const children = new Int32Array(n);
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
  return [first.subarray(1), children];
}
