// Flame graphs: in the order of time, merged with the heavy side left, sandwiched around a name, and of a difference.
// Knows no DOM.

import type { Difference, Merged } from "./answers";
import { AXIS, LANE, axis, cross, label, type Pen, type Range } from "./canvas";
import { changeColour, colourOf, type Theme } from "./colours";
import { ERROR, Room, type Trace } from "./trace";

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
      let lane = depth === 0 ? 0 : this.laneOf[trace.parent[row]!]! + 1;
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

export interface FlameState {
  range: Range;
  origin: number;
  scroll: number;
  selected: number;
  hovered: number;
  matches?: Uint8Array;
  critical?: ReadonlySet<number>;
}

export function paintLanes(pen: Pen, theme: Theme, lanes: Lanes, state: FlameState, width: number, height: number): number {
  const { trace } = lanes;
  const { range } = state;
  pen.fillStyle = theme.ground;
  pen.fillRect(0, 0, width, height);
  axis(pen, theme, range, state.origin, 0, width, height);
  pen.save();
  pen.beginPath();
  pen.rect(0, AXIS, width, height - AXIS);
  pen.clip();
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  pen.font = `11px ${theme.font}`;
  const scale = width / Math.max(range.to - range.from, 1e-9);
  let drawn = 0;
  for (let lane = Math.max(0, Math.floor(state.scroll / LANE)); lane < lanes.lanes.length; lane++) {
    const y = AXIS + lane * LANE - state.scroll;
    if (y > height) break;
    const rows = lanes.lanes[lane]!;
    let place = lanes.after(lane, range.from);
    while (place < rows.length) {
      const row = rows[place]!;
      const start = trace.start[row]!;
      if (start >= range.to) break;
      const x0 = (start - range.from) * scale;
      const x1 = (trace.endOf(row) - range.from) * scale;
      drawn++;
      if (x1 - x0 < 1) {
        // Spans narrower than a pixel are drawn as one, up to the first that reaches the next pixel.
        const next = lanes.after(lane, range.from + (Math.floor(x0) + 1) / scale);
        const end = Math.max(place + 1, next);
        let marked = trace.status(row) === ERROR;
        for (let k = place; k < Math.min(end, place + 50) && !marked; k++) marked = trace.status(rows[k]!) === ERROR;
        pen.fillStyle = marked ? theme.error : theme.quiet;
        pen.globalAlpha = marked ? 1 : 0.55;
        pen.fillRect(Math.floor(x0), y + 1, 1, LANE - 2);
        pen.globalAlpha = 1;
        place = end;
        continue;
      }
      place++;
      const left = Math.max(0, x0);
      const wide = Math.min(width, x1) - left;
      const faded = state.matches && !state.matches[row];
      pen.fillStyle = colourOf(trace.hues[trace.name[row]!]!, theme);
      pen.globalAlpha = faded ? 0.35 : 1;
      pen.fillRect(left, y + 1, Math.max(1, wide - 0.6), LANE - 2);
      if (state.matches?.[row]) outline(pen, theme.dark ? "#ffe27a" : "#8a6d00", left, y, wide, 1.5);
      if (trace.isRunning(row)) {
        pen.setLineDash([4, 3]);
        outline(pen, theme.accent, left, y, wide, 1);
        pen.setLineDash([]);
      }
      if (trace.status(row) === ERROR) outline(pen, theme.error, left, y, wide, 1.5);
      if (row === state.selected || row === state.hovered) outline(pen, theme.accent, left, y, wide, row === state.selected ? 2.5 : 1);
      if (state.critical?.has(row)) {
        pen.fillStyle = theme.critical;
        pen.fillRect(left, y + LANE - 3, wide, 2);
      }
      if (wide > 22) {
        const failed = trace.status(row) === ERROR;
        if (failed) cross(pen, theme, left + 9, y + LANE / 2);
        pen.fillStyle = theme.text;
        label(pen, trace.nameOf(row), left + (failed ? 17 : 4), y + LANE / 2 + 0.5, wide - (failed ? 20 : 8));
      }
      pen.globalAlpha = 1;
    }
  }
  pen.restore();
  return drawn;
}

