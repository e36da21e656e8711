// The lines of the waterfall: lanes, what closed lines hide, what a filter opens, and where keys lead.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import type { Details } from "../src/engine/details";
import { type Lines, lines } from "../src/engine/folding";
import { Groups, MAX_GROUPS, Values, valueOf } from "../src/engine/grouping";
import { lineInRange } from "../src/engine/inrange";
import { statistics } from "../src/engine/statistics";
import { ERROR, type Trace } from "../src/engine/trace";
import type { Model } from "../src/model";
import { LIGHT } from "../src/pictures/colours";
import { paintWaterfall, timeOf, titleOf } from "../src/pictures/waterfall";
import { into, nextError, noticed, outOf, walk } from "../src/session/moves";
import { ALL, LATEST } from "../src/session/scope";
import { Session } from "../src/session/session";
import { type Row, pen, spans, trace } from "./kit";

globalThis.requestAnimationFrame ??= ((callback: () => void) => setTimeout(callback, 0)) as never;

const SHAPE = { collapsed: new Set<number>(), unfolded: new Set<string>() };
const UNFINISHED = 128;
const many = (parent: number, start: number, name: string, count: number, status = 0): Row[] => Array.from({ length: count }, (_, i): Row => [parent, start + i, start + i + 1, name, status]);

function opened(rows: Row[], cells: number[] = [], opener = 0): Session {
  const state: Record<string, unknown> = { _opener: opener };
  const model: Model = { get: (name) => state[name] ?? "", set: (name, value) => void (state[name] = value), save_changes() {}, on() {}, off() {}, send() {} };
  const session = new Session(model);
  const known = [...new Set(cells)].filter(Boolean).map((number): [number, number, number, number, string] => [number, number, number, 1, `source ${number}`]);
  session.trace.append(...spans(rows, { cells: known }, cells));
  return session;
}

/** Lines as they are read: how deep, what, how many errors are hidden. */
function read(made: Trace, shown: Lines): string[] {
  return Array.from({ length: shown.count }, (_, line) => `${" ".repeat(shown.depth[line]!)}${titleOf(made, shown, line)}${shown.hidden[line] ? ` ✗${shown.hidden[line]}` : ""}`);
}

function describe(session: Session, all: Partial<Details>[]): void {
  const list = all.map((each, row): Partial<Details> => ({ id: `${row}`, trace: "t", attributes: {}, thread: [1, 1, "MainThread"], ...each }));
  session.details.add(Int32Array.from(list.keys()), new Uint8Array(deflateSync(JSON.stringify(list))));
  session.described();
}

async function until(met: () => boolean): Promise<void> {
  while (!met()) await new Promise((resolve) => setTimeout(resolve, 1));
}

function grouped(made: Trace, of: (row: number) => string | undefined): Groups {
  const values = new Values();
  const codes = Int32Array.from({ length: made.count }, (_, row) => values.codeOf(of(row) === undefined ? undefined : [of(row)!, of(row)!, ""]));
  return new Groups(made, codes, values);
}

test("in a lane a span hangs below the nearest of its lane, and what has no value comes last", () => {
  const made = trace([[-1, 0, 20, "cell"], [0, 1, 9, "pool"], [1, 2, 5, "task"], [2, 3, 4, "load"], [2, 4, 5, "here"], [1, 5, 8, "task"]]);
  const lanes = grouped(made, (row) => ["main", undefined, "worker", "worker", "main", "worker"][row]);
  const shown = lines(made, { ...SHAPE, groups: lanes });
  assert.deepEqual(read(made, shown), ["main · 2 spans", " cell", "  here", "worker · 3 spans", " task", "  load", " task", "(none) · 1 span", " pool"]);
  assert.deepEqual([...shown.total.subarray(0, shown.count)].filter(Boolean), [20, 6, 8]);
  assert.deepEqual(read(made, lines(made, { ...SHAPE, groups: lanes, only: new Uint8Array([0, 0, 0, 1, 0, 0]) })), ["worker · 3 spans", " task", "  load"]);
});

