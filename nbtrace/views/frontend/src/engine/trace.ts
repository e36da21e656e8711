// Spans as columns: what the kernel has told of, and not forgotten.

import { COLOURS, hue } from "./colour";
import type { CellInfo, SpansColumns, SpansHeader } from "../protocol";
import type { Column } from "./frames";
import { resized } from "./room";
import { Tree } from "./tree";

export const UNSET = 0;
export const OK = 1;
export const ERROR = 2;

const UNFINISHED = 128;

/** How long a task waited before it began; how long of that, first, its worker process started, and how long, last, that fetched results
 * of other workers; in ms. */
export interface Wait {
  waited: number;
  starting: number;
  transfer: number;
}

/** Columns of spans. An index is where a span stands now; its row is the number that the kernel knows it by, which stays.
 * Rows ascend, so that an index is found by halving. */
export class Trace {
  count = 0;
  start = new Float64Array(1024);
  /** NaN while the span runs. */
  end = new Float64Array(1024);
  name = new Uint32Array(1024);
  /** Index of the parent, -1 for a root. */
  parent = new Int32Array(1024);
  cell = new Int32Array(1024);
  flags = new Uint8Array(1024);
  /** How many errors a span has, up to 255: analysis/errors.py says what one is. */
  errors = new Uint8Array(1024);
  row = new Int32Array(1024);
  names: string[] = [];
  /** The number of each name's colour. */
  hues: number[] = [];
  /** When the events of a row happened, in ms. */
  readonly events = new Map<number, number[]>();
  /** By row: the spans that are tasks of pools and engines. */
  readonly tasks = new Map<number, Wait>();
  /** By row: what is shown in place of the name. */
  readonly captions = new Map<number, string>();
  /** In how many processes the spans began. */
  processes = 0;
  /** What processes are called that are workers of an engine. */
  readonly workers = new Map<number | null, string>();
  cells = new Map<number, CellInfo>();
  /** Nanoseconds since the epoch at which times begin. */
  zero = 0n;
  dropped = 0;
  /** Whether only some of the recording's spans are told of. */
  narrowed = false;
  /** The latest moment known, in ms: where running spans end for now. */
  now = 0;
  /** The row of the next new span. */
  next = 0;
  version = 0;
  #going = new Set<number>();
  /** How many names have each colour. */
  #taken = new Uint32Array(COLOURS);
  readonly #derived = new Tree(this);
  #derivedVersion = -1;

