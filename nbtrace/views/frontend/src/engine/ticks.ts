// Marks of a time axis: where they stand, and what is written beside them so that neighbours are told apart at any zoom.

import type { Range } from "./steps";
import { duration } from "./words";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Above five seconds time is not decimal. */
const CLOCK = [10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200].map((seconds) => seconds * SECOND);
/** Durations are told in whole nanoseconds. */
const FINEST = 1e-6;

/** The distance of marks that is at least `rough` ms. */
export function stepOf(rough: number): number {
  const onClock = rough > 5 * SECOND && CLOCK.find((each) => each >= rough);
  if (onClock) return onClock;
  const unit = rough > 5 * SECOND ? DAY : 1;
  const power = 10 ** Math.floor(Math.log10(rough / unit));
  const factor = [1, 2, 5].find((each) => each * power * unit >= rough) ?? 10;
  return Math.max(FINEST, unit > 1 ? Math.max(unit, factor * power * unit) : factor * power);
}

/** Moments for about `wanted` marks in a range. */
export function ticks(range: Range, wanted: number): number[] {
  const span = range.to - range.from;
  return span > 0 ? multiples(range, stepOf(span / Math.max(1, wanted))) : [];
}

/** The multiples of a step in a range, a hundred at the most. */
export function multiples({ from, to }: Range, step: number): number[] {
  const found: number[] = [];
  const first = Math.ceil(from / step);
  for (let i = 0; (first + i) * step <= to && i < 100; i++) found.push((first + i) * step);
  return found;
}

/** What is written at some multiples of a step: in full where three digits tell them exactly, else what is added to a moment that is said once. */
export function written(moments: readonly number[], step: number): { offset: string; texts: string[] } {
  if (moments.every((each) => exact(each, step))) return { offset: "", texts: moments.map((each) => (each === 0 ? "0" : duration(each))) };
  const round = step * 10;
  const base = Math.floor(moments[0]! / round + 1e-9) * round;
  const most = moments[moments.length - 1]! - base;
  const [unit, name] = most < 1e-3 ? [1e-6, "ns"] : most < 1 ? [1e-3, "µs"] : most < SECOND ? [1, "ms"] : [SECOND, "s"];
  const digits = digitsOf(step, unit);
  const texts = moments.map((each) => `+${most < MINUTE ? `${((each - base) / unit).toFixed(digits)} ${name}` : duration(each - base)}`);
  return { offset: `${momentText(base, round)} +`, texts };
}

/** A moment, told apart from one that is `step` ms later. */
export function momentText(ms: number, step: number): string {
  if (!Number.isFinite(ms) || !(step > 0)) return "";
  if (ms < 0) return `-${momentText(-ms, step)}`;
  if (ms < SECOND && step < 10) return `${ms.toFixed(digitsOf(step, 1))} ms`;
  const digits = digitsOf(step, SECOND);
  // In whole steps: rounded later, a minute could have sixty seconds.
  const parts = 10 ** digits;
  const whole = Math.round((ms / SECOND) * parts);
  const minutes = Math.floor(whole / (60 * parts));
  const seconds = `${((whole - minutes * 60 * parts) / parts).toFixed(digits)} s`;
  return minutes >= 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min ${seconds}` : minutes ? `${minutes} min ${seconds}` : seconds;
}

/** About how long: 10 min, 3 h. */
export function about(ms: number): string {
  if (ms < SECOND) return duration(ms);
  const [unit, name] = ms < 59.5 * SECOND ? [SECOND, "s"] : ms < 59.5 * MINUTE ? [MINUTE, "min"] : ms < 47.5 * HOUR ? [HOUR, "h"] : [DAY, "days"];
  return `${Math.round(ms / unit)} ${name}`;
}

/** Whether three digits, or whole seconds or minutes, say all of it. */
function exact(ms: number, step: number): boolean {
  if (ms === 0) return true;
  const size = Math.abs(ms);
  const unit = size < 59.95 * SECOND ? Math.max(FINEST, 10 ** (Math.floor(Math.log10(size) + 1e-9) - 2)) : size < HOUR ? SECOND : MINUTE;
  return Math.abs(size - Math.round(size / unit) * unit) < step / 100;
}

function digitsOf(step: number, unit: number): number {
  return Math.min(9, Math.max(0, Math.ceil(-Math.log10(step / unit) - 1e-9)));
}