test("a lane is closed by its own line, which draws what it has and says what it hides, and stays closed when others come", () => {
  const session = opened([[-1, 0, 20, "cell"], [0, 1, 9, "task", ERROR], [0, 2, 9, "task", ERROR]], [1, 1, 1]);
  describe(session, [{}, { thread: [1, 7, "pool_0"] }, { thread: [1, 8, "pool_0"] }]);
  session.group("thread");
  return until(() => session.lines.count === 6).then(async () => {
    assert.deepEqual(read(session.trace, session.lines), ["MainThread · 1 span", " cell", "pool_0 (7, process 1) · 1 span", " task", "pool_0 (8, process 1) · 1 span", " task"]);
    session.folds.open(session.lines.row[2]!, false);
    assert.deepEqual(read(session.trace, session.lines).slice(2, 4), ["pool_0 (7, process 1) · 1 span ✗1", "pool_0 (8, process 1) · 1 span"]);
    const drawn = pen();
    paintWaterfall(drawn, LIGHT, session.trace, { lines: session.lines, range: { from: 0, to: 20 }, origin: 0, scroll: 0, selected: -1, hovered: -1, names: 300 }, 900, 300);
    assert.ok(drawn.texts.includes("8.00 ms") && drawn.texts.includes("1"));
    session.trace.append(...spans([[0, 0.5, 1, "early"]], { reset: false, first: 3 }, [1], session.trace.names));
    session.details.add(Int32Array.of(3), new Uint8Array(deflateSync(JSON.stringify([{ id: "3", thread: [1, 9, "first"], attributes: {} }]))));
    session.described();
    await until(() => read(session.trace, session.lines)[2] === "first · 1 span");
    assert.deepEqual(read(session.trace, session.lines).slice(2, 5), ["first · 1 span", " early", "pool_0 (7, process 1) · 1 span ✗1"]);
    session.group("");
    assert.deepEqual(read(session.trace, session.lines), ["cell", " early", " task", " task"]);
  });
});

test("spans whose details have not come yet stand apart, and attributes are offered by how frequent they are", async () => {
  const session = opened([[-1, 0, 20, "cell"], [0, 1, 9, "fit"], [0, 2, 9, "fit"]], [1, 1, 1]);
  session.group("attributes.model");
  assert.deepEqual(read(session.trace, session.lines), ["(not known yet) · 3 spans", " cell", "  fit", "  fit"]);
  describe(session, [{}, { attributes: { model: "ridge", rows: 3 } }, { attributes: { rows: 3, model: 3, "\u202eevil": [1] } }]);
  await until(() => session.grouping.keys.length === 3);
  assert.deepEqual(session.grouping.keys.slice(0, 2).sort(), ["model", "rows"]);
  assert.deepEqual(read(session.trace, session.lines), ["ridge · 1 span", " fit", "3 · 1 span", " fit", "(none) · 1 span", " cell"]);
  session.group("attributes.\u202eevil");
  await until(() => session.lines.count === 5);
  assert.deepEqual(read(session.trace, session.lines).slice(0, 2), ["[1] · 1 span", " fit"]);
});

test("by cell and by trace a group is called as its cell is, or as its first span", async () => {
  const session = opened([[-1, 0, 5, "cell [1]"], [0, 1, 2, "a"], [-1, 6, 9, "cell [2]"], [-1, 6, 7, "lone"]], [1, 1, 2, 0]);
  describe(session, [{ trace: "aaaa" }, { trace: "aaaa" }, { trace: "bbbb" }, { trace: "bbbb" }]);
  session.group("cell");
  assert.deepEqual(read(session.trace, session.lines), ["[1] source 1 · 2 spans", " cell [1]", "  a", "[2] source 2 · 1 span", " cell [2]", "(none) · 1 span", " lone"]);
  session.group("trace");
  await until(() => session.lines.count === 6);
  assert.deepEqual(read(session.trace, session.lines), ["cell [1] · 2 spans", " cell [1]", "  a", "cell [2] · 2 spans", " cell [2]", " lone"]);
  session.focus(0);
  assert.deepEqual(read(session.trace, session.lines), ["cell [1] · 2 spans", " cell [1]", "  a"]);
});

