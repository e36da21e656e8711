// What the kernel has dropped is forgotten: then everything is as if it had never been.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { criticalPath } from "../src/engine/criticalpath";
import { DetailStore, type Details, MAX_UNPACKED } from "../src/engine/details";
import { lines } from "../src/engine/folding";
import type { Column } from "../src/engine/frames";
import type { DoingInfo, SpansHeader } from "../src/protocol";
import { Lanes } from "../src/engine/lanes";
import { type Merged, merge } from "../src/engine/merge";
import { search } from "../src/engine/search";
import { statistics } from "../src/engine/statistics";
import { Trace } from "../src/engine/trace";
import type { Model } from "../src/model";
import { densityOf } from "../src/pictures/minimap";
import { Session } from "../src/session/session";
import { header, numbers, quiet } from "./kit";

interface Known {
  row: number;
  parent: number;
  start: number;
  end: number;
  name: string;
  cell: number;
  flags: number;
  events: number[];
}

/** The kernel's side, in the plainest form: it knows all spans, and which it has told of and forgotten. */
class Kernel {
  known: Known[] = [];
  next = 0;
  codes = new Map<string, number>();
  free: number[] = [];

  /** A frame of new spans, of changes, and of rows that are forgotten. */
  frame(fresh: Omit<Known, "row">[], changes: [row: number, end: number][] = [], gone: number[] = [], now = 0): [SpansHeader, Column[]] {
    const first = this.next;
    this.known = this.known.filter(({ row }) => !gone.includes(row));
    // A name that no span has any more gives its number to the next.
    const used = new Set(this.known.map(({ name }) => name));
    for (const [name, code] of this.codes) if (!used.has(name)) (this.codes.delete(name), this.free.push(code));
    const names: string[] = [];
    const renamed: [number, string][] = [];
    for (const { name } of fresh) {
      if (this.codes.has(name)) continue;
      const code = this.free.pop();
      this.codes.set(name, code ?? this.codes.size);
      if (code === undefined) names.push(name);
      else renamed.push([code, name]);
    }
    const cells = [...new Set(fresh.map(({ cell }) => cell))].map((cell) => [cell, cell, cell, 1, `source ${cell}`] as [number, number, number, number, string]);
    for (const each of fresh) this.known.push({ ...each, row: this.next++ });
    for (const [row, end] of changes) this.known.find((each) => each.row === row)!.end = end;
    const events = fresh.flatMap((each, i) => each.events.map((time): [number, number] => [first + i, time]));
    return [
      header({ reset: first === 0, first, count: fresh.length, names, renamed, cells, now }),
      [
        Float64Array.from(fresh, (each) => each.start), Float64Array.from(fresh, (each) => each.end), Uint32Array.from(fresh, (each) => this.codes.get(each.name)!),
        Int32Array.from(fresh, (each) => each.parent), Int32Array.from(fresh, (each) => each.cell), Uint8Array.from(fresh, (each) => each.flags),
        ...quiet({
          changes: changes.map(([row, end]) => {
            const each = this.known.find((known) => known.row === row)!;
            return [row, end, this.codes.get(each.name)!, each.parent, each.flags];
          }),
          events, gone, errors: fresh.map((each) => Number((each.flags & 3) === 2)),
        }),
      ],
    ];
  }

  /** A trace that never knew anything else. */
  anew(now: number): Trace {
    const at = new Map(this.known.map(({ row }, index) => [row, index]));
    const other = new Kernel();
    const made = new Trace();
    made.append(...other.frame(this.known.map((each) => ({ ...each, parent: at.get(each.parent) ?? -1 })), [], [], now));
    return made;
  }
}

/** All that follows from a trace, rows as the kernel numbers them, names as text. */
function told(trace: Trace, rowOf: (index: number) => number) {
  const { tree } = trace;
  const rows = (found: Iterable<number>) => [...found].map(rowOf);
  const flat = (node: Merged): unknown => [trace.names[node.name], node.total, node.self, node.count, node.errors, [...node.children.values()].map(flat)];
  const shape = { collapsed: new Set<number>(), unfolded: new Set<string>() };
  const shown = lines(trace, shape);
  return {
    count: trace.count, running: trace.running, now: trace.now,
    order: rows(tree.order), roots: rows(tree.roots), depth: [...tree.depth], size: [...tree.size], self: [...tree.self],
    names: [...tree.order].map((index) => trace.nameOf(index)),
    events: [...tree.order].map((index) => trace.eventsOf(index)),
    cells: [...trace.cells].sort(([a], [b]) => a - b),
    critical: [...criticalPath(trace, tree.roots)].map(([row, waited]) => [rowOf(row), waited]),
    statistics: statistics(trace).map(({ name, ...rest }) => [trace.names[name], rest]),
    merged: flat(merge(trace, tree.roots)),
    lines: [rows(shown.row.subarray(0, shown.count)), [...shown.members.subarray(0, shown.count)], [...shown.total.subarray(0, shown.count)]],
    lanes: new Lanes(trace).lanes.map(rows),
    density: [...densityOf(trace, { from: 0, to: 1_000 }, 50)],
  };
}

