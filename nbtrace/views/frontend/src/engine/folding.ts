// The lines of the waterfall: a tree as far as it is opened, repeated siblings folded into one line.

import type { Groups } from "./grouping";
import { Room } from "./room";
import { ERROR, type Trace } from "./trace";
import type { Tree } from "./tree";
import { Wall } from "./wall";

export const MIN_REPEATS = 5;

/** What is opened and closed, and what is left out. */
export interface Shape {
  collapsed: ReadonlySet<number>;
  /** Groups of repeated siblings that are unfolded: `${parent}:${name}`. */
  unfolded: { has(key: string): boolean };
  /** Only these rows and what is above them; undefined for all. */
  only?: Uint8Array;
  /** Whether repeated siblings fold among those, too: what was searched for is shown, what is followed may be many. */
  repeats?: boolean;
  /** Only these trees; undefined for all. */
  roots?: ReadonlySet<number>;
  /** Lanes, each below a line of its own. They know which trees are looked at. */
  groups?: Groups;
}

/** Whether something hangs below a line, and whether it can be seen. */
export const LEAF = 0;
export const OPEN = 1;
export const CLOSED = 2;

/** Lines of the waterfall. A line is a span, or several siblings of a name, told by the first of them, or the head of a lane, whose
 * row is -2 or less. */
export interface Lines {
  row: Int32Array;
  /** How many siblings it stands for, 0 for a span. */
  members: Int32Array;
  /** Of siblings, or a lane, for how long one of them or more ran. */
  total: Float64Array;
  /** Of siblings, how long all of them took together. */
  sum: Float64Array;
  /** Where the last of what it stands for ends. */
  until: Float64Array;
  depth: Int32Array;
  state: Int32Array;
  /** How many spans have failed that this line hides. */
  hidden: Int32Array;
  /** Of siblings, what they are called, by line and number of captions; found out where it is shown. */
  did: Map<string, string>;
  count: number;
  tree: Tree;
  groups: Groups | undefined;
  /** By the first of them, siblings of a line that have been asked for: each drawing asks again. */
  siblings: Map<number, Int32Array>;
  /** What is shown at all; undefined for everything. */
  show: Uint8Array | undefined;
  /** Where a span ends, or was last seen. */
  endOf(row: number): number;
}

/** Memory for lines, used again with each update: what was made of it before is overwritten. */
export class LineRoom {
  readonly rooms = Array.from({ length: 10 }, () => new Room());
}