test("of a thousand values the largest have a line, and the others share one that says how many they are", () => {
  const made = trace([...many(-1, 0, "x", 1_000), ...many(-1, 0, "x", 200)]);
  const lanes = grouped(made, (row) => `${row % 1_000}`);
  assert.equal(lanes.groups.length, MAX_GROUPS + 1);
  assert.deepEqual(lanes.groups.filter(({ spans: size }) => size !== 2).map(({ name, spans: size }) => [name, size]), [["800 other values", 800]]);
  assert.equal(lanes.idOf(made.count + MAX_GROUPS), lines(made, { ...SHAPE, groups: lanes, collapsed: new Set(lanes.groups.map((_, at) => lanes.idOf(made.count + at))) }).row[MAX_GROUPS]);
});

test("a hundred thousand deep, and in two lanes by turns, every span has its place", () => {
  const n = 100_000;
  const made = trace(Array.from({ length: n }, (_, row): Row => [row - 1, row, 2 * n - row, "x"]));
  const lanes = grouped(made, (row) => (row > n / 2 ? "b" : row % 2 ? "odd" : "even"));
  assert.equal(lanes.tree.depth[n - 1], n / 2 - 1);
  assert.equal(lines(made, { ...SHAPE, groups: lanes }).count, n + 3);
});

test("what is closed says how many errors it hides, and what is open does not", () => {
  const made = trace([[-1, 0, 50, "cell", ERROR], [0, 1, 20, "agent"], [1, 2, 3, "tool", ERROR], [1, 3, 4, "tool"], ...many(0, 20, "step", 5), [4, 20, 21, "call", ERROR], [5, 21, 22, "call", ERROR]]);
  assert.deepEqual(read(made, lines(made, SHAPE)), ["cell", " agent", "  tool", "  tool", " step × 5 ✗2"]);
  assert.deepEqual(read(made, lines(made, { ...SHAPE, collapsed: new Set([1]) })), ["cell", " agent ✗1", " step × 5 ✗2"]);
  assert.deepEqual(read(made, lines(made, { ...SHAPE, collapsed: new Set([0]) })), ["cell ✗3"]);
});

test("opening all opens repeated siblings too, those to come as well; closing all folds them again", () => {
  const session = opened([[-1, 0, 50, "cell"], ...many(0, 1, "step", 6)]);
  assert.equal(session.lines.count, 2);
  session.folds.openAll(true, session.scope.rows());
  assert.equal(session.lines.count, 7);
  session.trace.append(...spans(many(0, 10, "step", 5), { reset: false, first: 7 }, [], session.trace.names));
  assert.equal(session.lines.count, 12);
  session.folds.openAll(false, session.scope.rows());
  assert.equal(session.lines.count, 2);
});

test("a filter opens what its matches stand in, whatever was closed, and afterwards everything is as it was", async () => {
  const session = opened([[-1, 0, 50, "cell"], [0, 1, 20, "train"], [1, 2, 3, "fit"], [1, 3, 4, "fit"]]);
  session.folds.openAll(false, session.scope.rows());
  assert.deepEqual(read(session.trace, session.lines), ["cell", " train"]);
  session.finder.look("name == 'fit'");
  await until(() => !session.finder.searching);
  assert.deepEqual(read(session.trace, session.lines), ["cell", " train", "  fit", "  fit"]);
  session.folds.open(1, false);
  assert.equal(session.lines.count, 2, "what is closed by hand stays closed");
  session.finder.look("name == 'fit' and duration > 0ms");
  await until(() => !session.finder.searching);
  assert.equal(session.lines.count, 4, "but not for another search");
  session.finder.look("");
  assert.deepEqual(read(session.trace, session.lines), ["cell", " train"]);
});

test("a text that is searched is uncovered match by match", async () => {
  const session = opened([[-1, 0, 50, "cell"], [0, 1, 20, "train"], [1, 2, 3, "fit"], ...many(0, 20, "step", 6)]);
  session.folds.openAll(false, session.scope.rows());
  session.finder.look("fit");
  await until(() => !session.finder.searching);
  assert.equal(session.lines.count, 3);
  session.step(1);
  assert.deepEqual(read(session.trace, session.lines).slice(0, 3), ["cell", " train", "  fit"]);
});

