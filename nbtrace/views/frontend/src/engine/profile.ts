// Samples, statements and resources as columns: what a thread was doing at a moment, and for how long that stands.

import type { CodeInfo, FileInfo, ProfileColumns, ProfileHeader, ResourcesInfo, ThreadInfo } from "../protocol";
import type { Column } from "./frames";
import { resized } from "./room";

/** Samples that are kept; beyond a quarter more the oldest are forgotten. */
export const MAX_SAMPLES = 400_000;

const TICK = 0.01;
const LONG = 0xffff;
const UNKNOWN = 127;

const NOTEBOOK = 1;
const CUT = 2;
const MODULE = 4;

/** A statement at the top level of a cell: lines as they were typed, times in ms; the end is NaN while it runs. */
export interface Statement {
  first: number;
  last: number;
  begun: number;
  ended: number;
  /** As a span's. */
  status: number;
}

/** Columns of samples in the order of time, and the tree of their stacks. */
export class Profile {
  count = 0;
  /** When each was taken, in ms as the times of spans are. */
  time = new Float64Array(0);
  /** How long it stands for, before that moment, in ms. */
  wall = new Float64Array(0);
  /** How long of that its thread computed, in ms; NaN where that is not known. */
  computed = new Float64Array(0);
  /** Whether it computed in code that is not Python's. */
  native = new Uint8Array(0);
  /** Resident bytes of the process; NaN where they are not known. */
  memory = new Float64Array(0);
  /** Innermost node of its stack; -1 for none. */
  node = new Int32Array(0);
  /** Place in `threads`. */
  thread = new Int32Array(0);
  /** Number of the execution; 0 outside cells. */
  cell = new Int32Array(0);
  /** Row of the span that was current, as the kernel counts; -1 for none. */
  span = new Int32Array(0);

  /** By node: the one from which it was called, -1 for an outermost one. A node stands behind it. */
  above = new Int32Array(0);
  /** By node: the outermost one of its stack. */
  #outermost = new Int32Array(0);
  /** By node. */
  frame = new Int32Array(0);
  nodes = 0;

  frames = 0;
  functionOf = new Uint32Array(0);
  fileOf = new Uint32Array(0);
  lineOf = new Int32Array(0);
  firstLineOf = new Int32Array(0);
  #kindOf = new Uint8Array(0);

  texts: string[] = [];
  files: FileInfo[] = [];
  threads: ThreadInfo[] = [];
  /** Statements by the number of the execution, in their order. */
  readonly statements = new Map<number, Statement[]>();
  readonly resources = new Map<number, ResourcesInfo>();
  /** How many samples the recording has dropped. */
  dropped = 0;
  /** How many frames have arrived. */
  received = 0;
  version = 0;
  /** What was found for this version. */
  readonly #homes = new Map<number, number | null>();
  #homesVersion = -1;
  readonly #filesOf = new Map<number, number>();
  readonly #counts = new Map<number, number | null>();
  readonly #lineTexts = new Map<string, string>();
  readonly #codes = new Map<number, number[]>();
  readonly #byCell = new Map<number, number[]>();

  /** `spanHome`: the process of a cell's own span, where it is known; `processName`: what a process is called. */
  constructor(
    private readonly spanHome: (cell: number) => number | null | undefined = () => undefined,
    readonly processName: (process: number | null) => string = (process) => `process ${process}`,
  ) {}

