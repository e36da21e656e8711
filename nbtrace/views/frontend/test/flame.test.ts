// Sampled frames: what they are called, as boxes over time, merged below spans, and around one of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { boxes } from "../src/engine/boxes";
import { type Merged, merge } from "../src/engine/merge";
import { Profile } from "../src/engine/profile";
import { type Sampled, addFrames, aroundFrame } from "../src/engine/sampled";
import { Stacks } from "../src/engine/stacks";
import { FIRST_SYMBOL, Symbols } from "../src/engine/symbols";
import { NATIVE, PYTHON, WAITING } from "../src/engine/parts";
import { type SampledThread, threadsOf } from "../src/engine/threads";
import { Trace } from "../src/engine/trace";
import { LIGHT } from "../src/pictures/colours";
import { paintBoxes } from "../src/pictures/flame";
import { frameTip, inLine } from "../src/engine/tip";
import { laneAt, lanesOf, paintThreads, placeAt } from "../src/pictures/frames";
import { type Called, type Row, type Taken, pen, placedIn, profile, trace } from "./kit";
import { many } from "./many";

const CELL = (line: number, cell = 1): Called => ["<module>", `cell ${cell}`, line];
const MERGE: Called = ["merge", "pandas/merge.py", 10, "pandas"];
const JOIN: Called = ["join", "pandas/join.py", 20, "pandas"];
const SOURCE = "import pandas\njoined = a.merge(b)\nplot(joined)";

function sampled(samples: Taken[], rows: Row[] = [[-1, 0, 100, "cell [7] merge"]], cells = rows.map(() => 1)): Sampled & { threads: SampledThread[] } {
  const spans = trace(rows, { cells: [[1, 7, 1, 1, SOURCE], [2, null, 2, 1, "x"]] }, cells);
  const made = profile(samples);
  const symbols = new Symbols(spans, made);
  const stacks = new Stacks(made, symbols);
  stacks.grow();
  return { trace: spans, profile: made, symbols, stacks, placed: placedIn(made, spans), threads: threadsOf(made, stacks) };
}

/** The boxes of a thread by lane: what they are called, from when to when. */
function shown({ symbols }: Sampled, thread: SampledThread): [string, number, number][][] {
  return Array.from({ length: thread.depth }, (_, depth) => {
    const lane: [string, number, number][] = [];
    for (let box = thread.offset[depth]!; box < thread.offset[depth + 1]!; box++) lane.push([symbols.text(thread.symbol(box)), thread.start(box), thread.end(box)]);
    return lane;
  });
}

/** A merged tree as lines: what, how long, of its own, how often. */
function lines(made: Sampled, top: Merged, indent = ""): string[] {
  return [...top.children.values()].sort((a, b) => b.total - a.total).flatMap((each) => [
    `${indent}${made.symbols.text(each.name)} ${round(each.total)} ${round(each.self)} ${each.count}`, ...lines(made, each, `${indent} `),
  ]);
}

function round(number: number): number {
  return Math.round(number * 100) / 100;
}

function heavy(made: Sampled, outside = true): Merged {
  const at: Merged[] = [];
  const top = merge(made.trace, made.trace.tree.roots, at);
  addFrames(top, at, made, outside);
  return top;
}

