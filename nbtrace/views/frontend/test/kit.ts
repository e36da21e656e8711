// Traces for tests, written as [parent, start, end, name?, status?] rows, and a pen that counts.

import type { Column } from "../src/engine/frames";
import type { SpansHeader } from "../src/protocol";
import { ERROR, Trace } from "../src/engine/trace";
import type { Pen } from "../src/pictures/canvas";

export type Row = [parent: number, start: number, end: number, name?: string, status?: number];

export function header(over: Partial<SpansHeader>): SpansHeader {
  return { kind: "spans", first: 0, count: 0, zero: "0", names: [], renamed: [], cells: [], reset: true, dropped: 0, now: 0, ...over };
}

/** The columns of errors, changes, events and forgotten rows; a change has an error if its status is one. */
export function quiet(over: { errors?: number[]; changes?: [row: number, end: number, name: number, parent: number, flags: number][]; events?: [number, number][]; gone?: number[] } = {}): Column[] {
  const { errors = [], changes = [], events = [], gone = [] } = over;
  return [
    Uint8Array.from(errors),
    Int32Array.from(changes, (each) => each[0]), Float64Array.from(changes, (each) => each[1]), Uint32Array.from(changes, (each) => each[2]),
    Int32Array.from(changes, (each) => each[3]), Uint8Array.from(changes, (each) => each[4]),
    Uint8Array.from(changes, (each) => Number((each[4] & 3) === ERROR)),
    Int32Array.from(events, (each) => each[0]), Float64Array.from(events, (each) => each[1]), Int32Array.from(gone),
  ];
}

export function trace(rows: Row[], over: Partial<SpansHeader> = {}): Trace {
  const names = [...new Set(rows.map((row) => row[3] ?? "x"))];
  const made = new Trace();
  made.append(header({ names, count: rows.length, ...over }), [
    Float64Array.from(rows, (row) => row[1]),
    Float64Array.from(rows, (row) => row[2]),
    Uint32Array.from(rows, (row) => names.indexOf(row[3] ?? "x")),
    Int32Array.from(rows, (row) => row[0]),
    Int32Array.from(rows, () => 0),
    Uint8Array.from(rows, (row) => row[4] ?? 0),
    ...quiet({ errors: rows.map((row) => Number(row[4] === ERROR)) }),
  ]);
  return made;
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
