// Values that hold until the next one, and what of them stands in the columns of a picture. Where many share a pixel not all of them are
// looked at in each frame: of each chunk the extremes are known.

/** A range of time in ms. */
export interface Range {
  from: number;
  to: number;
}

const CHUNK = 16;

/** A value from each moment until the next. */
export interface Steps {
  time: Float64Array;
  value: Float64Array;
  /** The most of each `CHUNK` steps: where many share a pixel, not all are looked at in each frame. */
  most: Float64Array;
}

/** Cores kept busy. */
export interface Cores extends Steps {
  bands: Float64Array[];
  /** The bands in which there is anything. */
  used: number[];
  /** By band, value times duration of each `CHUNK` steps. */
  areas: Float64Array[];
}

/** Resident bytes. */
export interface Memory extends Steps {
  /** Of how many processes each is the sum. */
  processes: Uint16Array;
  least: Float64Array;
}

/** The greatest of each chunk of values, or the least: with -1 as `sign`. */
export function extremes(values: Float64Array, sign = 1): Float64Array {
  const found = new Float64Array(Math.ceil(values.length / CHUNK));
  for (let chunk = 0, i = 0; chunk < found.length; chunk++) {
    let extreme = values[i]!;
    for (const end = Math.min(values.length, i + CHUNK); i < end; i++) if (sign * values[i]! > sign * extreme) extreme = values[i]!;
    found[chunk] = extreme;
  }
  return found;
}

/** Value times duration of each chunk that another follows. */
export function areasOf(time: Float64Array, values: Float64Array): Float64Array {
  const found = new Float64Array(Math.ceil(values.length / CHUNK));
  for (let chunk = 0, i = 0; chunk + 1 < found.length; chunk++) {
    let area = 0;
    for (const end = i + CHUNK; i < end; i++) area += values[i]! * (time[i + 1]! - time[i]!);
    found[chunk] = area;
  }
  return found;
}

/** The same over time that is shown otherwise. */
export function coresOver(cores: Cores, shown: (moment: number) => number): Cores {
  const time = cores.time.map(shown);
  return { ...cores, time, areas: cores.areas.map((areas, band) => (areas.length ? areasOf(time, cores.bands[band]!) : areas)) };
}

export function memoryOver(memory: Memory, shown: (moment: number) => number): Memory {
  return { ...memory, time: memory.time.map(shown) };
}

/** What stands in the columns of a picture. */
export interface CoreColumns {
  /** By band, the mean over each column. */
  bands: Float64Array[];
  /** The most in each column that all were together. */
  most: Float64Array;
}

export function coreColumns(cores: Cores, range: Range, columns: number): CoreColumns {
  const bands = cores.bands.map(() => new Float64Array(columns));
  const most = new Float64Array(columns);
  const { time, value } = cores;
  const scale = columns / (range.to - range.from);
  if (!(scale > 0) || !Number.isFinite(scale)) return { bands, most };
  const used = cores.used.map((band) => ({ from: cores.bands[band]!, areas: cores.areas[band]!, to: bands[band]! }));
  for (let i = Math.max(0, stepAt(time, range.from)); i < time.length && time[i]! < range.to; i++) {
    const begin = Math.max(0, (time[i]! - range.from) * scale);
    if (i % CHUNK === 0 && time[i]! >= range.from && (time[i + CHUNK]! - range.from) * scale <= Math.min(columns, Math.floor(begin) + 1)) {
      const [column, chunk] = [Math.floor(begin), i / CHUNK];
      for (const { areas, to } of used) to[column]! += areas[chunk]! * scale;
      if (cores.most[chunk]! > most[column]!) most[column] = cores.most[chunk]!;
      i += CHUNK - 1;
      continue;
    }
    if (!value[i]) continue;
    const end = i + 1 < time.length ? Math.min(columns, (time[i + 1]! - range.from) * scale) : columns;
    for (let column = Math.floor(begin); column < end; column++) {
      const part = Math.min(end, column + 1) - Math.max(begin, column);
      for (const { from, to } of used) to[column]! += part * from[i]!;
      if (value[i]! > most[column]!) most[column] = value[i]!;
    }
  }
  return { bands, most };
}

/** The least and the most bytes in each column; NaN before the first are known. */
export interface MemoryColumns {
  least: Float64Array;
  most: Float64Array;
}

export function memoryColumns(memory: Memory, range: Range, columns: number): MemoryColumns {
  const [least, most] = [new Float64Array(columns).fill(NaN), new Float64Array(columns).fill(NaN)];
  const { time } = memory;
  const scale = columns / (range.to - range.from);
  if (!(scale > 0) || !Number.isFinite(scale)) return { least, most };
  for (let i = Math.max(0, stepAt(time, range.from)); i < time.length && time[i]! < range.to; i++) {
    const begin = Math.floor(Math.max(0, (time[i]! - range.from) * scale));
    // Of a chunk that lies in one column it is enough to know the extremes.
    const many = i % CHUNK === 0 && (time[i + CHUNK]! - range.from) * scale < Math.min(columns, begin + 1);
    const next = many ? i + CHUNK : i + 1;
    const end = next < time.length ? Math.min(columns - 1, Math.floor((time[next]! - range.from) * scale)) : columns - 1;
    const low = many ? memory.least[i / CHUNK]! : memory.value[i]!;
    const high = many ? memory.most[i / CHUNK]! : low;
    for (let column = begin; column <= end; column++) {
      if (!(least[column]! <= low)) least[column] = low;
      if (!(most[column]! >= high)) most[column] = high;
    }
    i = next - 1;
  }
  return { least, most };
}

/** The place of the step that holds at a moment; -1 before the first. */
export function stepAt(time: Float64Array, moment: number): number {
  let [low, high] = [0, time.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (time[middle]! <= moment) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export interface Peak {
  value: number;
  /** Since when it holds, within the range. */
  at: number;
}

/** The most in a range, the first time that it is reached; undefined where nothing is known. */
export function peakIn({ time, value, most }: Steps, range: Range): Peak | undefined {
  let found = -1;
  for (let i = Math.max(0, stepAt(time, range.from)); i < time.length && time[i]! <= range.to; i++) {
    if (i % CHUNK === 0 && found >= 0 && most[i / CHUNK]! <= value[found]!) i += CHUNK - 1;
    else if (found < 0 || value[i]! > value[found]!) found = i;
  }
  return found < 0 ? undefined : { value: value[found]!, at: Math.max(range.from, time[found]!) };
}