test("a frame of a cell is its line with what stands there, one of a file its function wherever it was", () => {
  const made = sampled([
    { time: 10, wall: 10, stack: [CELL(2), ["merge", "pandas/merge.py", 10, "pandas"]] },
    { time: 20, wall: 10, stack: [CELL(2), ["merge", "pandas/merge.py", 99, "pandas"]] },
    { time: 30, wall: 10, stack: [CELL(3), ["plot", "cell 1", 9]] },
    { time: 40, wall: 10, cell: 2, stack: [CELL(5, 2)] },
    { time: 50, wall: 10, cell: 0, thread: "other", stack: [["<module>", "run.py", 3, "your files"]] },
  ]);
  const { symbols, stacks, profile: { count } } = made;
  const names = Array.from({ length: count }, (_, row) => symbols.text(stacks.symbol[stacks.of[row]!]!));
  assert.deepEqual(names, ["merge", "merge", "plot · cell [7] line 9", "cell [2] line 5", "<module>"]);
  assert.equal(stacks.of[0], stacks.of[1], "lines of a function are one frame");
  const join = stacks.symbol[stacks.of[0]!]!;
  assert.ok(join >= FIRST_SYMBOL);
  assert.deepEqual([symbols.function(join), symbols.place(join), symbols.library(join)], ["merge", "pandas/merge.py:1", "pandas"]);
  const line = stacks.symbol[stacks.above[stacks.of[0]!]!]!;
  assert.deepEqual([symbols.text(line), symbols.place(line)], ["cell [7] line 2  joined = a.merge(b)", "cell [7] line 2"]);
  assert.equal(symbols.text(0), "cell [7] merge", "names of spans are in the same space");
});

test("an execution count that becomes known is read from then on", () => {
  const made = sampled([{ time: 40, wall: 10, cell: 2, stack: [CELL(1, 2)] }]);
  made.trace.cells.set(2, [2, 8, 2, 1, "x"]);
  assert.equal(made.symbols.text(made.stacks.symbol[0]!), "cell [8] line 1  x");
});

test("neighbouring samples are one box as far as their stacks agree", () => {
  const made = sampled([
    { time: 10, wall: 10, stack: [CELL(2), MERGE] },
    { time: 20, wall: 10, stack: [CELL(2), MERGE, JOIN] },
    { time: 30, wall: 10, stack: [CELL(2), MERGE] },
    { time: 40, wall: 10, stack: [CELL(2), JOIN] },
    { time: 50, wall: 10, stack: [CELL(2), MERGE] },
  ]);
  assert.equal(made.threads.length, 1);
  assert.deepEqual(shown(made, made.threads[0]!), [
    [["cell [7] line 2  joined = a.merge(b)", 0, 50]],
    [["merge", 0, 30], ["join", 30, 40], ["merge", 40, 50]],
    [["join", 10, 20]],
  ]);
});

test("a box ends where nothing is known of the thread, but not at a sample that came late", () => {
  const at = (time: number): Taken => ({ time, wall: 10, stack: [CELL(1)] });
  const made = sampled([at(10), at(20), at(45), at(90), at(100)]); // from 20 to 35 is less than two steps, from 45 to 80 more
  assert.deepEqual(shown(made, made.threads[0]!)[0]!.map(([, from, to]) => [from, to]), [[0, 45], [80, 100]]);
});

test("threads are apart, that of the cell first, and each box is found where it is drawn", () => {
  const made = sampled([
    { time: 5, wall: 5, thread: "pool", stack: [["run", "threading.py", 1]] },
    { time: 10, wall: 10, stack: [CELL(1), MERGE] },
    { time: 20, wall: 10, thread: "pool", stack: [["run", "threading.py", 1]] },
  ]);
  assert.deepEqual(made.threads.map(({ title, depth }) => [title, depth]), [["MainThread", 2], ["pool", 1]]);
  assert.equal(lanesOf(made.threads), 5);
  assert.equal(placeAt(made.threads, 0, 5, 0), undefined, "a title");
  const place = placeAt(made.threads, 4, 4, 0)!;
  assert.deepEqual(place, { thread: 1, depth: 0, box: 0 });
  assert.equal(laneAt(made.threads, place, 7), 11);
  assert.equal(placeAt(made.threads, 1, 15, 0), undefined, "the cell's thread was seen until 10");
  assert.equal(placeAt(made.threads, 9, 5, 0), undefined);
});

