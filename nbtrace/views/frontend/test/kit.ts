// Traces for tests, written as [parent, start, end, name?, status?] rows, and a pen that counts.

import { allot, cellSpans, ranOf } from "../src/engine/allotted";
import type { Column } from "../src/engine/frames";
import { Profile } from "../src/engine/profile";
import { type Placed, place } from "../src/engine/sampled";
import type { ProfileHeader, SpansHeader } from "../src/protocol";
import { ERROR, Trace } from "../src/engine/trace";
import type { Pen } from "../src/pictures/canvas";

export type Row = [parent: number, start: number, end: number, name?: string, status?: number];

/** Row of a task, how long it waited, and how long of that its worker started, and fetched. */
export type Tasks = [row: number, waited: number, starting?: number, transfer?: number][];

export function header(over: Partial<SpansHeader>): SpansHeader {
  return { kind: "spans", first: 0, count: 0, zero: "0", names: [], renamed: [], cells: [], processes: 1, workers: [], captions: [], reset: true, dropped: 0, now: 0, ...over };
}

/** The columns of errors, changes, events, tasks and forgotten rows; a change has an error if its status is one. */
export function quiet(over: { errors?: number[]; changes?: [row: number, end: number, name: number, parent: number, flags: number][]; events?: [number, number][]; tasks?: Tasks; captions?: [row: number, place: number][]; gone?: number[] } = {}): Column[] {
  const { errors = [], changes = [], events = [], tasks = [], captions = [], gone = [] } = over;
  return [
    Uint8Array.from(errors),
    Int32Array.from(changes, (each) => each[0]), Float64Array.from(changes, (each) => each[1]), Uint32Array.from(changes, (each) => each[2]),
    Int32Array.from(changes, (each) => each[3]), Uint8Array.from(changes, (each) => each[4]),
    Uint8Array.from(changes, (each) => Number((each[4] & 3) === ERROR)),
    Int32Array.from(events, (each) => each[0]), Float64Array.from(events, (each) => each[1]),
    Int32Array.from(tasks, (each) => each[0]), Float64Array.from(tasks, (each) => each[1]), Float64Array.from(tasks, (each) => each[2] ?? 0), Float64Array.from(tasks, (each) => each[3] ?? 0),
    Int32Array.from(captions, (each) => each[0]), Uint32Array.from(captions, (each) => each[1]), Int32Array.from(gone),
  ];
}

/** `cells`: the number of the execution of each. */
export function trace(rows: Row[], over: Partial<SpansHeader> = {}, cells: number[] = [], tasks: Tasks = []): Trace {
  const made = new Trace();
  made.append(...spans(rows, over, cells, [], tasks));
  return made;
}

/** The same as a frame brings it, after frames that brought some names. */
export function spans(rows: Row[], over: Partial<SpansHeader> = {}, cells: number[] = [], known: string[] = [], tasks: Tasks = []): [SpansHeader, Column[]] {
  const names = [...new Set([...known, ...rows.map((row) => row[3] ?? "x")])];
  return [header({ names: names.slice(known.length), count: rows.length, ...over }), [
    Float64Array.from(rows, (row) => row[1]),
    Float64Array.from(rows, (row) => row[2]),
    Uint32Array.from(rows, (row) => names.indexOf(row[3] ?? "x")),
    Int32Array.from(rows, (row) => row[0]),
    Int32Array.from(rows, (_, i) => cells[i] ?? 0),
    Uint8Array.from(rows, (row) => row[4] ?? 0),
    ...quiet({ errors: rows.map((row) => Number(((row[4] ?? 0) & 3) === ERROR)), tasks }),
  ]];
}

export function pen(): Pen & { rectangles: number; texts: string[] } {
  const nothing = () => {};
  return {
    rectangles: 0, texts: [], fillStyle: "", strokeStyle: "", lineWidth: 1, font: "", textBaseline: "top", textAlign: "left", globalAlpha: 1,
    fillRect() { this.rectangles++; }, strokeRect: nothing, fillText(text: string) { this.texts.push(text); },
    beginPath: nothing, moveTo: nothing, lineTo: nothing, stroke: nothing, fill: nothing, closePath: nothing, save: nothing, restore: nothing,
    rect: nothing, clip: nothing, setLineDash: nothing,
  };
}

/** Numbers that look random and are the same each time. */
export function numbers(seed = 1): () => number {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}

/** A frame of a stack: function, path and line; of a cell's code the path is `cell N`, and a function called <module> is the cell itself. */
export type Called = [name: string, path: string, line: number, library?: string];

