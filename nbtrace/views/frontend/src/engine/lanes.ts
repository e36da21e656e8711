// Spans in lanes, for a flame graph in the order of time.

import { Room } from "./room";
import type { Trace } from "./trace";

const MAX_LANES = 4_000;

/** Memory for lanes, used again with each update: what was made of it before is overwritten. */
export class LaneRoom {
  readonly laneOf = new Room();
  readonly rows = new Room();
}

/** Spans in lanes: below their parent, and beside a sibling that still runs. In a lane they follow each other. */
export class Lanes {
  readonly lanes: Int32Array[] = [];
  readonly laneOf: Int32Array;

  constructor(
    readonly trace: Trace,
    roots?: ReadonlySet<number>,
    room = new LaneRoom(),
  ) {
    const tree = trace.tree;
    const n = trace.count;
    this.laneOf = room.laneOf.ints(n).fill(-1);
    const counts = new Int32Array(Math.min(MAX_LANES, n) + 1);
    const ends = new Float64Array(counts.length).fill(-Infinity);
    for (let place = 0; place < n; place++) {
      const row = tree.order[place]!;
      const depth = tree.depth[row]!;
      if (depth === 0 && roots && !roots.has(row)) {
        place += tree.size[row]! - 1;
        continue;
      }
      let lane = depth === 0 ? 0 : this.laneOf[trace.tree.parent[row]!]! + 1;
      if (depth > 0 && lane === 0) continue;
      while (lane < ends.length && ends[lane]! > trace.start[row]! + 1e-6) lane++;
      if (lane >= ends.length) continue;
      ends[lane] = Math.max(ends[lane]!, trace.endOf(row));
      this.laneOf[row] = lane;
      counts[lane]!++;
    }
    const rows = room.rows.ints(n);
    let from = 0;
    for (let lane = 0; lane < counts.length && counts[lane]; lane++) this.lanes.push(rows.subarray(from, (from += counts[lane]!)));
    const filled = new Int32Array(this.lanes.length);
    for (let place = 0; place < n; place++) {
      const row = tree.order[place]!;
      const lane = this.laneOf[row]!;
      if (lane >= 0 && lane < this.lanes.length) this.lanes[lane]![filled[lane]!++] = row;
    }
    for (const lane of this.lanes) {
      for (let i = 1; i < lane.length; i++) {
        if (trace.start[lane[i]!]! < trace.start[lane[i - 1]!]!) {
          lane.sort((a, b) => trace.start[a]! - trace.start[b]!);
          break;
        }
      }
    }
  }

  /** The first place in a lane whose span ends after a moment. */
  after(lane: number, moment: number): number {
    const rows = this.lanes[lane]!;
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.trace.endOf(rows[middle]!) <= moment) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The span at a moment of a lane, -1 if there is none within `slack` ms. */
  at(lane: number, moment: number, slack: number): number {
    const rows = this.lanes[lane];
    if (!rows) return -1;
    const place = this.after(lane, moment - slack);
    const row = rows[place];
    return row !== undefined && this.trace.start[row]! <= moment + slack ? row : -1;
  }
}