  /** Take in a frame. Returns where each index has gone if spans were forgotten: -1 for those that were. */
  append(header: SpansHeader, columns: Column[]): Int32Array | undefined {
    if (header.reset) {
      this.count = 0;
      this.names = [];
      this.hues = [];
      this.#taken.fill(0);
      this.events.clear();
      this.tasks.clear();
      this.captions.clear();
      this.workers.clear();
      this.cells.clear();
      this.#going.clear();
      this.now = 0;
    }
    const [
      start, end, name, parent, cell, flags, errors,
      rows, ends, newNames, newParents, newFlags, newErrors, eventRows, eventTimes, taskRows, waited, starting, transfer, gone,
    ] = columns as SpansColumns;
    const moved = gone.length ? this.#forget(gone) : undefined;
    this.zero = BigInt(header.zero);
    this.dropped = header.dropped;
    this.processes = header.processes;
    this.narrowed = header.narrowed;
    const called: number[] = [];
    for (const text of header.names) called.push(this.names.push(text) - 1);
    for (const [code, text] of header.renamed) {
      if (this.hues[code]) this.#taken[this.hues[code]! - 1]!--;
      this.names[code] = text;
      called.push(code);
    }
    for (const [process, name] of header.workers) this.workers.set(process, name);
    for (const each of header.cells) this.cells.set(each[0], each);
    const at = this.count;
    this.#reserve(at + start.length);
    this.start.set(start, at);
    this.end.set(end, at);
    this.name.set(name, at);
    this.parent.set(parent, at);
    this.cell.set(cell, at);
    this.flags.set(flags, at);
    this.errors.set(errors, at);
    this.count += start.length;
    this.next = header.first + start.length;
    for (let i = 0; i < start.length; i++) this.row[at + i] = header.first + i;
    // Before anything is forgotten, rows and indices are the same.
    if (header.first !== at) for (let i = at; i < this.count; i++) this.parent[i] = this.indexOf(this.parent[i]!);
    const changed: number[] = [];
    for (let i = 0; i < rows.length; i++) {
      const index = this.indexOf(rows[i]!);
      if (index < 0) continue;
      this.end[index] = ends[i]!;
      this.name[index] = newNames[i]!;
      this.parent[index] = this.indexOf(newParents[i]!);
      this.flags[index] = newFlags[i]!;
      this.errors[index] = newErrors[i]!;
      changed.push(index);
    }
    this.#colour(called, at);
    const eventful = new Set<number>();
    for (let i = 0; i < eventRows.length; i++) {
      const row = eventRows[i]!;
      if (row < 0) continue;
      // A span that ran when it was told of brings all its events again when it has ended.
      if (!eventful.has(row)) this.events.set(row, []);
      eventful.add(row);
      this.events.get(row)!.push(eventTimes[i]!);
    }
    for (let i = 0; i < taskRows.length; i++) this.tasks.set(taskRows[i]!, { waited: waited[i]!, starting: starting[i]!, transfer: transfer[i]! });
    for (let index = at; index < this.count; index++) this.#look(index);
    for (const index of changed) this.#look(index);
    if (this.#going.size) this.now = Math.max(this.now, header.now - Number(this.zero / 1000n) / 1000);
    this.version++;
    return moved;
  }

  /** Take in what is shown of `rows`: captions of some of them. Returns whether there are any. */
  caption(rows: Int32Array, texts: readonly string[], captionRows: Int32Array, captions: Uint32Array): boolean {
    if (this.captions.size) for (const row of rows) this.captions.delete(row);
    captionRows.forEach((row, i) => this.indexOf(row) >= 0 && this.captions.set(row, texts[captions[i]!]!));
    return captionRows.length > 0;
  }

  /** How many spans run. */
  get running(): number {
    return this.#going.size;
  }

  /** Where the span of a row stands; -1 if it is not known, or not any more. */
  indexOf(row: number): number {
    if (row < 0 || !this.count) return -1;
    let low = 0;
    let high = this.count - 1;
    // What is forgotten is mostly old: behind the gaps, rows are as far from the last one as indices.
    const guess = high - (this.row[high]! - row);
    if (guess >= 0 && this.row[guess] === row) return guess;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const here = this.row[middle]!;
      if (here === row) return middle;
      if (here < row) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** Take note of a span that is new or has changed. */
  #look(index: number): void {
    const until = this.end[index]!;
    if (this.isRunning(index)) this.#going.add(this.row[index]!);
    else this.#going.delete(this.row[index]!);
    if (until > this.now) this.now = until;
    if (this.start[index]! > this.now) this.now = this.start[index]!;
  }

  /** Names that are new have the colour of their letters, or the next of those that fewest have, as what stands together should be
   * told apart: in the order in which they begin, whatever has ended, and come, first. `at`: the first new row. */
  #colour(codes: number[], at: number): void {
    const first = new Map(codes.map((code) => [code, Infinity]));
    for (let index = codes.length ? at : this.count; index < this.count; index++) {
      const code = this.name[index]!;
      if (this.start[index]! < (first.get(code) ?? -Infinity)) first.set(code, this.start[index]!);
    }
    for (const code of codes.sort((a, b) => first.get(a)! - first.get(b)!)) {
      let found = hue(this.names[code]!);
      if (found) {
        const fewest = Math.min(...this.#taken);
        while (this.#taken[found - 1]! > fewest) found = 1 + (found % COLOURS);
        this.#taken[found - 1]!++;
      }
      this.hues[code] = found;
    }
  }

  /** Close the gaps that rows leave; children of a span that is gone are roots. */
  #forget(rows: Int32Array): Int32Array {
    const moved = new Int32Array(this.count);
    for (const row of rows) {
      const index = this.indexOf(row);
      if (index >= 0) moved[index] = -1;
      this.events.delete(row);
      this.tasks.delete(row);
      this.captions.delete(row);
      this.#going.delete(row);
    }
    let kept = 0;
    for (let index = 0; index < this.count; index++) if (moved[index] === 0) moved[index] = kept++;
    const used = new Set<number>();
    for (let index = 0; index < this.count; index++) {
      const to = moved[index]!;
      if (to < 0) continue;
      const parent = this.parent[index]!;
      this.parent[to] = parent < 0 ? -1 : moved[parent]!;
      this.start[to] = this.start[index]!;
      this.end[to] = this.end[index]!;
      this.name[to] = this.name[index]!;
      this.cell[to] = this.cell[index]!;
      this.flags[to] = this.flags[index]!;
      this.errors[to] = this.errors[index]!;
      this.row[to] = this.row[index]!;
      if (!to || this.cell[to] !== this.cell[to - 1]) used.add(this.cell[to]!);
    }
    this.count = kept;
    for (const number of this.cells.keys()) if (!used.has(number)) this.cells.delete(number);
    if (this.start.length > 4 * Math.max(kept, 1024)) this.#resize(2 * Math.max(kept, 1024));
    return moved;
  }

  /** The end of a span; of one that runs, the latest moment known; of one that never ended, its start. Never before that. */
  endOf(row: number): number {
    const end = this.end[row]!;
    if (end === end) return Math.max(end, this.start[row]!);
    return this.isRunning(row) ? Math.max(this.now, this.start[row]!) : this.start[row]!;
  }

  /** What is known of how a task waited; undefined for what is none. */
  waitOf(row: number): Wait | undefined {
    return this.tasks.size ? this.tasks.get(this.row[row]!) : undefined;
  }

  /** Since when a span is shown: a task since it was submitted, but not from before its parent began; others since their start. */
  since(row: number): number {
    const start = this.start[row]!;
    const waited = this.waitOf(row)?.waited;
    if (!waited) return start;
    const parent = this.parent[row]!;
    return Math.min(start, Math.max(start - waited, parent < 0 ? -Infinity : this.start[parent]!));
  }

  /** What a process is called: by its worker, else by its number on its machine. */
  processName(process: number | null): string {
    return this.workers.get(process) ?? `process ${process === null ? "?" : process % 2 ** 32}`;
  }

  duration(row: number): number {
    return this.endOf(row) - this.start[row]!;
  }

  isRunning(row: number): boolean {
    return Number.isNaN(this.end[row]!) && !this.isUnfinished(row);
  }

  /** Whether a span has no end and will have none: its cell is over. */
  isUnfinished(row: number): boolean {
    return (this.flags[row]! & UNFINISHED) !== 0;
  }

  kindOf(row: number): number {
    return (this.flags[row]! >> 4) & 7;
  }

  eventsOf(row: number): number[] | undefined {
    return this.events.get(this.row[row]!);
  }

  status(row: number): number {
    return this.flags[row]! & 3;
  }

  nameOf(row: number): string {
    return this.names[this.name[row]!] ?? "";
  }

  /** What is shown of a span: what it did, to what, and how much of it where that is known; of one without a caption its name. */
  titleOf(row: number): string {
    return this.captionOf(row).filter(Boolean).join(" · ");
  }

  /** What a span did, and to what; and how much of it. */
  captionOf(row: number): [head: string, rest: string] {
    const [head = "", rest = ""] = (this.captions.size ? this.captions.get(this.row[row]!) : undefined)?.split("\n") ?? [];
    return [head || this.nameOf(row), rest];
  }

  get tree(): Tree {
    if (this.#derivedVersion !== this.version) {
      this.#derived.grow();
      this.#derivedVersion = this.version;
    }
    return this.#derived;
  }

  #reserve(count: number): void {
    if (count <= this.start.length) return;
    this.#resize(Math.max(count, this.start.length * 2));
  }

  #resize(size: number): void {
    this.start = resized(this.start, size);
    this.end = resized(this.end, size);
    this.name = resized(this.name, size);
    this.parent = resized(this.parent, size);
    this.cell = resized(this.cell, size);
    this.flags = resized(this.flags, size);
    this.errors = resized(this.errors, size);
    this.row = resized(this.row, size);
  }
}
