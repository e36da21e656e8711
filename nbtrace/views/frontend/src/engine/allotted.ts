// The time of a cell, allotted: to each sample what it stands for, to each statement what was not sampled in it. The same as
// nbtrace/analysis/profiles/allotted.py, for one cell at a time.

import type { Profile, Statement } from "./profile";
import type { Trace } from "./trace";

/** When a cell ran, in ms; a running one until the last look at it. */
export interface Ran {
  /** Index of its span; -1 where that is not known. */
  row: number;
  from: number;
  to: number;
  running: boolean;
}

export interface Allotted {
  cell: number;
  ran: Ran;
  /** Within the cell; one that runs ends where the cell does. */
  statements: Statement[];
  /** Its samples. */
  rows: readonly number[];
  /** By sample: whether it is of the cell's own thread. */
  own: Uint8Array;
  /** By sample: the place of the statement during which it was taken, -1 for none. */
  statement: Int32Array;
  /** By sample: how long it stands for, in ms. */
  weight: Float64Array;
  /** By statement: how long of it was not sampled. */
  left: Float64Array;
  /** How long of the cell neither a statement nor a sample has. */
  outside: number;
}

/** The spans of cells themselves, by the number of the execution; of a narrowed recording they may be missing. */
export function cellSpans(trace: Trace): Map<number, number> {
  const found = new Map<number, number>();
  const { order } = trace.tree;
  for (let place = 0; place < trace.count; place++) {
    const row = order[place]!;
    const cell = trace.cell[row]!;
    if (cell > 0 && !found.has(cell) && trace.nameOf(row).startsWith("cell [")) found.set(cell, row);
  }
  return found;
}

/** When a cell ran: by its own span, or by what is known where that is gone. */
export function ranOf(profile: Profile, trace: Trace, cell: number, row: number): Ran {
  const whole = row >= 0;
  const running = whole && trace.isRunning(row);
  if (whole && !Number.isNaN(trace.end[row]!)) return { row, from: trace.start[row]!, to: trace.endOf(row), running };
  let from = Infinity;
  let to = -Infinity;
  for (const { begun, ended } of profile.statements.get(cell) ?? []) {
    from = Math.min(from, begun);
    to = Math.max(to, begun, Number.isNaN(ended) ? begun : ended);
  }
  for (const at of profile.rowsOf(cell)) {
    from = Math.min(from, profile.time[at]! - profile.wall[at]!);
    to = Math.max(to, profile.time[at]!);
  }
  if (whole) from = trace.start[row]!;
  // A running one as far as somebody has looked: what came after that may be anybody's.
  if (running && !(to > -Infinity)) to = trace.now;
  if (!(to >= from)) return { row, from: 0, to: 0, running };
  return { row, from, to, running };
}

export function allot(profile: Profile, cell: number, ran: Ran): Allotted {
  const { from, to } = ran;
  const inside = (moment: number) => Math.min(Math.max(moment, from), to);
  const statements = (profile.statements.get(cell) ?? []).filter(Boolean).map((each) => {
    const begun = inside(each.begun);
    return { ...each, begun, ended: Number.isNaN(each.ended) ? to : Math.max(begun, inside(each.ended)) };
  });
  const rows = profile.rowsOf(cell);
  const own = new Uint8Array(rows.length);
  const statement = new Int32Array(rows.length).fill(-1);
  const many = statements.length;
  const length = new Float64Array(many + 1);
  statements.forEach((each, place) => (length[place] = each.ended - each.begun));
  length[many] = Math.max(0, to - from - length.subarray(0, many).reduce((sum, each) => sum + each, 0));
  const taken = new Float64Array(many + 1);
  for (let i = 0; i < rows.length; i++) {
    const at = rows[i]!;
    own[i] = Number(profile.isOwn(at));
    // A sample lies before its moment, and never reaches back beyond the beginning of its statement.
    const moment = own[i] ? profile.time[at]! - profile.wall[at]! / 2 : profile.time[at]! - 1e-6;
    statement[i] = running(statements, moment);
    if (own[i]) taken[statement[i]! < 0 ? many : statement[i]!]! += profile.wall[at]!;
  }
  const weight = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const place = statement[i]! < 0 ? many : statement[i]!;
    const scale = own[i] && taken[place]! > 0 ? Math.min(1, length[place]! / taken[place]!) : 1;
    weight[i] = profile.wall[rows[i]!]! * scale;
  }
  const left = Float64Array.from(length, (each, place) => Math.max(0, each - taken[place]!));
  return { cell, ran, statements, rows, own, statement, weight, left: left.subarray(0, many), outside: left[many]! };
}

/** The last statement that began by a moment, if it still ran then. */
function running(statements: readonly Statement[], moment: number): number {
  let low = 0;
  let high = statements.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (statements[middle]!.begun <= moment) low = middle + 1;
    else high = middle;
  }
  return low > 0 && moment <= statements[low - 1]!.ended ? low - 1 : -1;
}
