// Cells that have a pool: what workers did beside the thread that waits for them. The same as nbtrace/analysis/profiles: lines.py,
// handed_on.py.

import type { Allotted } from "./allotted";
import type { Profile } from "./profile";
import { Wall } from "./wall";

/** How long a line was on the stacks of each process. */
export class Spells {
  readonly #last = new Map<number | null, { end: number; longest: number }>();
  /** Those that are told apart, if there are several processes. */
  readonly #all: { end: number; longest: number }[] = [];
  #sum = 0;

  /** several: whether there are processes to be told apart; of one alone nothing has to be kept but the sum. */
  constructor(private readonly several: boolean) {}

  /** At a tick of a process the longest of its threads counts, not all of them. */
  add(process: number | null, end: number, lasted: number): void {
    let last = this.#last.get(process);
    if (last?.end !== end) {
      if (!last || this.several) {
        this.#last.set(process, (last = { end, longest: 0 }));
        this.#all.push(last);
      }
      [last.end, last.longest] = [end, 0];
    }
    this.#sum += Math.max(0, lasted - last.longest);
    last.longest = Math.max(last.longest, lasted);
  }

  /** All of them together. Processes look at moments of their own: what several of them ran at once counts once. */
  get time(): number {
    if (this.#last.size < 2) return this.#sum;
    const wall = new Wall();
    for (const { end, longest } of this.#all.sort((a, b) => a.end - a.longest - b.end + b.longest)) wall.add(end - longest, end);
    return wall.total;
  }
}

/** The weights of a cell's samples, where the time in which its own thread only waited is theirs who were at work then: at each moment
 * those of the other processes that were seen in a line of the notebook share it. */
export function handedOn(profile: Profile, time: Allotted, isInNotebook: (node: number) => boolean): Float64Array {
  const { rows, own, weight } = time;
  /** Of those that waited and of those that worked: when. */
  const spells: [i: number, works: boolean, begin: number, end: number][] = [];
  for (let i = 0; i < rows.length; i++) {
    const at = rows[i]!;
    const works = !own[i];
    if (works ? !profile.isElsewhere(at) || !isInNotebook(profile.node[at]!) : !(2 * profile.computed[at]! < profile.wall[at]!)) continue;
    spells.push([i, works, profile.time[at]! - (works ? profile.wall[at]! : weight[i]!), profile.time[at]!]);
  }
  if (!spells.some(([, works]) => works)) return weight;
  const moments = Float64Array.from(new Set(spells.flatMap(([, , begin, end]) => [begin, end]))).sort();
  const place = new Map(Array.from(moments, (moment, at) => [moment, at]));
  const [waiting, working] = [new Int32Array(moments.length), new Int32Array(moments.length)];
  for (const [, works, begin, end] of spells) {
    const steps = works ? working : waiting;
    steps[place.get(begin)!]!++;
    steps[place.get(end)!]!--;
  }
  // Up to each moment: how long the thread had waited while others worked, and how much of that each of them would have had.
  const [shared, part] = [new Float64Array(moments.length), new Float64Array(moments.length)];
  for (let k = 1, many = 0, some = 0; k < moments.length; k++) {
    some += waiting[k - 1]!;
    many += working[k - 1]!;
    const length = some > 0 && many > 0 ? moments[k]! - moments[k - 1]! : 0;
    shared[k] = shared[k - 1]! + length;
    part[k] = part[k - 1]! + length / Math.max(many, 1);
  }
  const found = weight.slice();
  for (const [i, works, begin, end] of spells) {
    const [from, to] = [place.get(begin)!, place.get(end)!];
    found[i] = works ? part[to]! - part[from]! : Math.max(0, found[i]! - shared[to]! + shared[from]!);
  }
  return found;
}