/** Outermost frame first; the time is that of the end. */
export interface Taken {
  time: number;
  wall: number;
  /** Share of the time in which it computed; undefined where it is not known. */
  computed?: number;
  native?: boolean;
  memory?: number;
  cell?: number;
  /** Row of the span that was current. */
  span?: number;
  thread?: string;
  stack: Called[];
}

/** A profile as a frame brings it. */
export function profile(samples: Taken[], statements: [cell: number, first: number, last: number, begun: number, ended: number, status?: number][] = [], over: Partial<ProfileHeader> = {}): Profile {
  const made = new Profile();
  made.append(...profiled(samples, statements, over));
  return made;
}

export function profiled(samples: Taken[], statements: [cell: number, first: number, last: number, begun: number, ended: number, status?: number][] = [], over: Partial<ProfileHeader> = {}): [ProfileHeader, Column[]] {
  const texts: string[] = [];
  const text = (each: string) => (texts.includes(each) ? texts.indexOf(each) : texts.push(each) - 1);
  const files: [number, number][] = [];
  const file = (path: string, library: string) => {
    const at = files.findIndex(([known]) => texts[known] === path);
    return at >= 0 ? at : files.push([text(path), text(library)]) - 1;
  };
  const frames: string[] = [];
  const frameColumns: number[][] = [];
  const nodes: [above: number, frame: number][] = [];
  const codes: [number, number, number | null][] = [];
  const node = (stack: Called[]) => stack.reduce((above, [name, path, line, library]) => {
    const cell = /^cell (\d+)$/.exec(path);
    const number = file(path, library ?? (cell ? "notebook" : "standard library"));
    if (cell && !codes.some(([known]) => known === Number(cell[1]))) codes.push([Number(cell[1]), number, Number(cell[1])]);
    const key = `${name}|${path}|${line}`;
    let frame = frames.indexOf(key);
    if (frame < 0) {
      frame = frames.push(key) - 1;
      frameColumns.push([text(name), number, line, name === "<module>" ? 0 : 1, (cell ? 1 : 0) + (name === "<module>" ? 4 : 0)]);
    }
    const known = nodes.findIndex(([a, f]) => a === above && f === frame);
    return known >= 0 ? known : nodes.push([above, frame]) - 1;
  }, -1);
  const threads: string[] = [];
  const at = samples.map(({ stack }) => node(stack));
  const origins = samples.map(({ thread = "MainThread", cell = 1, span = -1 }) => {
    if (!threads.includes(thread)) threads.push(thread);
    return [threads.indexOf(thread), cell, span] as const;
  });
  const column = (place: number) => frameColumns.map((each) => each[place]!);
  const header: ProfileHeader = {
    kind: "profile", number: 0, base: 0, memory: [0, 16_384], texts, files, codes, lines: [], threads: threads.map((name, id) => [id + 1, name, 1]), resources: [], dropped: 0, ...over,
  };
  return [header, [
    Uint32Array.from(nodes, ([above]) => above + 1), Uint32Array.from(nodes, ([, frame]) => frame),
    Uint32Array.from(column(0)), Uint32Array.from(column(1)), Int32Array.from(column(2)), Int32Array.from(column(3)), Uint8Array.from(column(4)),
    Uint16Array.from(origins, (each) => each[0]), Int32Array.from(origins, (each) => each[1]), Uint32Array.from(origins, (each) => each[2] + 1),
    Uint32Array.from(at, (each) => each + 1), Uint16Array.from(samples, ({ time }, i) => Math.round((time - (samples[i - 1]?.time ?? header.base)) * 100)),
    Uint16Array.from(samples, ({ wall }) => Math.round(wall * 100)),
    Uint8Array.from(samples, ({ computed, native }) => (computed === undefined ? 127 : Math.round(computed * 126)) + (native ? 128 : 0)),
    Uint16Array.from(samples, ({ memory }) => (memory === undefined ? 0xffff : Math.round(memory / 16_384))),
    Uint16Array.from(samples, (_, i) => i), new Uint16Array(0), Uint16Array.from(samples, (_, i) => i), new Int32Array(0), new Float64Array(0), new Float64Array(0),
    Int32Array.from(statements, (each) => each[0]), Int32Array.from(statements, ([cell], i) => statements.slice(0, i).filter((each) => each[0] === cell).length),
    Int32Array.from(statements, (each) => each[1]), Int32Array.from(statements, (each) => each[2]),
    Float64Array.from(statements, (each) => each[3]), Float64Array.from(statements, (each) => each[4]), Uint8Array.from(statements, (each) => each[5] ?? 0),
  ]];
}

/** Samples placed as a session does. */
export function placedIn(profile: Profile, trace: Trace): Placed {
  const spans = cellSpans(trace);
  return place(profile, trace, spans, (cell) => allot(profile, cell, ranOf(profile, trace, cell, spans.get(cell) ?? -1)));
}
