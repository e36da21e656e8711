// How time was spent: in Python's code, in other code, waiting; and what no clock told of.

import type { Profile } from "./profile";

export const PYTHON = 0;
export const NATIVE = 1;
export const WAITING = 2;
export type Mode = typeof PYTHON | typeof NATIVE | typeof WAITING;

/** What most of some time was; of what is not known a thread computed Python. */
export function modeOf(total: number, native: number, waiting: number): Mode {
  const python = total - native - waiting;
  if (native > python && native >= waiting) return NATIVE;
  return waiting > python && waiting > native ? WAITING : PYTHON;
}

/** Times of a part of the samples, in ms; what they do not have of `total` is not known. */
export interface Parts {
  total: number;
  python: number;
  native: number;
  waiting: number;
}

/** In which share of its time a sample's thread computed; NaN where that is not known. */
function computedOf(profile: Profile, row: number): number {
  const wall = profile.wall[row]!;
  return wall > 0 ? Math.min(1, profile.computed[row]! / wall) : 0 * profile.computed[row]!;
}

export function nothing(): Parts {
  return { total: 0, python: 0, native: 0, waiting: 0 };
}

/** Add a sample that stands for so long. */
export function add(to: Parts, profile: Profile, row: number, weight: number): void {
  const computed = computedOf(profile, row) * weight;
  to.total += weight;
  if (Number.isNaN(computed)) return;
  to[profile.native[row] ? "native" : "python"] += computed;
  to.waiting += weight - computed;
}

/** Sums of samples in some order, so that each run of them has its own at once. `weights`: how long each stands for. */
export class Sums {
  readonly #total: Float64Array;
  readonly #python: Float64Array;
  readonly #native: Float64Array;
  readonly #waiting: Float64Array;

  constructor(profile: Profile, rows: ArrayLike<number>, weights?: Float64Array) {
    const n = rows.length;
    const [total, python, native, waiting] = [0, 0, 0, 0].map(() => new Float64Array(n + 1)) as [Float64Array, Float64Array, Float64Array, Float64Array];
    for (let i = 0; i < n; i++) {
      const row = rows[i]!;
      const weight = weights ? weights[row]! : profile.wall[row]!;
      const computed = computedOf(profile, row) * weight;
      const known = computed === computed;
      const isNative = profile.native[row] === 1;
      total[i + 1] = total[i]! + weight;
      python[i + 1] = python[i]! + (known && !isNative ? computed : 0);
      native[i + 1] = native[i]! + (known && isNative ? computed : 0);
      waiting[i + 1] = waiting[i]! + (known ? weight - computed : 0);
    }
    this.#total = total;
    this.#python = python;
    this.#native = native;
    this.#waiting = waiting;
  }

  /** Of the samples from a place up to, not with, another. */
  of(from: number, to: number): Parts {
    return { total: this.totalOf(from, to), python: this.#python[to]! - this.#python[from]!, native: this.#native[to]! - this.#native[from]!, waiting: this.#waiting[to]! - this.#waiting[from]! };
  }

  totalOf(from: number, to: number): number {
    return this.#total[to]! - this.#total[from]!;
  }

  mode(from: number, to: number): Mode {
    return modeOf(this.totalOf(from, to), this.#native[to]! - this.#native[from]!, this.#waiting[to]! - this.#waiting[from]!);
  }
}