test("a box has the texture of what most of its time was; where nothing is known it is plain", () => {
  const mode = (...samples: Pick<Taken, "computed" | "native">[]) => {
    const { threads } = sampled(samples.map((each, i) => ({ time: 10 * (i + 1), wall: 10, stack: [CELL(1)], ...each }) as Taken));
    return threads[0]!.mode(0);
  };
  assert.equal(mode({ computed: 1 }, { computed: 1, native: true }, { computed: 0.9 }), PYTHON);
  assert.equal(mode({ computed: 1, native: true }, { computed: 0 }, { computed: 1, native: true }), NATIVE);
  assert.equal(mode({ computed: 0 }, { computed: 0.4 }), WAITING);
  assert.equal(mode({}, {}, { computed: 0 }), PYTHON);
  const drawn = (computed: number, native: boolean) => {
    const made = sampled([{ time: 100, wall: 100, computed, native, stack: [CELL(1)] }]);
    const moved: number[] = [];
    paintThreads({ ...pen(), moveTo: (x) => void moved.push(x) }, LIGHT, made.symbols, made.threads, { range: { from: 0, to: 100 }, scroll: 0, above: 0, hovered: undefined, selectedName: -1, matches: undefined, moving: false }, 600, 200);
    return moved.length;
  };
  assert.equal(drawn(1, false), 0);
  assert.equal(drawn(0, false), 2, "two lines at its foot");
  assert.ok(drawn(1, true) > 50, "a hatch all along it");
});

test("frames stand below the span in which they were taken, and a span's own time is what they leave", () => {
  const made = sampled(
    [
      { time: 10, wall: 10, span: 0, stack: [CELL(2), MERGE] },
      { time: 30, wall: 20, span: 1, stack: [CELL(2), MERGE, JOIN] },
      { time: 50, wall: 20, span: 1, stack: [CELL(2), MERGE] },
      { time: 70, wall: 10, span: -1, stack: [CELL(3)] },
      { time: 80, wall: 10, span: 99, stack: [CELL(3)] }, // of a span that is gone
    ],
    [[-1, 0, 100, "cell [7] merge"], [0, 10, 60, "query"]],
  );
  assert.deepEqual(lines(made, heavy(made)), [
    "cell [7] merge 100 20 1",
    " query 50 10 1",
    "  cell [7] line 2  joined = a.merge(b) 40 0 2",
    "   merge 40 20 2",
    "    join 20 20 1",
    " cell [7] line 3  plot(joined) 20 20 2",
    " cell [7] line 2  joined = a.merge(b) 10 0 1",
    "  merge 10 10 1",
  ]);
});

test("what no cell has stands in a top of its own, and other threads below their name take nothing of the cell's own time", () => {
  const made = sampled([
    { time: 40, wall: 40, stack: [CELL(1)] },
    { time: 50, wall: 30, thread: "pool", stack: [["run", "threading.py", 1]] },
    { time: 60, wall: 10, cell: 0, thread: "poll", stack: [["run", "threading.py", 1]] },
    { time: 70, wall: 5, cell: 5, thread: "poll", stack: [] },
  ]);
  const top = heavy(made);
  assert.deepEqual(lines(made, top), [
    "cell [7] merge 100 60 1",
    " cell [7] line 1  import pandas 40 40 1",
    " thread pool 30 0 1",
    "  run 30 30 1",
    "outside cells 15 0 2",
    " run 10 10 1",
    " no Python frame 5 5 1",
  ]);
  assert.equal(top.total, 115);
  const at: Merged[] = [];
  const some = merge(made.trace, [0], at);
  addFrames(some, at, made, false);
  assert.equal(some.children.size, 1);
});

test("samples that stand for more than their statement has are given what there is", () => {
  const spans = trace([[-1, 0, 50, "cell [7] x"]], { cells: [[1, 7, 1, 1, SOURCE]] }, [1]);
  const made = profile([{ time: 20, wall: 20, stack: [CELL(1)] }, { time: 40, wall: 40, stack: [CELL(1)] }], [[1, 1, 1, 10, 40]]);
  const symbols = new Symbols(spans, made);
  const stacks = new Stacks(made, symbols);
  stacks.grow();
  const all = { trace: spans, profile: made, symbols, stacks, placed: placedIn(made, spans) };
  assert.deepEqual(lines(all, heavy(all)), ["cell [7] x 50 20 1", " cell [7] line 1  import pandas 30 30 2"]);
});