test("after forgetting, every answer is that of a trace of what is left", () => {
  const random = numbers(11);
  for (let round = 0; round < 20; round++) {
    const kernel = new Kernel();
    const trace = new Trace();
    let clock = 0;
    for (let step = 0; step < 30; step++) {
      const fresh = Array.from({ length: Math.floor(random() * 25) }, (): Omit<Known, "row"> => {
        const start = (clock += random());
        const above = kernel.known[Math.floor(random() * kernel.known.length)];
        return {
          parent: above && random() < 0.8 ? above.row : -1, start, end: random() < 0.2 ? NaN : start + random() * 9,
          name: `name ${Math.floor(step / 4)} ${Math.floor(random() * 4)}`, cell: Math.floor(step / 3), flags: random() < 0.1 ? 2 : 0,
          events: random() < 0.2 ? [start] : [],
        };
      });
      const ended = kernel.known.filter(({ end }) => Number.isNaN(end) && random() < 0.3).map(({ row }): [number, number] => [row, (clock += 0.1)]);
      // The oldest that have ended go, now and then all at once; what runs stays.
      const old = kernel.known.filter(({ end }) => !Number.isNaN(end)).map(({ row }) => row);
      const gone = random() < 0.6 ? old.slice(0, Math.floor(old.length * (random() < 0.1 ? 1 : random() * 0.6))) : [];
      trace.append(...kernel.frame(fresh, ended.filter(([row]) => !gone.includes(row)), gone, clock));
      const anew = kernel.anew(clock);
      anew.now = trace.now; // time does not go back when the last to end is forgotten
      const rowOf = (index: number) => kernel.known[index]!.row;
      assert.deepEqual(told(trace, (index) => trace.row[index]!), told(anew, rowOf));
      for (const { row } of kernel.known) assert.equal(trace.row[trace.indexOf(row)], row);
      for (const row of gone) assert.equal(trace.indexOf(row), -1);
      assert.ok(trace.names.length <= 30, "names in use, and those of before the last step");
    }
  }
});

test("what many updates leave behind is no more than what is left", () => {
  const kernel = new Kernel();
  const trace = new Trace();
  let capacity = 0;
  for (let step = 0; step < 400; step++) {
    const gone = kernel.known.length > 2_000 ? kernel.known.slice(0, 1_000).map(({ row }) => row) : [];
    trace.append(...kernel.frame(Array.from({ length: 500 }, (_, i) => ({ parent: -1, start: step + i / 500, end: step + 1, name: `step ${step}`, cell: step, flags: 0, events: [step] })), [], gone));
    trace.tree;
    capacity = Math.max(capacity, trace.start.length);
  }
  assert.ok(trace.count <= 3_000);
  assert.ok(capacity <= 8_192, `columns for ${capacity}`);
  assert.ok(trace.names.length <= 8 && trace.cells.size <= 8 && trace.events.size <= 3_000);
});

test("memory is used again as a trace grows, and the tree says the same", () => {
  const kernel = new Kernel();
  const trace = new Trace();
  const buffers = new Set<ArrayBufferLike>();
  for (let step = 0; step < 200; step++) {
    trace.append(...kernel.frame([{ parent: step % 7 ? 0 : -1, start: step, end: step + 1, name: "x", cell: 0, flags: 0, events: [] }]));
    for (const column of [trace.tree.order, trace.tree.self, trace.tree.children, trace.tree.first]) buffers.add(column.buffer);
  }
  assert.ok(buffers.size < 120, `${buffers.size} for 800 columns`);
  assert.deepEqual([...trace.tree.order], [...kernel.anew(0).tree.order]);
});

test("a span without an end that is over does not grow", () => {
  const trace = new Trace();
  trace.append(...new Kernel().frame([
    { parent: -1, start: 1, end: NaN, name: "lost", cell: 0, flags: 128 | (2 << 4), events: [] },
    { parent: -1, start: 2, end: 9, name: "x", cell: 0, flags: 0, events: [] },
  ]));
  assert.equal(trace.running, 0);
  assert.deepEqual([trace.isRunning(0), trace.isUnfinished(0), trace.duration(0), trace.kindOf(0)], [false, true, 0, 2]);
});