test("the next error is one that is shown: under a filter, a pill, in the trace that was chosen; if there is none, that is said", async () => {
  const session = opened([[-1, 0, 5, "cell"], [0, 1, 2, "a", ERROR], [0, 2, 3, "b", ERROR], [-1, 6, 9, "cell"], [3, 7, 8, "b", ERROR], [-1, 10, 12, "cell"]]);
  session.finder.look("name == 'b'");
  await until(() => !session.finder.searching);
  const next = () => (nextError(session), session.selected);
  assert.deepEqual([next(), next(), next()], [2, 4, 2]);
  session.focus(3);
  assert.deepEqual([next(), next()], [4, 4]);
  session.focus(5);
  assert.deepEqual([next(), noticed(session)], [-1, "no error in this trace"]);
  session.focus(ALL);
  assert.equal(noticed(session), "");
  session.finder.look("name == 'cell'");
  await until(() => !session.finder.searching);
  assert.deepEqual([next(), noticed(session)], [-1, "no error among what is found"]);
});

test("keys go through lanes as through a tree: past their lines, and the outermost span closes its lane", async () => {
  const session = opened([[-1, 0, 20, "cell"], [0, 1, 9, "task"], [1, 2, 5, "load"]], [1, 1, 1]);
  describe(session, [{}, { thread: [1, 7, "pool"] }, { thread: [1, 7, "pool"] }]);
  session.group("thread");
  await until(() => session.lines.count === 5);
  walk(session, 1);
  assert.equal(session.selected, 0);
  walk(session, 1);
  assert.equal(session.selected, 1);
  outOf(session);
  outOf(session);
  assert.deepEqual(read(session.trace, session.lines), ["MainThread · 1 span", " cell", "pool · 2 spans"]);
  into(session);
  into(session);
  into(session);
  assert.deepEqual([session.selected, session.lines.count], [2, 5]);
});

test("a part of the time that was brushed comes to the top if nothing of it is seen, and is left alone otherwise", () => {
  const made = trace([[-1, 0, 100, "cell"], ...Array.from({ length: 50 }, (_, i): Row => [0, 2 * i, 2 * i + 1, `s ${i}`])]);
  const shown = lines(made, SHAPE);
  const range = { from: 60, to: 63 };
  assert.equal(shown.row[lineInRange(made, shown, range, 0, 10, true)], 31);
  assert.equal(lineInRange(made, shown, range, 0, 10, false), -1, "the cell's bar is there: a key moves nothing");
  assert.equal(lineInRange(made, shown, range, 1, 10, false), 0);
  assert.equal(lineInRange(made, shown, range, 25, 35, true), -1);
  assert.equal(lineInRange(made, shown, { from: 60.2, to: 60.4 }, 25, 35, true), -1, "within a single bar");
  assert.equal(lineInRange(made, shown, { from: 61.2, to: 61.4 }, 40, 45, true), 0, "nothing but the cell is there");
  const folded = trace([[-1, 0, 50, "a"], [-1, 100, 120, "cell"], ...many(1, 100, "step", 9)]);
  assert.equal(lineInRange(folded, lines(folded, SHAPE), { from: 103, to: 104 }, 0, 1, true), 2);
});

test("the first scope is what the opening cell did, if it did something, else all; and it stays", () => {
  const rows: Row[] = [[-1, 0, 1, "cell [1]"], [0, 0, 1, "a"], [-1, 100_000, 100_001, "cell [2]"], [2, 100_000, 100_001, "b"]];
  const cells = [1, 1, 2, 2];
  assert.equal(opened(rows, cells, 3).scope.root, ALL, "hours between cells change nothing");
  const session = opened(rows, cells, 2);
  assert.equal(session.scope.root, 2);
  session.trace.append(...spans([[-1, 200_000, 300_000, "cell [3]"], [4, 200_000, 300_000, "c"]], { reset: false, first: 4 }, [3, 3], session.trace.names));
  assert.equal(session.scope.root, 2);
  session.focus(LATEST);
  assert.equal(session.scope.root, 4);
  assert.equal(opened([[-1, 0, 9, "cell [1]"]], [1], 1).scope.root, ALL, "a cell without spans of its own has done nothing");
});