  clear(): void {
    this.count = this.nodes = this.frames = this.received = this.dropped = 0;
    this.texts = [];
    this.files = [];
    this.threads = [];
    for (const map of [this.statements, this.resources, this.#filesOf, this.#codes, this.#counts, this.#lineTexts, this.#byCell]) map.clear();
    this.version++;
  }

  /** Take in a frame. */
  append(header: ProfileHeader, columns: Column[]): void {
    const [
      above, frame, functions, files, lines, firstLines, kinds, threads, cells, spans, stacks, after, wall, computed, look, at, run, origin,
      long, longAfter, longWall, statement, place, first, last, begun, ended, status,
    ] = columns as ProfileColumns;
    for (const text of header.texts) this.texts.push(text);
    for (const file of header.files) this.files.push(file);
    for (const thread of header.threads) this.threads.push(thread);
    for (const code of header.codes) this.#compiled(code);
    for (const [file, line, text] of header.lines) this.#lineTexts.set(`${file}:${line}`, text);
    for (const each of header.resources) this.resources.set(each[0], each);
    this.dropped = header.dropped;
    this.#reserveTree(above.length, functions.length);
    for (let i = 0, to = this.nodes; i < above.length; i++, to++) {
      const from = (this.above[to] = above[i]! <= to ? above[i]! - 1 : -1); // else a report could go round in a circle
      this.#outermost[to] = from < 0 ? to : this.#outermost[from]!;
    }
    this.frame.set(frame, this.nodes);
    this.nodes += above.length;
    this.functionOf.set(functions, this.frames);
    this.fileOf.set(files, this.frames);
    this.lineOf.set(lines, this.frames);
    this.firstLineOf.set(firstLines, this.frames);
    this.#kindOf.set(kinds, this.frames);
    this.frames += functions.length;
    this.#reserve(after.length);
    const [lowest, unit] = header.memory;
    let moment = header.base;
    let longs = 0;
    let runs = 0;
    const late = new Set<number>();
    for (let i = 0, to = this.count; i < after.length; i++, to++) {
      const isLong = longs < long.length && long[longs] === i;
      moment += isLong ? longAfter[longs]! : after[i]! * TICK;
      const stands = isLong ? longWall[longs++]! : wall[i]! * TICK;
      this.time[to] = moment;
      this.wall[to] = stands;
      const share = computed[i]! & 127;
      this.computed[to] = share === UNKNOWN ? NaN : (share / (UNKNOWN - 1)) * stands;
      this.native[to] = computed[i]! >> 7;
      this.memory[to] = look[i] === LONG ? NaN : lowest + look[i]! * unit;
      const node = stacks.length ? stacks[at[i]!]! - 1 : at[i] === LONG ? -1 : at[i]!;
      this.node[to] = node < this.nodes ? node : -1;
      if (run.length && run[runs + 1] === i) runs++;
      const from = origin[run.length ? runs : i]!;
      this.thread[to] = threads[from]!;
      this.span[to] = spans[from]! - 1;
      const cell = (this.cell[to] = cells[from]!);
      let rows = this.#byCell.get(cell);
      if (!rows) this.#byCell.set(cell, (rows = []));
      // What was taken before its span met a condition follows when it is told of.
      if (rows.length && this.time[rows[rows.length - 1]!]! > moment) late.add(cell);
      rows.push(to);
    }
    this.count += after.length;
    for (const cell of late) this.#byCell.get(cell)!.sort((a, b) => this.time[a]! - this.time[b]! || a - b);
    for (let i = 0; i < statement.length; i++) {
      let known = this.statements.get(statement[i]!);
      if (!known) this.statements.set(statement[i]!, (known = []));
      known[place[i]!] = { first: first[i]!, last: last[i]!, begun: begun[i]!, ended: ended[i]!, status: status[i]! };
    }
    this.received = header.number + 1;
    if (this.count > MAX_SAMPLES * 1.25) this.#shorten();
    this.version++;
  }

  /** Forget the statements and resources of other executions. */
  keep(wanted: (cell: number) => boolean): void {
    for (const map of [this.statements, this.resources]) for (const cell of map.keys()) if (!wanted(cell)) map.delete(cell);
  }

  /** The samples of an execution, in the order of time. */
  rowsOf(cell: number): readonly number[] {
    return this.#byCell.get(cell) ?? [];
  }

  /** Whether a sample is of the thread that ran its cell: the outermost frame is the cell's own. Of a cell of which no file is known it
   * is the one with a module at the bottom. A worker that was forked has that too. As analysis/profiles/allotted.py has it. */
  isOwn(row: number): boolean {
    const [node, cell] = [this.node[row]!, this.cell[row]!];
    if (node < 0 || cell <= 0) return false;
    const frame = this.frame[this.#outermost[node]!]!;
    const file = this.fileOfCell(cell);
    return this.isModule(frame) && (file < 0 || this.fileOf[frame] === file) && !this.isElsewhere(row);
  }

  /** The process in which a sample was taken. */
  processOf(row: number): number | null {
    return this.threads[this.thread[row]!]?.[2] ?? null;
  }

  /** The process in which a cell ran: that of its own span or, where that is not known, of its first sample. Of 0, that of the first cell,
   * if there is one. As nbtrace/analysis/profiles/processes.py has it. */
  homeOf(cell: number): number | null {
    if (this.#homesVersion !== this.version) this.#homes.clear();
    this.#homesVersion = this.version;
    let found = this.#homes.get(cell);
    if (found === undefined) {
      const other = cell || this.cells.find((each) => each > 0) || 0;
      found = this.spanHome(other) ?? this.processOf(this.rowsOf(other)[0] ?? 0);
      this.#homes.set(cell, found);
    }
    return found;
  }

  /** Whether a sample is of another process than its cell's; outside cells, than that of the first cell. */
  isElsewhere(row: number): boolean {
    return this.processOf(row) !== this.homeOf(this.cell[row]!);
  }

  /** Executions of which there are samples or statements; 0 for what is outside cells. */
  get cells(): number[] {
    return [...new Set([...this.#byCell.keys(), ...this.statements.keys()])].sort((a, b) => a - b);
  }

  /** The file as which the code of an execution was compiled; -1 where that is not known. */
  fileOfCell(cell: number): number {
    return this.#filesOf.get(cell) ?? -1;
  }

  /** Whose code a file was for an execution: of those that ran it the last that had begun by then, else the first; 0 for a file
   * that is no cell's. As nbtrace/analysis/profiles/cell_code.py has it. */
  ran(file: number, cell: number): number {
    const numbers = this.#codes.get(file);
    if (!numbers) return 0;
    let found = numbers[0]!;
    for (const number of numbers) if (number <= cell) found = number;
    return found;
  }

  /** The executions whose code is on the stacks of one. */
  inside(cell: number): Set<number> {
    const found = new Set<number>();
    const seen = new Set<number>();
    for (const row of this.rowsOf(cell)) for (let at = this.node[row]!; at >= 0 && !seen.has(at); at = this.above[at]!) {
      seen.add(at);
      const frame = this.frame[at]!;
      if (this.isNotebook(frame)) found.add(this.ran(this.fileOf[frame]!, cell));
    }
    return found;
  }

  /** The execution count of a cell of which no more may be known; null where it is not. */
  countOf(cell: number): number | null {
    return this.#counts.get(cell) ?? null;
  }

  /** What stands on a line of a cell of which no more is known; "" where it is not. */
  lineText(cell: number, line: number): string {
    return this.#lineTexts.get(`${this.fileOfCell(cell)}:${line}`) ?? "";
  }

  /** What stands on the line of a frame of a file; "" where it is not known. */
  fileText(frame: number): string {
    return this.#lineTexts.get(`${this.fileOf[frame]}:${this.lineOf[frame]}`) ?? "";
  }

  functionName(frame: number): string {
    return this.texts[this.functionOf[frame]!] ?? "";
  }

  /** The path of a frame's file as it is shown. */
  path(frame: number): string {
    return this.texts[this.files[this.fileOf[frame]!]?.[0] ?? -1] ?? "";
  }

  library(frame: number): string {
    return this.texts[this.files[this.fileOf[frame]!]?.[1] ?? -1] ?? "";
  }

  /** Whether a frame is a line of a cell's code. */
  isNotebook(frame: number): boolean {
    return (this.#kindOf[frame]! & NOTEBOOK) !== 0;
  }

  /** Whether it stands for frames that were left out. */
  isCut(frame: number): boolean {
    return (this.#kindOf[frame]! & CUT) !== 0;
  }

  /** Whether it is the code of a cell or of a module itself, and no function's. */
  isModule(frame: number): boolean {
    return (this.#kindOf[frame]! & MODULE) !== 0;
  }

  #compiled([cell, file, count]: CodeInfo): void {
    this.#filesOf.set(cell, file);
    this.#counts.set(cell, count);
    const numbers = this.#codes.get(file) ?? [];
    numbers.push(cell);
    this.#codes.set(file, numbers.sort((a, b) => a - b));
  }

  /** Forget the oldest samples. */
  #shorten(): void {
    const gone = this.count - MAX_SAMPLES;
    for (const column of [this.time, this.wall, this.computed, this.native, this.memory, this.node, this.thread, this.cell, this.span]) column.copyWithin(0, gone, this.count);
    this.count = MAX_SAMPLES;
    this.#byCell.clear();
    for (let row = 0; row < this.count; row++) {
      const cell = this.cell[row]!;
      const rows = this.#byCell.get(cell);
      if (rows) rows.push(row);
      else this.#byCell.set(cell, [row]);
    }
  }

  #reserve(more: number): void {
    const size = this.count + more;
    if (size <= this.time.length) return;
    const room = Math.max(1024, size, this.time.length * 2);
    this.time = resized(this.time, room);
    this.wall = resized(this.wall, room);
    this.computed = resized(this.computed, room);
    this.native = resized(this.native, room);
    this.memory = resized(this.memory, room);
    this.node = resized(this.node, room);
    this.thread = resized(this.thread, room);
    this.cell = resized(this.cell, room);
    this.span = resized(this.span, room);
  }

  #reserveTree(nodes: number, frames: number): void {
    if (this.nodes + nodes > this.above.length) {
      const room = Math.max(256, this.nodes + nodes, this.above.length * 2);
      this.above = resized(this.above, room);
      this.#outermost = resized(this.#outermost, room);
      this.frame = resized(this.frame, room);
    }
    if (this.frames + frames > this.functionOf.length) {
      const room = Math.max(256, this.frames + frames, this.functionOf.length * 2);
      this.functionOf = resized(this.functionOf, room);
      this.fileOf = resized(this.fileOf, room);
      this.lineOf = resized(this.lineOf, room);
      this.firstLineOf = resized(this.firstLineOf, room);
      this.#kindOf = resized(this.#kindOf, room);
    }
  }
}