// ── the session: what a person has said of rows follows them ─────────────────────────────────────────────────────────

globalThis.requestAnimationFrame ??= ((callback: () => void) => setTimeout(callback, 0)) as never;

function frame(head: object, columns: Column[]): DataView {
  const kinds: [new (...args: never[]) => Column, string][] = [[Float64Array, "f8"], [Uint32Array, "u4"], [Int32Array, "i4"], [Uint8Array, "u1"]];
  const layout = columns.map((column) => [kinds.find(([type]) => column instanceof type)![1], column.length]);
  let text = JSON.stringify({ ...head, columns: layout });
  text += " ".repeat((8 - ((text.length + 4) % 8)) % 8);
  const bytes: number[] = [text.length & 255, (text.length >> 8) & 255, (text.length >> 16) & 255, 0, ...Buffer.from(text)];
  for (const column of columns) {
    bytes.push(...new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
    while (bytes.length % 8) bytes.push(0);
  }
  return new DataView(Uint8Array.from(bytes).buffer);
}

function detailsOf(rows: number[], over: Partial<Details> = {}): [Int32Array, Uint8Array] {
  const list = rows.map((row): Details => ({
    id: `id ${row}`, trace: "t", parent: null, kind: "INTERNAL", status: "UNSET", message: null, start: "0", attributes: { row, text: `text ${row}` },
    scope: [null, null], resource: {}, thread: [null, null, null], dropped: [0, 0, 0], ...over,
  }));
  return [Int32Array.from(rows), new Uint8Array(deflateSync(JSON.stringify(list)))];
}

const NO_CAPTIONS = [new Int32Array(0), new Uint32Array(0)];

function opened(): { session: Session; kernel: Kernel; sent: unknown[]; selection: () => unknown } {
  const sent: unknown[] = [];
  const state: Record<string, unknown> = {};
  const model: Model = {
    get: (name) => state[name] ?? "", set: (name, value) => void (state[name] = value), save_changes() {}, on() {}, off() {}, send: (content) => void sent.push(content),
  };
  return { session: new Session(model), kernel: new Kernel(), sent, selection: () => state.selection };
}

const plain = (name: string, parent = -1): Omit<Known, "row"> => ({ parent, start: 1, end: 2, name, cell: 1, flags: 0, events: [] });

test("selection, folds, matches and choices stay with their spans, and go with them", async () => {
  const { session, kernel, selection } = opened();
  session.receipt.receive(frame(...kernel.frame(Array.from({ length: 10 }, (_, i) => plain(`span ${i}`, i > 5 ? 5 : -1)))));
  session.receipt.receive(frame({ kind: "details" }, [...detailsOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), ...NO_CAPTIONS]));
  session.select(7);
  while (selection() !== "id 7") await new Promise((resolve) => setTimeout(resolve, 1));
  session.folds.collapsed = new Set([1, 5]);
  session.folds.unfolded = new Set(["-1:0", "1:3", "5:6"]);
  session.comparing.choose(0, { row: 4, all: false });
  session.comparing.choose(1, { row: 5, all: false });
  session.scope.chosen = 5;
  session.finder.look("span 8");
  while (session.finder.searching) await new Promise((resolve) => setTimeout(resolve, 1));
  session.receipt.receive(frame(...kernel.frame([plain("new")], [], [0, 1, 2])));
  assert.equal(session.trace.nameOf(session.selected), "span 7");
  assert.deepEqual([...session.folds.collapsed].map((index) => session.trace.nameOf(index)), ["span 5"]);
  assert.deepEqual([...session.folds.unfolded], ["-1:0", "2:6"]);
  assert.deepEqual(session.comparing.pair!.map(({ row }) => session.trace.nameOf(row)), ["span 4", "span 5"]);
  assert.equal(session.trace.nameOf(session.scope.chosen), "span 5");
  assert.deepEqual(session.finder.found.map((index) => session.trace.nameOf(index)), ["span 8"]);
  assert.equal(session.finder.matches![session.finder.found[0]!], 1);
  assert.equal((await session.describe(session.selected))?.id, "id 7");
  assert.equal(session.details.size, 7);
  session.receipt.receive(frame(...kernel.frame([], [], [4, 5, 7])));
  assert.deepEqual([session.selected, session.scope.chosen, session.comparing.pair], [-1, -2, undefined]);
  assert.equal(selection(), "", "and the kernel is told");
});