test("what is slow among several cells are the slowest spans, and the cells that took as long", () => {
  const inside = many(0, 0, "x", 50);
  const rows: Row[] = [[-1, 0, 3_200, "cell"], ...inside, [0, 100, 3_100, "fit"], [-1, 5_000, 22_500, "cell"], [-1, 23_000, 25_900, "cell"]];
  const slow = (session: Session) => [...session.scope.slowest].flatMap((marked, row) => (marked ? [session.trace.duration(row)] : []));
  const cells = [1, ...inside.map(() => 1), 1, 2, 3];
  assert.deepEqual(slow(opened(rows, cells)), [3_200, 3_000, 17_500]);
  const one = opened(rows, cells);
  one.focus(0);
  assert.deepEqual(slow(one), [3_000], "that one cell is the slowest says nothing");
  assert.deepEqual(slow(opened([[-1, 0, 5, "cell"], [-1, 6, 60, "cell"]], [1, 2])), [54], "where there are cells alone, the slowest of them");
});

test("what ran side by side says what the wall saw, and the sum", () => {
  const made = trace([[-1, 0, 10, "cell"], ...Array.from({ length: 200 }, (): Row => [0, 0, 8, "task"]), ...many(0, 1, "query", 5)]);
  const shown = lines(made, SHAPE);
  assert.deepEqual([timeOf(made, shown, 1), timeOf(made, shown, 2)], ["8.00 ms (sum 1.60 s)", "5.00 ms"]);
  const [task] = statistics(made);
  assert.deepEqual([task!.total, task!.wall], [1_600, 8]);
});

test("a span that never ended is drawn as far as anything was seen of its trace", () => {
  const made = trace([[-1, 0, NaN, "cell", UNFINISHED], [0, 1, 40, "a"], [0, 5, NaN, "lost", UNFINISHED | ERROR], [-1, 100, 200, "later"]]);
  const shown = lines(made, SHAPE);
  assert.deepEqual([...shown.until.subarray(0, shown.count)], [40, 40, 40, 200]);
  assert.equal(timeOf(made, shown, 2), "unfinished");
  const drawn: number[] = [];
  const counting = { ...pen(), fillRect: (x: number, _: number, wide: number) => void drawn.push(x + wide) };
  const one = { ...shown, count: 1 };
  paintWaterfall(counting, LIGHT, made, { lines: one, range: { from: 0, to: 80 }, origin: 0, scroll: 22, selected: -1, hovered: -1, names: 100 }, 900, 0);
  paintWaterfall(counting, LIGHT, made, { lines: one, range: { from: 0, to: 80 }, origin: 0, scroll: 0, selected: -1, hovered: -1, names: 100 }, 900, 60);
  assert.ok(drawn.some((right) => right > 480 && right < 505), "half of the picture is 500 pixels from the left");
});

test("an attribute may be called as what every object has, and values are told apart by all of them", () => {
  const details = (attributes: Record<string, unknown>, thread: unknown[] = [1, 2, "w"]) => ({ attributes, thread, trace: "" }) as unknown as Details;
  for (const key of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    assert.equal(valueOf(details({}), `attributes.${key}`), undefined);
    assert.equal(valueOf(details(JSON.parse(`{"${key}": "x"}`)), `attributes.${key}`)?.[0], '"x"');
  }
  const long = "x".repeat(2_000);
  assert.notEqual(valueOf(details({ a: `${long}1` }), "attributes.a")![0], valueOf(details({ a: `${long}2` }), "attributes.a")![0]);
  assert.notEqual(valueOf(details({}, [1, { $: "9007199254740993" }, "w"]), "thread")![0], valueOf(details({}, [1, { $: "9007199254740995" }, "w"]), "thread")![0]);
});
