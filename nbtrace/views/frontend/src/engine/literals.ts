// Durations and moments as they are written, in whole nanoseconds: analysis/where/literals.py reads the same.

/** A whole number: as a double where that is exact, else as a bigint. The same number is never both. */
export type Whole = number | bigint;

export const LIMIT = 2n ** 63n;

const SECOND = 1_000_000_000n;
const WORDS: [bigint, string][] = [
  [1n, "ns nanosecond nanoseconds"], [1_000n, "us µs μs microsecond microseconds"], [1_000_000n, "ms millisecond milliseconds"],
  [SECOND, "s sec second seconds"], [60n * SECOND, "min mins minute minutes"], [3_600n * SECOND, "h hr hour hours"], [86_400n * SECOND, "d day days"],
];
/** Nanoseconds of every unit. */
export const UNITS = new Map(WORDS.flatMap(([ns, words]) => words.split(" ").map((word) => [word, ns] as const)));

const PART = /\s*(\d{1,20}(?:\.\d{1,20})?|\.\d{1,20})\s*([\p{L}_][\p{L}\p{N}_]{0,11})/uy;
const CLOCK = /^\s*(?:(\d{1,6}) days? )?(\d{1,6}):(\d\d):(\d\d(?:\.\d{1,9})?)$/;
const MOMENT = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s?(?:Z|([+-])(\d\d)(?::?(\d\d))?)?)?$/;
/** Fractions are counted in these. */
const ONE = 10n ** 20n;

export function whole(number: bigint): Whole {
  const double = Number(number);
  return Number.isSafeInteger(double) ? double : number;
}

/** The nanoseconds of 100ms, 1 s, 2min 30s, -1h or 0 days 00:01:30.5; undefined for anything else, and beyond 64 bits. */
export function durationOf(text: string): Whole | undefined {
  const minus = text.trim().startsWith("-");
  const bare = minus ? text.trim().slice(1) : text.trim();
  let total = 0n;
  const clock = CLOCK.exec(bare);
  if (clock) total = (((BigInt(clock[1] ?? 0) * 24n + BigInt(clock[2]!)) * 60n + BigInt(clock[3]!)) * 60n * ONE + fraction(clock[4]!)) * SECOND;
  else {
    PART.lastIndex = 0;
    let at = 0;
    for (let part; (part = PART.exec(bare)); at = PART.lastIndex) {
      const unit = UNITS.get(part[2]!);
      if (!unit) return undefined;
      total += fraction(part[1]!) * unit;
    }
    if (!at || at !== bare.length) return undefined;
  }
  // Halves to the even one, as decimals are rounded.
  const over = (total % ONE) * 2n;
  total /= ONE;
  if (over > ONE || (over === ONE && total % 2n)) total++;
  return total < LIMIT ? whole(minus ? -total : total) : undefined;
}

function fraction(digits: string): bigint {
  const [before, behind = ""] = digits.split(".");
  return BigInt(before + behind.padEnd(20, "0"));
}

/** The nanoseconds since the epoch of a date or time, UTC where no zone stands; undefined if it is none. */
export function momentOf(text: string): Whole | undefined {
  const match = MOMENT.exec(text.trim());
  if (!match) return undefined;
  const [, day, clock = "00:00", seconds = "00", digits = "", sign, hours = "0", minutes = "0"] = match;
  const written = `${day}T${clock}:${seconds}`;
  const ms = Date.parse(`${written}Z`);
  // JavaScript reads the 30th of February as one of March.
  if (Number.isNaN(ms) || !new Date(ms).toISOString().startsWith(written) || Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const away = (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? 60_000 : -60_000);
  const ns = BigInt(ms + away) * 1_000_000n + BigInt(digits.padEnd(9, "0"));
  return ns < LIMIT && ns > -LIMIT ? whole(ns) : undefined;
}
