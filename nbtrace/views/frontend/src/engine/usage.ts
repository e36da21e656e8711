// What the processes took of the machine over time, as values that hold until the next one: the same as
// nbtrace/formats/counters.py, told apart by who computed.

import { type Ran, cellSpans, ranOf } from "./allotted";
import type { Profile } from "./profile";
import { resized } from "./room";
import { type Cores, type Memory, type Range, areasOf, extremes, stepAt } from "./steps";
import type { Trace } from "./trace";

/** Who computed: the thread that a person waits for, and all others that were sampled. */
export const OWN = 0;
export const OTHERS = 1;
/** Threads of libraries, which no sampler sees: what was measured in total and not seen, spread. */
export const LIBRARIES = 2;
/** Cells without samples: what was measured in total, spread over their time. */
export const MEAN = 3;
/** Other processes: workers of pools, and what else was sampled there. */
export const WORKERS = 4;
export const BANDS = 5;

/** Samples are rounded to hundredths of a millisecond: what begins less than four of them after the thread's last one begins there. */
const ABOUT = 0.035;
/** Which part of a cell's time cores must be missing before it is said that others computed. */
const NOTABLE = 0.1;
/** More threads than these beside the cell's own, in less than a tenth of its time, are not believed. */
const MANY = 16;

export interface Usage {
  cores: Cores;
  memory: Memory;
  /** When something was measured, ascending. */
  looks: Float64Array;
}

/** A part of the time of a range: from, to, and what is there. */
class Pieces {
  count = 0;
  /** How many of them are samples, which come first and about in order. */
  sampled = 0;
  began: Float64Array;
  ended: Float64Array;
  value: Float64Array;
  band: Uint8Array;

  constructor(room: number) {
    this.began = new Float64Array(room);
    this.ended = new Float64Array(room);
    this.value = new Float64Array(room);
    this.band = new Uint8Array(room);
  }

  add(band: number, began: number, ended: number, value: number): void {
    if (!(ended > began) || !(value >= 0) || !Number.isFinite(ended - began) || !Number.isFinite(value)) return;
    if (this.count === this.began.length) this.#widen();
    this.began[this.count] = began;
    this.ended[this.count] = ended;
    this.value[this.count] = value;
    this.band[this.count++] = band;
  }

  #widen(): void {
    const room = Math.max(64, this.began.length * 2);
    this.began = resized(this.began, room);
    this.ended = resized(this.ended, room);
    this.value = resized(this.value, room);
    this.band = resized(this.band, room);
  }
}

interface Cell {
  number: number;
  ran: Ran;
  /** How long all threads of its process computed meanwhile, in ms; NaN where that is not known. */
  cpu: number;
  peak: number;
  /** Whether other cells ran meanwhile. */
  shared: boolean;
}

/** What there is to say of a profile, for all of its time. */
export function usageOf(profile: Profile, trace: Trace): Usage {
  const order = inTime(profile);
  const began = beginnings(profile, order);
  const pieces = new Pieces(profile.count + 64);
  const looks = new Float64Array(order.length);
  let many = 0;
  const who = (at: number) => (profile.isOwn(at) ? OWN : profile.isElsewhere(at) ? WORKERS : OTHERS);
  for (const at of order) {
    const wall = profile.wall[at]!;
    const computed = profile.computed[at]!;
    if (computed >= 0) pieces.add(who(at), began[at]!, profile.time[at]!, wall > 0 ? Math.min(1, computed / wall) : 0);
    if ((computed >= 0 || profile.memory[at]! >= 0) && Number.isFinite(profile.time[at]!)) looks[many++] = profile.time[at]!;
  }
  const cells = cellsOf(profile, trace);
  const unseen: Cell[] = [];
  const ends: number[] = [];
  pieces.sampled = pieces.count;
  for (const cell of cells) {
    // What a cell took is what its own process did: its workers are sampled, or not known.
    const rows = profile.rowsOf(cell.number).filter((at) => !profile.isElsewhere(at));
    if (!rows.length) unseen.push(cell);
    const { from, to } = cell.ran;
    // Where the system does not tell of threads, it tells of the process: that is all there is.
    if (!rows.some((at) => profile.computed[at]! >= 0)) pieces.add(MEAN, from, to, cell.cpu / (to - from));
    else spread(profile, order, began, cell, rows, pieces);
    if (cell.cpu >= 0 || cell.peak >= 0) ends.push(to);
  }
  return { cores: coresOf(pieces), memory: memoryOf(profile, order, unseen), looks: merged(looks.subarray(0, many), Float64Array.from(ends).sort()) };
}

/** Samples in the order of time. They come in it, but for clocks that are set back. */
function inTime(profile: Profile): Int32Array {
  const order = new Int32Array(profile.count);
  let sorted = true;
  for (let at = 0; at < order.length; at++) {
    order[at] = at;
    if (at && !(profile.time[at]! >= profile.time[at - 1]!)) sorted = false;
  }
  if (sorted) return order;
  return order.filter((at) => Number.isFinite(profile.time[at]!)).sort((a, b) => profile.time[a]! - profile.time[b]! || a - b);
}

