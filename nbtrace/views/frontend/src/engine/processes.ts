// Cells that have a pool: what workers did beside the thread that waits for them. The same as nbtrace/analysis/profiles: lines.py,
// handed_on.py.

import type { Allotted } from "./allotted";
import type { Profile } from "./profile";

/** How long a line was on the stacks of each process. */
export class Spells {
  readonly #of = new Map<number | null, { end: number; longest: number; sum: number; ends: number[]; lasted: number[] }>();

  /** several: whether there are processes to be told apart; of one alone nothing has to be kept but the sum. */
  constructor(private readonly several: boolean) {}

  /** At a tick of a process the longest of its threads counts, not all of them. */
  add(process: number | null, end: number, lasted: number): void {
    let found = this.#of.get(process);
    if (!found) this.#of.set(process, (found = { end: NaN, longest: 0, sum: 0, ends: [], lasted: [] }));
    if (end !== found.end) {
      [found.end, found.longest] = [end, 0];
      if (this.several) found.lasted[found.ends.push(end) - 1] = 0;
    }
    if (lasted <= found.longest) return;
    found.sum += lasted - found.longest;
    found.longest = lasted;
    if (this.several) found.lasted[found.ends.length - 1] = lasted;
  }

  /** All of them together. Processes look at moments of their own: what several of them ran at once counts once. */
  get time(): number {
    if (this.#of.size < 2) return [...this.#of.values()].reduce((all, { sum }) => all + sum, 0);
    const all = [...this.#of.values()].flatMap(({ ends, lasted }) => ends.map((end, i) => [end - lasted[i]!, end] as const)).sort((a, b) => a[0] - b[0]);
    let [sum, reached] = [0, -Infinity];
    for (const [begin, end] of all) {
      sum += Math.max(0, end - Math.max(begin, reached));
      reached = Math.max(reached, end);
    }
    return sum;
  }
}

/** The weights of a cell's samples, where the time in which its own thread only waited is theirs who were at work then: at each moment
 * those of the other processes that were seen in a line of the notebook share it. */
export function handedOn(profile: Profile, time: Allotted, isInNotebook: (node: number) => boolean): Float64Array {
  const { rows, own, weight } = time;
  if (!profile.isOfSeveral) return weight;
  const home = profile.homeOf(time.cell);
  const waits: number[] = [];
  const works: number[] = [];
  for (let i = 0; i < rows.length; i++) {
    const at = rows[i]!;
    if (own[i]) {
      if (2 * profile.computed[at]! < profile.wall[at]!) waits.push(i);
    } else if (profile.processOf(at) !== home && profile.node[at]! >= 0 && isInNotebook(profile.node[at]!)) works.push(i);
  }
  if (!works.length) return weight;
  const end = (i: number) => profile.time[rows[i]!]!;
  const sides = [waits.map((i) => [end(i) - weight[i]!, end(i)] as const), works.map((i) => [end(i) - profile.wall[rows[i]!]!, end(i)] as const)];
  const moments = Float64Array.from(new Set(sides.flat(2))).sort();
  const [waiting, working] = sides.map((side) => {
    const steps = new Int32Array(moments.length);
    for (const [begin, until] of side) {
      steps[place(moments, begin)]!++;
      steps[place(moments, until)]!--;
    }
    return steps;
  });
  // Up to each moment: how long the thread had waited while others worked, and how much of that each of them would have had.
  const [shared, part] = [new Float64Array(moments.length), new Float64Array(moments.length)];
  for (let k = 1, many = 0, some = 0; k < moments.length; k++) {
    some += waiting![k - 1]!;
    many += working![k - 1]!;
    const length = some > 0 && many > 0 ? moments[k]! - moments[k - 1]! : 0;
    shared[k] = shared[k - 1]! + length;
    part[k] = part[k - 1]! + length / Math.max(many, 1);
  }
  const found = Float64Array.from(weight, (each, i) => (own[i] ? each : 0));
  waits.forEach((i, k) => (found[i] = Math.max(0, found[i]! - during(moments, shared, sides[0]![k]!))));
  works.forEach((i, k) => (found[i] = during(moments, part, sides[1]![k]!)));
  return found;
}

function during(moments: Float64Array, until: Float64Array, [begin, end]: readonly [number, number]): number {
  return until[place(moments, end)]! - until[place(moments, begin)]!;
}

/** Where a moment stands among all, of which it is one. */
function place(moments: Float64Array, moment: number): number {
  let low = 0;
  let high = moments.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (moments[middle]! < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}