export function lines(trace: Trace, shape: Shape, { rooms } = new LineRoom()): Lines {
  const { groups } = shape;
  const tree = groups?.tree ?? trace.tree;
  const show = shape.only && withAncestors(tree, shape.only);
  const n = tree.order.length;
  const found: Lines = {
    row: rooms[0]!.ints(n), members: rooms[1]!.ints(n).fill(0), total: rooms[2]!.floats(n).fill(0), sum: rooms[3]!.floats(n).fill(0),
    until: rooms[4]!.floats(n), depth: rooms[5]!.ints(n), state: rooms[6]!.ints(n), hidden: rooms[7]!.ints(n).fill(0),
    did: new Map(), count: 0, tree, groups, show, siblings: new Map(), endOf: lastSeen(trace),
  };
  const failed = rooms[9]!.ints(n + 1);
  failed[0] = 0;
  for (let place = 0; place < n; place++) {
    const row = tree.order[place]!;
    failed[place + 1] = failed[place]! + Number(row < trace.count && trace.status(row) === ERROR && (!show || show[row] === 1));
  }
  const failures = (row: number) => failed[tree.place[row]! + tree.size[row]!]! - failed[tree.place[row]!]!;
  /** 1: hidden in a group; above: the head of a group of as many. */
  const grouped = rooms[8]!.ints(n).fill(0);
  const sums = new Map<number, Sum>();
  const add = (head: number, child: number) => {
    let sum = sums.get(head);
    if (!sum) sums.set(head, (sum = { wall: new Wall(), last: -Infinity, failed: 0 }));
    sum.wall.add(trace.start[child]!, trace.endOf(child));
    sum.last = Math.max(sum.last, found.endOf(child));
    sum.failed += failures(child);
  };
  const fold = (parent: number, children: Int32Array) => {
    if (children.length < MIN_REPEATS || (show && !shape.repeats)) return;
    const id = groups ? groups.idOf(parent) : parent;
    const heads = new Map<number, number>();
    for (const child of children) {
      if (show && !show[child]) continue;
      const name = trace.name[child]!;
      const head = heads.get(name);
      if (head === undefined) {
        if (shape.unfolded.has(`${id}:${name}`)) continue;
        heads.set(name, child);
        grouped[child] = -1;
      } else {
        grouped[head]!--;
        grouped[child] = 1;
      }
      add(head ?? child, child);
    }
    for (const child of children) {
      const head = heads.get(trace.name[child]!);
      if (head !== undefined && grouped[head]! > -MIN_REPEATS) grouped[child] = 0;
    }
  };
  // Of the trees that are looked at: one that is looked at alone is not hidden behind another of its name.
  if (!groups) fold(-1, shape.roots ? tree.roots.filter((root) => shape.roots!.has(root)) : tree.roots);
  const left = (row: number) => (groups ? row < trace.count : shape.roots && !shape.roots.has(row));
  for (let place = 0; place < n; ) {
    const row = tree.order[place]!;
    const whole = place + tree.size[row]!;
    if ((show && !show[row]) || grouped[row]! > 0 || (tree.depth[row] === 0 && left(row))) {
      place = whole;
      continue;
    }
    const line = found.count++;
    const id = (found.row[line] = row < trace.count ? row : groups!.idOf(row));
    found.depth[line] = tree.depth[row]!;
    found.until[line] = row < trace.count ? found.endOf(row) : 0;
    if (grouped[row]! < 0) {
      const sum = sums.get(row)!;
      found.members[line] = -grouped[row]!;
      found.total[line] = sum.wall.total;
      found.sum[line] = sum.wall.sum;
      found.until[line] = sum.last;
      found.hidden[line] = sum.failed;
      found.state[line] = CLOSED;
      place = whole;
      continue;
    }
    if (id < 0) found.total[line] = groups!.groupOf(id).total;
    const closed = tree.size[row]! > 1 && shape.collapsed.has(id);
    found.state[line] = tree.size[row] === 1 ? LEAF : closed ? CLOSED : OPEN;
    if (closed) {
      found.hidden[line] = failed[whole]! - failed[place + 1]!;
      place = whole;
      continue;
    }
    fold(row, tree.of(row));
    place++;
  }
  return found;
}

interface Sum {
  wall: Wall;
  last: number;
  failed: number;
}

/** The rows, and all above them. */
function withAncestors(tree: Tree, only: Uint8Array): Uint8Array {
  const { order } = tree;
  const show = new Uint8Array(order.length);
  show.set(only.subarray(0, order.length));
  for (let place = order.length - 1; place >= 0; place--) {
    const row = order[place]!;
    const parent = tree.parent[row]!;
    if (show[row] && parent >= 0) show[parent] = 1;
  }
  return show;
}

/** Where a span ends. One that has no end, and does not run any more, was last seen where its trace was. */
function lastSeen(trace: Trace): (row: number) => number {
  let seen: Float64Array | undefined;
  return (row) => {
    if (!trace.isUnfinished(row)) return trace.endOf(row);
    if (!seen) {
      const { order, size } = trace.tree;
      seen = new Float64Array(trace.count);
      for (let place = 0; place < order.length; ) {
        const rows = order.subarray(place, place + size[order[place]!]!);
        let last = -Infinity;
        for (const each of rows) last = Math.max(last, trace.endOf(each));
        for (const each of rows) seen[each] = last;
        place += rows.length;
      }
    }
    return seen[row]!;
  };
}

/** The spans that a line draws: siblings of a name, or those of a lane that no other of it covers. */
export function members(trace: Trace, { row, tree, groups, show, siblings: known }: Lines, line: number): Int32Array {
  const head = row[line]!;
  if (head < 0) return groups!.groupOf(head).rows;
  const before = known.get(head);
  if (before) return before;
  const parent = tree.parent[head]!;
  const siblings = parent < 0 ? tree.roots : tree.of(parent);
  const found = siblings.filter((each) => each < trace.count && trace.name[each] === trace.name[head] && (!show || show[each] === 1));
  known.set(head, found);
  return found;
}