/** Since when each sample holds. Times are rounded: what begins about where the thread's last one ended begins there, or the two
 * would count as two cores for a moment. */
function beginnings(profile: Profile, order: Int32Array): Float64Array {
  const began = new Float64Array(profile.count);
  const ended = new Float64Array(profile.threads.length).fill(NaN);
  for (const at of order) {
    const thread = profile.thread[at]!;
    const since = profile.time[at]! - profile.wall[at]!;
    const last = ended[thread]!;
    began[at] = since < last + ABOUT ? last : since;
    ended[thread] = profile.time[at]!;
  }
  return began;
}

/** Cells of which it is known what they took, and when they ran. */
function cellsOf(profile: Profile, trace: Trace): Cell[] {
  if (!profile.resources.size) return [];
  const rows = cellSpans(trace);
  const found: Cell[] = [];
  for (const [number, cpu, peak, , , , , shared] of profile.resources.values()) {
    const ran = ranOf(profile, trace, number, rows.get(number) ?? -1);
    if (ran.to > ran.from) found.push({ number, ran, cpu: cpu ?? NaN, peak: peak ?? NaN, shared });
  }
  return found.sort((a, b) => a.ran.from - b.ran.from);
}

/** What a process computed during a cell, and no sample saw, goes where the cell computed in code that is not Python's. Where other
 * threads of the cell ran Python, it may as well be theirs, of before they were first seen: nothing tells when that was, nor how many
 * processors there are, and it is spread over all of the cell's time. */
function spread(profile: Profile, order: Int32Array, began: Float64Array, cell: Cell, rows: readonly number[], pieces: Pieces): void {
  if (!(cell.cpu > 0)) return;
  const { from, to } = cell.ran;
  const process = profile.homeOf(cell.number);
  // Of a thread of which the system does not tell, it may have been all of its time.
  const share = (at: number) => (profile.computed[at]! >= 0 ? Math.min(1, profile.computed[at]! / profile.wall[at]!) : 1);
  let left = cell.cpu;
  for (let k = firstFrom(order, profile.time, from); k < order.length && profile.time[order[k]!]! <= to; k++) {
    const at = order[k]!;
    if (profile.processOf(at) !== process || !(profile.wall[at]! > 0)) continue;
    const during = profile.time[at]! - Math.max(from, began[at]!);
    if (during > 0) left -= share(at) * during;
  }
  // Cells that ran meanwhile have the same threads in their sums.
  for (let k = pieces.count; cell.shared && k-- > pieces.sampled; ) {
    const during = Math.min(to, pieces.ended[k]!) - Math.max(from, pieces.began[k]!);
    if (during > 0) left -= pieces.value[k]! * during;
  }
  let [sampled, threaded] = [0, false];
  const places = [OWN, OTHERS].map(() => ({ native: 0, computed: 0, rows: [] as number[] }));
  for (const at of rows) {
    const during = Math.min(to, profile.time[at]!) - Math.max(from, began[at]!);
    if (!(during > 0)) continue;
    if (profile.isOwn(at)) sampled += during;
    if (!(profile.computed[at]! > 0)) continue;
    if (!profile.native[at]) {
      threaded ||= !profile.isOwn(at);
      continue;
    }
    const place = places[profile.isOwn(at) ? OWN : OTHERS]!;
    place.native += during;
    place.computed += share(at) * during;
    place.rows.push(at);
  }
  // Of what was not sampled, the cell's own thread may have taken all.
  left -= Math.max(0, to - from - sampled);
  if (!(left > NOTABLE * (to - from))) return;
  // Such threads share the work, and on a busy machine they get as little of it as the one that waits for them.
  const place = !threaded && places.find(({ native, computed }) => computed > 0 && (left / computed <= MANY || native >= (to - from) / 10));
  if (!place) return pieces.add(LIBRARIES, from, to, left / (to - from));
  for (const at of place.rows) pieces.add(LIBRARIES, Math.max(from, began[at]!), Math.min(to, profile.time[at]!), (share(at) * left) / place.computed);
}