function outline(pen: Pen, colour: string, x: number, y: number, wide: number, line: number): void {
  pen.strokeStyle = colour;
  pen.lineWidth = line;
  pen.strokeRect(x + line / 2, y + 1 + line / 2, Math.max(1, wide - line - 0.6), LANE - 2 - line);
}

/** A box of a merged graph, in shares of the whole width. */
export interface Box {
  name: number;
  from: number;
  to: number;
  level: number;
  row: number;
  total: number;
  self: number;
  count: number;
  errors: number;
  before?: number;
}

/** Lay a merged tree out, the heaviest child left, from `level` on downwards (or upwards, for callers). */
export function boxes(top: Merged, width: number, level = 0, step = 1): Box[] {
  const found: Box[] = [];
  const stack: [Merged, number, number, number][] = [[top, 0, 1, level - step]];
  while (stack.length) {
    const [here, from, to, at] = stack.pop()!;
    if (here.name >= 0) found.push({ ...here, from, to, level: at });
    const sum = [...here.children.values()].reduce((total, child) => total + child.total, 0);
    // Children that ran at the same time can add up to more than their parent: then they share its width.
    const scale = (to - from) / Math.max(here.total, sum, 1e-12);
    let x = from;
    for (const child of [...here.children.values()].sort((a, b) => b.total - a.total)) {
      const wide = child.total * scale;
      if (wide * width < 0.5) break;
      stack.push([child, x, x + wide, at + step]);
      x += wide;
    }
  }
  return found;
}

/** The same for a comparison: the width of a box is the larger of its two times. */
export function differenceBoxes(top: Difference, width: number): Box[] {
  const found: Box[] = [];
  const stack: [Difference, number, number][] = [[top, 0, 1]];
  while (stack.length) {
    const [here, from, to] = stack.pop()!;
    const larger = Math.max(here.before, here.after);
    found.push({
      name: here.name, from, to, level: here.depth, row: here.row, total: here.after, self: 0, count: here.countAfter, errors: 0,
      before: here.before,
    });
    const sum = here.children.reduce((total, child) => total + Math.max(child.before, child.after), 0);
    const scale = (to - from) / Math.max(larger, sum, 1e-12);
    let x = from;
    for (const child of here.children) {
      const wide = Math.max(child.before, child.after) * scale;
      if (wide * width < 0.5) break;
      stack.push([child, x, x + wide]);
      x += wide;
    }
  }
  return found;
}

export interface BoxState {
  /** The part of the width that is shown, from 0 to 1. */
  zoom: Range;
  scroll: number;
  hovered: Box | undefined;
  selectedName: number;
}

export function paintBoxes(
  pen: Pen, theme: Theme, trace: Pick<Trace, "names" | "hues">, found: readonly Box[], state: BoxState, width: number, height: number,
): void {
  pen.fillStyle = theme.ground;
  pen.fillRect(0, 0, width, height);
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  pen.font = `11px ${theme.font}`;
  const scale = width / Math.max(state.zoom.to - state.zoom.from, 1e-9);
  for (const box of found) {
    const y = box.level * LANE - state.scroll;
    const x0 = Math.max(0, (box.from - state.zoom.from) * scale);
    const wide = Math.min(width, (box.to - state.zoom.from) * scale) - x0;
    if (wide < 0.5 || y + LANE < 0 || y > height) continue;
    const name = trace.names[box.name] ?? "";
    pen.fillStyle = box.before === undefined ? colourOf(trace.hues[box.name] ?? 1, theme) : changeColour(box.before, box.total, theme);
    pen.fillRect(x0, y + 1, Math.max(1, wide - 0.6), LANE - 2);
    if (box.errors) outline(pen, theme.error, x0, y, wide, 1.5);
    if (box === state.hovered || box.name === state.selectedName) outline(pen, theme.accent, x0, y, wide, box === state.hovered ? 2 : 1);
    if (wide > 22) {
      pen.fillStyle = theme.text;
      label(pen, name, x0 + 4, y + LANE / 2 + 0.5, wide - 8);
    }
  }
}

export function boxAt(found: readonly Box[], state: BoxState, x: number, y: number, width: number): Box | undefined {
  const level = Math.floor((y + state.scroll) / LANE);
  const at = state.zoom.from + (x / width) * (state.zoom.to - state.zoom.from);
  return found.find((box) => box.level === level && box.from <= at && at < box.to);
}