test("around a frame stand who called it, frames then spans, and what it called; recursion counts once", () => {
  const made = sampled(
    [
      { time: 10, wall: 10, span: 1, stack: [CELL(2), MERGE, JOIN, MERGE, ["leaf", "x.py", 1]] },
      { time: 30, wall: 20, span: 0, stack: [CELL(2), MERGE, JOIN] },
      { time: 40, wall: 10, span: 0, stack: [CELL(3), JOIN, MERGE] },
      { time: 90, wall: 50, span: 0, stack: [CELL(3)] },
      { time: 95, wall: 5, thread: "pool", stack: [["run", "threading.py", 1], MERGE] },
    ],
    [[-1, 0, 100, "cell [7] merge"], [0, 0, 20, "query"]],
  );
  const symbol = made.stacks.symbol[made.stacks.of[2]!]!;
  assert.equal(made.symbols.text(symbol), "merge");
  const { callers, callees } = aroundFrame(made, symbol);
  assert.equal(round(callees.total), 45);
  assert.deepEqual(lines(made, callees), ["merge 45 15 4", " join 30 20 2", "  merge 10 0 1", "   leaf 10 10 1"]);
  assert.deepEqual(lines(made, callers), [
    "cell [7] line 2  joined = a.merge(b) 30 0 2",
    " cell [7] merge 20 0 1",
    " query 10 0 1",
    "  cell [7] merge 10 0 1",
    "join 10 0 1",
    " cell [7] line 3  plot(joined) 10 0 1",
    "  cell [7] merge 10 0 1",
    "run 5 0 1",
    " thread pool 5 0 1",
    "  cell [7] merge 5 0 1",
  ]);
  const query = aroundFrame(made, symbol, (row) => row === 1);
  assert.equal(round(query.callers.total), 10);
  assert.equal(aroundFrame(made, FIRST_SYMBOL + 10_000).callers.total, 0, "a frame that no stack has");
});

test("frames are found by function, file and library", () => {
  const { symbols } = sampled([
    { time: 10, wall: 10, stack: [CELL(2), MERGE] },
    { time: 20, wall: 10, stack: [CELL(3), ["dumps", "json/__init__.py", 1]] },
  ]);
  const found = (text: string) => [...symbols.matches(text)].flatMap((has, i) => (has ? [symbols.text(FIRST_SYMBOL + i)] : []));
  assert.deepEqual(found("MERGE"), ["cell [7] line 2  joined = a.merge(b)", "merge"]);
  assert.deepEqual(found("json/"), ["dumps"]);
  assert.deepEqual(found("standard lib"), ["dumps"]);
  assert.deepEqual(found("line 3"), ["cell [7] line 3  plot(joined)"]);
  assert.deepEqual(found("nothing"), []);
});

test("samples and cells that come later are taken in, and what was is void after a reset", () => {
  const made = sampled([{ time: 10, wall: 10, stack: [CELL(2), MERGE] }]);
  const { symbols, stacks } = made;
  const before = stacks.of[0]!;
  const later = profile([{ time: 10, wall: 10, stack: [CELL(2), MERGE] }, { time: 20, wall: 10, stack: [CELL(2), JOIN] }]);
  Object.assign(made.profile, later);
  stacks.grow();
  assert.deepEqual([stacks.of[0], stacks.count], [before, 3]);
  made.profile.clear();
  symbols.clear();
  stacks.clear();
  stacks.grow();
  assert.deepEqual([symbols.count, stacks.count, threadsOf(made.profile, stacks).length], [0, 0, 0]);
});

