// What differs by chance: how far apart the same work lies from run to run; analysis/noise.py. Times are whole nanoseconds.

import { round } from "./words";

/** Fewer runs than this say nothing about their noise. */
export const MIN_RUNS = 3;

/** The spread that a time is taken to have where nothing is known, as a share of it. */
const UNKNOWN_SPREAD = 0.25;

/** No spread is taken to be less than this share of the time: three runs can agree by chance. */
const LEAST_SPREAD = 0.01;

/** What the runs of one side took, in ascending order. */
export interface Taken {
  /** In whole nanoseconds. */
  median: number;
  /** The interquartile range; NaN for fewer runs than say something about their noise. */
  spread: number;
}

/** What runs took: sorts what it is given. */
export function taken(times: number[]): Taken {
  times.sort((a, b) => a - b);
  return { median: Math.floor(middle(times)), spread: times.length < MIN_RUNS ? NaN : round(quantile(times, 0.75) - quantile(times, 0.25)) };
}

/** The median of numbers in ascending order. */
export function middle(ascending: readonly number[]): number {
  const low = ascending[(ascending.length - 1) >> 1]!;
  return low + (ascending[ascending.length >> 1]! - low) / 2;
}

/** As numpy's: where the two neighbours weigh the same is a matter of the last bit. */
function quantile(ascending: readonly number[], share: number): number {
  const at = (ascending.length - 1) * share;
  const low = ascending[Math.floor(at)]!;
  const high = ascending[Math.min(Math.floor(at) + 1, ascending.length - 1)]!;
  const part = at - Math.floor(at);
  return part >= 0.5 ? high - (high - low) * (1 - part) : low + (high - low) * part;
}

/** By how much two medians differ by chance, and whether that is only taken to be so, as neither side has enough runs. */
export function byChance(old: Taken, now: Taken): { noise: number; unknown: boolean } {
  let noise = 0;
  let unknown = false;
  for (const [side, other] of [[old, now], [now, old]] as const) {
    const known = !Number.isNaN(side.spread);
    // Where this side alone has too few runs, the other's spread in proportion is the best that is known.
    const share = Number.isNaN(other.spread) || !other.median ? UNKNOWN_SPREAD : other.spread / Math.max(other.median, 1);
    noise += Math.max(known ? side.spread : share * side.median, LEAST_SPREAD * side.median);
    unknown ||= !known && Number.isNaN(other.spread);
  }
  return { noise, unknown };
}

/** What is to be said of two times alone. */
export function verdict(old: Taken, now: Taken): "slower" | "faster" | "same" | "unclear" {
  const { noise, unknown } = byChance(old, now);
  const change = now.median - old.median;
  return Math.abs(change) > noise ? (change > 0 ? "slower" : "faster") : unknown ? "unclear" : "same";
}