test("a span in a circle of parents can be selected, searched and unfolded as any other", async () => {
  const { session, kernel } = opened();
  session.receipt.receive(frame(...kernel.frame([plain("a", 2), plain("b", 0), plain("c", 1), plain("d", 1)])));
  session.select(2, true);
  session.finder.look("name == 'd'");
  while (session.finder.searching) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual([session.lines.count, session.selected, [...session.folds.unfolded]], [3, 2, ["1:2", "0:1", "-1:0"]]);
});

test("details that come later find their rows, and those of rows that are gone are not kept", async () => {
  const { session, kernel, sent } = opened();
  session.receipt.receive(frame(...kernel.frame([plain("a"), plain("b"), plain("c")])));
  session.receipt.receive(frame(...kernel.frame([plain("d")], [], [0, 1])));
  session.receipt.receive(frame({ kind: "details" }, [...detailsOf([0, 1, 2]), ...NO_CAPTIONS]));
  assert.deepEqual([session.details.size, session.details.received], [1, 3]);
  assert.equal((await session.describe(0))?.id, "id 2");
  assert.equal(await session.describe(1), undefined);
  assert.deepEqual(sent, [{ kind: "describe", row: 3 }]);
  session.receipt.receive(frame({ kind: "details" }, [...detailsOf([3]), ...NO_CAPTIONS]));
  assert.equal((await session.describe(1))?.id, "id 3");
  const found: number[] = [];
  for await (const rows of search({ kind: "text", text: "text 3" }, session.trace, session.details)) found.push(...rows);
  assert.deepEqual(found, [1]);
});

test("a frame that is missing is asked for, once, and nothing is taken in until everything comes", () => {
  const { session, kernel, sent } = opened();
  session.receipt.receive(frame(...kernel.frame([plain("a")])));
  kernel.frame([plain("lost")]);
  session.receipt.receive(frame(...kernel.frame([plain("b")])));
  session.receipt.receive(frame(...kernel.frame([plain("c")])));
  assert.deepEqual(sent, [{ kind: "hello", rows: 0, details: 0, profiles: 0, code: true }]);
  assert.equal(session.trace.count, 1);
  const all = new Kernel();
  session.receipt.receive(frame(...all.frame(["a", "lost", "b", "c"].map((name) => plain(name)))));
  session.receipt.receive(frame(...all.frame([plain("d")])));
  assert.deepEqual(Array.from({ length: 5 }, (_, i) => session.trace.nameOf(i)), ["a", "lost", "b", "c", "d"]);
  session.receipt.receive(frame({ kind: "have", rows: 5, details: 0, profiles: 0 }, []));
  assert.equal(sent.length, 1);
  session.receipt.receive(frame({ kind: "have", rows: 5, details: 9, profiles: 0 }, []));
  assert.deepEqual(sent[1], { kind: "hello", rows: 0, details: 0, profiles: 0, code: true });
});

test("a search leaves no more unpacked than there is room for, and finds all", async () => {
  const store = new DetailStore();
  for (let chunk = 0; chunk < 30; chunk++) store.add(...detailsOf(Array.from({ length: 1_000 }, (_, i) => chunk * 1_000 + i)));
  let seen = 0;
  for await (const chunk of store.all()) seen += chunk.size;
  assert.equal(seen, 30_000);
  assert.equal(store.unpacked, MAX_UNPACKED);
  for (const row of [29_500, 28_500, 100]) assert.equal((await store.get(row))?.id, `id ${row}`);
  assert.ok(store.unpacked <= MAX_UNPACKED);
  store.forget(Int32Array.from({ length: 29_990 }, (_, row) => row));
  assert.deepEqual([store.size, store.unpacked <= 1_000], [10, true]);
  assert.equal((await store.get(29_995))?.id, "id 29995");
});

test("what cells are doing is void when something else is said of them, and when everything comes anew", () => {
  const { session, kernel } = opened();
  const busy: DoingInfo = [4, 3, "fit(x)", 3, 3, 1_000, 1_000, 0, "", ""];
  const told = (cells: DoingInfo[], now: number) => session.receipt.receive(frame({ kind: "doing", cells, now }, []));
  session.receipt.receive(frame(...kernel.frame([plain("cell [4]")])));
  told([busy], 2_000);
  session.receipt.receive(frame(...kernel.frame([], [], [], 2_500)));
  assert.deepEqual([session.doing, session.receipt.now], [[busy], 2_500]);
  told([], 3_000);
  assert.deepEqual([session.doing, session.receipt.now], [[], 3_000]);
  told([busy], 3_500);
  session.receipt.receive(frame(header({}), new Kernel().frame([])[1]));
  assert.deepEqual(session.doing, []);
});