/** Add up what holds from one moment to another. */
function coresOf(pieces: Pieces): Cores {
  const { count } = pieces;
  const sampled = pieces.sampled;
  const sides = [pieces.began, pieces.ended].map((side) => merged(ascending(side.slice(0, sampled)), ascending(side.slice(sampled, count))));
  const moments = merged(sides[0]!, sides[1]!);
  const size = moments.length;
  const bands = Array.from({ length: BANDS }, () => new Float64Array(size));
  let [a, b] = [0, 0];
  for (let i = 0; i < count; i++) {
    const change = bands[pieces.band[i]!]!;
    change[(a = find(moments, size, pieces.began[i]!, a))]! += pieces.value[i]!;
    change[(b = find(moments, size, pieces.ended[i]!, b))]! -= pieces.value[i]!;
  }
  const sums = Array<number>(BANDS).fill(0);
  const total = new Float64Array(size);
  let kept = 0;
  for (let i = 0; i < size; i++) {
    let [sum, same] = [0, kept > 0];
    for (let band = 0; band < BANDS; band++) {
      sum += sums[band]! += bands[band]![i]!;
      const rounded = thousandths(sums[band]!);
      if (kept && bands[band]![kept - 1] !== rounded) same = false;
      bands[band]![kept] = rounded;
    }
    if (same) continue;
    moments[kept] = moments[i]!;
    total[kept++] = thousandths(sum);
  }
  const time = moments.subarray(0, kept);
  const value = total.subarray(0, kept);
  const cut = bands.map((band) => band.subarray(0, kept));
  const used = cut.flatMap((band, who) => (band.some(Boolean) ? [who] : []));
  const areas = cut.map((band, who) => (used.includes(who) ? areasOf(time, band) : new Float64Array(0)));
  return { time, value, most: extremes(value), bands: cut, used, areas };
}

/** Sort what is nearly in order already: sorting from scratch would take most of the time. */
function ascending(values: Float64Array): Float64Array {
  let moves = values.length * 16;
  for (let i = 1; i < values.length; i++) {
    const value = values[i]!;
    let to = i;
    for (; to > 0 && values[to - 1]! > value; to--) values[to] = values[to - 1]!;
    values[to] = value;
    if ((moves -= i - to) < 0) return values.sort();
  }
  return values;
}

/** Two that ascend as one, each value once. */
function merged(one: Float64Array, two: Float64Array): Float64Array {
  const found = new Float64Array(one.length + two.length);
  let [size, i, k] = [0, 0, 0];
  while (i < one.length || k < two.length) {
    const value = k >= two.length || one[i]! <= two[k]! ? one[i++]! : two[k++]!;
    if (!size || found[size - 1] !== value) found[size++] = value;
  }
  return found.subarray(0, size);
}

/** Rounded, as sums of parts leave a trace where there should be nothing. */
function thousandths(value: number): number {
  return Math.max(0, Math.round(value * 1000) / 1000);
}

/** Where a moment stands among all, sought around where the last one stood. */
function find(moments: Float64Array, size: number, moment: number, near: number): number {
  let step = 1;
  let [low, high] = [near, near];
  if (moments[near]! < moment) {
    for (; high < size && moments[high]! < moment; step *= 2) high = (low = high) + step;
    high = Math.min(high, size);
  } else {
    for (; low > 0 && moments[low]! >= moment; step *= 2) low = (high = low) - step;
    low = Math.max(low, 0);
  }
  while (low < high) {
    const middle = (low + high) >> 1;
    if (moments[middle]! < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Resident bytes of all processes together; one that is looked at no more while others are counts no more. Of a cell without
 * samples the peak stands at its beginning. */
function memoryOf(profile: Profile, order: Int32Array, unseen: readonly Cell[]): Memory {
  const room = profile.count + unseen.length;
  const [time, bytes, processes] = [new Float64Array(room), new Float64Array(room), new Uint16Array(room)];
  const known = new Map<number | null, { bytes: number; until: number }>();
  const only = profile.homeOf(0);
  const several = profile.threads.some((thread) => thread[2] !== only);
  const last = new Map<number | null, number>();
  if (several) for (const at of order) if (profile.memory[at]! >= 0) last.set(profile.processOf(at), profile.time[at]!);
  let count = 0;
  let sum = 0;
  const looked = (moment: number, value: number, process: number | null) => {
    if (!(value >= 0) || !Number.isFinite(value) || !Number.isFinite(moment)) return;
    if (several) {
      for (const [each, { until }] of known) if (until < moment && each !== process) known.delete(each);
      known.set(process, { bytes: value, until: last.get(process) ?? moment });
      sum = 0;
      for (const each of known.values()) sum += each.bytes;
    } else sum = value;
    if (count && bytes[count - 1] === sum) return;
    time[count] = moment;
    processes[count] = known.size || 1;
    bytes[count++] = sum;
  };
  let next = 0;
  for (const at of order) {
    const moment = profile.time[at]!;
    for (; next < unseen.length && unseen[next]!.ran.from < moment; next++) looked(unseen[next]!.ran.from, unseen[next]!.peak, only);
    looked(moment, profile.memory[at]!, profile.processOf(at));
  }
  for (; next < unseen.length; next++) looked(unseen[next]!.ran.from, unseen[next]!.peak, only);
  const value = bytes.subarray(0, count);
  return { time: time.subarray(0, count), value, processes, most: extremes(value), least: extremes(value, -1) };
}

/** Whether anything was measured in a range. */
export function measuredIn(usage: Usage, range: Range): boolean {
  const next = stepAt(usage.looks, range.from) + 1;
  return usage.looks[next]! <= range.to || usage.looks[next - 1] === range.from;
}

/** The first of an order whose time is not before a moment. */
function firstFrom(order: Int32Array, time: Float64Array, moment: number): number {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (time[order[middle]!]! < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}
