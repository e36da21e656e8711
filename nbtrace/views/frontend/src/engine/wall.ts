// How long several spans took: by the clock on the wall, and added up. Side by side, they differ.

import { duration } from "./words";

/** From so much more on, the sum is worth a word. */
const MUCH = 1.5;

/** Times of spans, added in the order of their starts. */
export class Wall {
  /** For how long one or more ran. */
  total = 0;
  sum = 0;
  #until = -Infinity;

  add(start: number, end: number): void {
    this.sum += end - start;
    this.total += Math.max(0, end - Math.max(start, this.#until));
    this.#until = Math.max(this.#until, end);
  }
}

/** What spans took: as the wall saw it, and what they add up to where that is much more. */
export function took(total: number, sum: number): string {
  return sum > total * MUCH ? `${duration(total)} (sum ${duration(sum)})` : duration(total);
}
