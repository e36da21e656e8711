// The lines of the waterfall: a tree as far as it is opened, repeated siblings folded into one line.

import { Room } from "./room";
import type { Trace } from "./trace";

export const MIN_REPEATS = 5;

/** What is opened and closed, and what is left out. */
export interface Shape {
  collapsed: Set<number>;
  /** Groups of repeated siblings that are unfolded: `${parent}:${name}`. */
  unfolded: Set<string>;
  /** Only these rows and what is above them; undefined for all. */
  only?: Uint8Array;
  /** Only these trees; undefined for all. */
  roots?: ReadonlySet<number>;
}

/** Lines of the waterfall. A line is a span, or a group of repeated siblings, told by its first. */
export interface Lines {
  row: Int32Array;
  /** Members of a group, 0 for a span. */
  members: Int32Array;
  /** Of a group, for how long one of them or more ran. */
  total: Float64Array;
  count: number;
}

/** Memory for lines, used again with each update: what was made of it before is overwritten. */
export class LineRoom {
  readonly row = new Room();
  readonly members = new Room();
  readonly total = new Room();
  readonly grouped = new Room();
}

export function lines(trace: Trace, shape: Shape, room = new LineRoom()): Lines {
  const tree = trace.tree;
  const n = trace.count;
  const found: Lines = { row: room.row.ints(n), members: room.members.ints(n).fill(0), total: room.total.floats(n).fill(0), count: 0 };
  const show = shape.only && withAncestors(trace, shape.only);
  /** 1: hidden in a group; above: the head of a group of as many. */
  const grouped = room.grouped.ints(n).fill(0);
  const totals = new Map<number, number>();
  const reached = new Map<number, number>();
  const ran = (head: number, child: number) => {
    const end = trace.endOf(child);
    const until = reached.get(head) ?? -Infinity;
    totals.set(head, (totals.get(head) ?? 0) + Math.max(0, end - Math.max(trace.start[child]!, until)));
    reached.set(head, Math.max(until, end));
  };
  const fold = (parent: number, children: Int32Array) => {
    if (children.length < MIN_REPEATS || show) return;
    const heads = new Map<number, number>();
    for (const child of children) {
      const name = trace.name[child]!;
      const head = heads.get(name);
      if (head === undefined) {
        if (shape.unfolded.has(`${parent}:${name}`)) continue;
        heads.set(name, child);
        grouped[child] = -1;
        ran(child, child);
      } else {
        grouped[head]!--;
        grouped[child] = 1;
        ran(head, child);
      }
    }
    for (const child of children) {
      const head = heads.get(trace.name[child]!);
      if (head !== undefined && grouped[head]! > -MIN_REPEATS) grouped[child] = 0;
    }
  };
  // Of the trees that are looked at: one that is looked at alone is not hidden behind another of its name.
  fold(-1, shape.roots ? tree.roots.filter((root) => shape.roots!.has(root)) : tree.roots);
  for (let place = 0; place < n; ) {
    const row = tree.order[place]!;
    const whole = place + tree.size[row]!;
    const out = (show && !show[row]) || grouped[row]! > 0 || (shape.roots && tree.depth[row] === 0 && !shape.roots.has(row));
    if (out) {
      place = whole;
      continue;
    }
    found.row[found.count] = row;
    if (grouped[row]! < 0) {
      found.members[found.count] = -grouped[row]!;
      found.total[found.count++] = totals.get(row)!;
      place = whole;
      continue;
    }
    found.count++;
    if (shape.collapsed.has(row)) {
      place = whole;
      continue;
    }
    fold(row, tree.of(row));
    place++;
  }
  return found;
}

/** The rows, and all above them. */
function withAncestors(trace: Trace, only: Uint8Array): Uint8Array {
  const { order } = trace.tree;
  const show = only.slice(0, trace.count);
  for (let place = trace.count - 1; place >= 0; place--) {
    const row = order[place]!;
    const parent = trace.tree.parent[row]!;
    if (show[row] && parent >= 0) show[parent] = 1;
  }
  return show;
}

/** The members of a group that a line stands for. */
export function members(trace: Trace, head: number): number[] {
  const parent = trace.tree.parent[head]!;
  const siblings = parent < 0 ? trace.tree.roots : trace.tree.of(parent);
  return Array.from(siblings).filter((row) => trace.name[row] === trace.name[head]);
}