test("hostile names are cleaned, and a stack of thousands of frames has an end", () => {
  const evil: Called = ["\u202eevil\x1b[31m\ud800".repeat(50), "\x1b]0;x\x07/a\u2066.py", 1, "li\nb"];
  const deep = Array.from({ length: 5_000 }, (_, i): Called => [`f${i % 3}`, "deep.py", i % 3]);
  const made = sampled([
    { time: 50, wall: 50, thread: "\x1b[1mthread\u202e", stack: [evil] },
    { time: 100, wall: 50, computed: 1, stack: deep },
  ]);
  const state = { range: { from: 0, to: 100 }, scroll: 0, above: 0, hovered: undefined, selectedName: -1, matches: undefined, moving: false };
  const drawn = pen();
  paintThreads(drawn, LIGHT, made.symbols, made.threads, state, 900, 100_000);
  const tops = heavy(made);
  paintBoxes(drawn, LIGHT, made.trace, boxes(tops, 900), { zoom: { from: 0, to: 1 }, scroll: 0, hovered: undefined, selectedName: -1, symbols: made.symbols }, 900, 100_000);
  const thread = made.threads[0]!;
  const tip = frameTip(made.symbols, thread.symbol(0), 1, 1, thread.sums.of(0, 1));
  assert.ok(drawn.texts.length > 4);
  for (const each of [...drawn.texts, tip.title, ...tip.facts.flat()]) assert.ok(each.length <= 201 && !/[\u202e\u2066\x1b\x07\ud800\n]/.test(each), JSON.stringify(each));
  assert.ok(Math.max(...made.threads.map(({ depth }) => depth)) <= 500);
});

test("what is told of a box is where it is written, how long, and what the time was", () => {
  const made = sampled([
    { time: 10, wall: 10, computed: 1, native: true, stack: [CELL(2), MERGE] },
    { time: 20, wall: 10, computed: 0, stack: [CELL(2), MERGE, JOIN] },
    { time: 40, wall: 20, stack: [CELL(3)] },
  ]);
  const [thread] = made.threads;
  const at = (depth: number, moment: number) => {
    const box = thread!.at(depth, moment, 0);
    const [from, to] = [thread!.first[box]!, thread!.last[box]! + 1];
    return inLine(frameTip(made.symbols, thread!.symbol(box), thread!.own(box), to - from, thread!.sums.of(from, to)));
  };
  assert.equal(at(1, 5), "merge · pandas/merge.py:1 · pandas · 20.0 ms, 10.0 ms of its own, 2 samples · Python 0 % · native 50 % · waiting 50 %");
  assert.match(at(0, 30), /^cell \[7\] line 3  plot\(joined\) · cell \[7\] line 3 · notebook · 20.0 ms, 20.0 ms of its own, 1 sample · .* not known$/);
});

test("a hundred thousand samples are a bounded number of rectangles, near and far, and their sums are the whole", () => {
  const [[spansHeader, spansColumns], [header, columns]] = many();
  const spans = new Trace();
  const made = new Profile();
  spans.append(spansHeader, spansColumns);
  made.append(header, columns);
  const symbols = new Symbols(spans, made);
  const stacks = new Stacks(made, symbols);
  stacks.grow();
  const threads = threadsOf(made, stacks);
  for (const wide of [1_000_000, 100_000, 10_000, 1_000]) {
    const drawn = pen();
    const state = { range: { from: 300_000, to: 300_000 + wide }, scroll: 0, above: 3, hovered: undefined, selectedName: -1, matches: undefined, moving: false };
    const number = paintThreads(drawn, LIGHT, symbols, threads, state, 1200, 600);
    assert.ok(number > 15 && number < 12_000, `${number} boxes over ${wide} ms`);
    assert.ok(drawn.rectangles < 14_000);
  }
  const sampledAll: Sampled = { trace: spans, profile: made, symbols, stacks, placed: placedIn(made, spans) };
  const top = heavy(sampledAll);
  const named = (name: string, from: Merged): number => [...from.children.values()].reduce((sum, each) => sum + (symbols.text(each.name) === name ? each.total : named(name, each)), 0);
  assert.ok(Math.abs(named("cell [1] line 1  work()", top) - 1_000_000) < 10_000, "but for what is too small to be shown");
  const found = boxes(top, 1200);
  assert.ok(found.length < 50_000);
  assert.ok(found.every((box) => box.from >= -1e-9 && box.to <= 1 + 1e-9));
});
