// What lines took, what is hottest, what a line called: beside what Python says (vectors.test.ts), by cases that can be read.

import assert from "node:assert/strict";
import { test } from "node:test";
import whole from "prismjs";
import Prism from "prismjs/components/prism-core";
import { allot, cellSpans, ranOf } from "../src/engine/allotted";
import { hotLines, hottest, named } from "../src/engine/heat";
import { highlighted } from "../src/engine/highlight";
import { callsOf, inside, samplesAt } from "../src/engine/inside";
import { Profile } from "../src/engine/profile";
import { Scope } from "../src/session/scope";
import { Once } from "../src/session/once";
import { Code } from "../src/session/code";
import { Times } from "../src/session/times";
import { type Called, type Taken, profile, profiled, trace } from "./kit";

const AT = (line: number): Called => ["<module>", "cell 1", line];
const STEP: Called = ["step", "cell 2", 2];
const MERGE: Called = ["merge", "pandas/core/merge.py", 9, "pandas"];

function timeOf(made: Profile, length = 100) {
  const spans = trace([[-1, 0, length, "cell [1] x"]], {}, [1]);
  return allot(made, 1, ranOf(made, spans, 1, cellSpans(spans).get(1)!));
}

/** Ticks of 10 ms, one sample each. */
const ticks = (...stacks: Called[][]): Taken[] => stacks.map((stack, i) => ({ time: 10 * (i + 1), wall: 10, computed: 1, stack }));

test("a statement of one line has the time that was measured, a loop's lines that of their samples", () => {
  const made = profile(ticks([AT(1)], [AT(3)], [AT(3), MERGE], [AT(4)]), [[1, 1, 1, 0, 12], [1, 2, 4, 12, 50]]);
  const found = hotLines(made, timeOf(made, 50));
  assert.deepEqual(found.map(({ line, exact }) => [line, exact]), [[1, true], [2, false], [3, false], [4, false]]);
  assert.equal(found[0]!.time, 12);
  assert.equal(found[2]!.time, 20);
  assert.equal(found[2]!.cpu, 20);
});

test("a line that is on a stack twice, or in two threads at once, has the time once", () => {
  const recursive = profile(ticks([AT(1), STEP, STEP, STEP]), [[1, 1, 2, 0, 10]]);
  assert.deepEqual(hotLines(recursive, timeOf(recursive, 10)).map(({ line, time, samples }) => [line, time, samples]), [[1, 10, 1], [2, 10, 1]]);
  const threads = profile([
    { time: 10, wall: 10, stack: [AT(1)] },
    { time: 10, wall: 8, thread: "a", stack: [["run", "threading.py", 1], AT(1)] },
    { time: 10, wall: 9, thread: "b", stack: [["run", "threading.py", 1], AT(1)] },
  ], [[1, 1, 2, 0, 10]]);
  const [line] = hotLines(threads, timeOf(threads, 10));
  assert.deepEqual([line!.time, line!.samples, line!.cpu], [10, 3, NaN]);
});

test("memory that grew is of the line at the look after, and what nobody saw of the last statement", () => {
  const taken = ticks([AT(1)], [AT(2)], [AT(2)]);
  const made = profile(taken.map((each, i) => ({ ...each, memory: [1, 11, 13][i]! * 16_384 })), [[1, 1, 1, 0, 15], [1, 2, 2, 15, 100]], {
    resources: [[1, 30, null, 112 * 16_384, null, null, null, false]],
  });
  const found = new Map(hotLines(made, timeOf(made)).map(({ line, memory }) => [line, memory / 16_384]));
  assert.deepEqual([found.get(1), found.get(2)], [0, 112]);
});

test("the hottest line is the one at which the time passed, called as it says it there", () => {
  const slow = Array.from({ length: 12 }, () => [AT(2), MERGE]);
  const made = profile(ticks([AT(1)], ...slow), [[1, 1, 1, 0, 10], [1, 2, 3, 10, 130]]);
  const found = hottest(made, timeOf(made, 130))!;
  assert.deepEqual([found.line, found.called, found.guessed, Math.round(found.share * 100)], [2, "merge", false, 92]);
  assert.equal(named("    wide = frame.merge(other)", "DataFrame.merge"), "frame.merge");
  assert.equal(named("x = [f(i) for i in y]", "<listcomp>"), "f");
  assert.equal(named("import pandas", "exec"), "import pandas");
  assert.equal(named("y = make(a, b)", "Thing.__init__"), "Thing.__init__");
  assert.equal(named("a = b", ""), "a = b");
  assert.equal(named("while (x(1)): pass", ""), "x");
});

test("a function is named if it took more than half of the line's time, and IPython's display hook never", () => {
  const DISPLAY: Called = ["DisplayHook.__call__", "IPython/core/displayhook.py", 277];
  const READ: Called = ["read", "pandas/io/parsers.py", 7, "pandas"];
  const called = (...stacks: Called[][]) => {
    const made = profile(ticks(...stacks), [[1, 1, 1, 0, 10 * stacks.length]]);
    return hottest(made, timeOf(made, 10 * stacks.length))!.called;
  };
  assert.equal(called([AT(1), READ], [AT(1), READ], [AT(1), MERGE]), "read");
  assert.equal(called([AT(1), READ], [AT(1), MERGE]), undefined, "one of two had most by chance");
  assert.equal(called([AT(1), READ], [AT(1)], [AT(1)]), undefined);
  assert.equal(called([AT(1), DISPLAY], [AT(1), DISPLAY], [AT(1)]), "");
  assert.equal(called([AT(1), DISPLAY], [AT(1), READ], [AT(1), READ]), "read");
  assert.equal(named("  f(x) + g(y)", undefined), "f(x) + g(y)");
  assert.equal(named("await asyncio.gather(*works)", ""), "asyncio.gather");
});

test("a line that is opened says what it called, the heaviest first, and code of cells by line", () => {
  const made = profile([
    ...ticks([AT(1), STEP, MERGE], [AT(1), STEP, MERGE], [AT(1)]),
    { time: 40, wall: 10, computed: 0, stack: [AT(1), ["sleep", "time.py", 1]] },
    { time: 50, wall: 10, stack: [AT(2)] },
  ], [[1, 1, 2, 0, 50]], { codes: [[1, 0, 1], [2, 1, 2]] });
  const time = timeOf(made, 50);
  const [first, second] = callsOf(made, time, 1, 1);
  assert.deepEqual([first!.function, first!.time, first!.calls[0]!.function], ["step", 20, "merge"]);
  assert.deepEqual([second!.function, second!.waiting], ["sleep", 10]);
  assert.deepEqual(samplesAt(made, time, 1, 1), [0, 1, 2, 3]);
  const { all, functions } = inside(made, time, samplesAt(made, time, 1, 1));
  assert.deepEqual(all, { total: 40, python: 30, native: 0, waiting: 10 });
  assert.deepEqual(functions.map((each) => [each.function, each.total]), [["merge", 20], ["<module>", 10], ["sleep", 10]]);
});

test("a cell without samples, statements or a span of its own, and times that are none, are no error", () => {
  const nothing = profile([]);
  assert.deepEqual(hotLines(nothing, timeOf(nothing)), []);
  assert.equal(hottest(nothing, timeOf(nothing)), undefined);
  const odd = profile([{ time: 0, wall: 0, stack: [] }, { time: 5, wall: 600, stack: [AT(0)] }], [[1, 0, 0, NaN, NaN], [1, -1, -5, 9, 3]]);
  for (const { time, line } of hotLines(odd, timeOf(odd, 0))) assert.ok(line !== undefined && !(time < 0));
  assert.deepEqual([ranOf(odd, trace([]), 7, -1).from, ranOf(odd, trace([]), 7, -1).to], [0, 0]);
});

test("code is coloured line by line, and stays what it is", () => {
  const code = "def f(x):\n    '''two\n    lines'''\n    return f\"{x!r}\"  # <b>\n%timeit\n\n";
  const found = highlighted(code);
  assert.equal(found.map((parts) => parts.map(([text]) => text).join("")).join("\n"), code);
  assert.deepEqual(found[0]![0], ["def", "keyword"]);
  assert.ok(found[2]!.some(([text, kind]) => text.includes("lines") && kind === "string"));
});

/** Tokens without their prototypes, of which either copy of Prism has its own. */
const bare = (tokens: unknown): unknown => JSON.parse(JSON.stringify(tokens));

test("code is taken apart as by the whole of Prism, of which the bundle has a part", () => {
  const python = Prism.languages["python"]!;
  const code = "@a.b\nclass C(D):\n    async def f(self, x=0x1F, *y):\n        r\"\\d\"; f'{x!r:>{width}} {{}} {f(1)}'\n        '''b\n#'''; print(None, 1e-3) # 'c\n";
  assert.deepEqual(bare(Prism.tokenize(code, python)), bare(whole.tokenize(code, python)));
  assert.ok(highlighted(code).flat().length > 40);
});

test("the cell that is looked at is the one chosen, that of the selected span, one that runs, else the last that took long", () => {
  const spans = trace([[-1, 0, 5, "cell [1] a"], [-1, 5, 50, "cell [2] b"], [-1, 50, 53, "cell [3] c"]], { cells: [[1, 1, 1, 1, "a"], [2, 2, 2, 1, "b"], [3, 3, 3, 1, "c"]] }, [1, 2, 3]);
  const once = new Once();
  const times = new Times(spans, profile([]), once);
  const code = new Code(spans, new Scope(spans, once), times, () => {});
  const doing = (cell: number) => [[cell, 1, "", 1, 1, 0, 0, 0, "", ""] as never];
  assert.equal(code.cell({ selected: -1, doing: [] }), 2);
  assert.equal(code.cell({ selected: -1, doing: doing(3) }), 3);
  assert.equal(code.cell({ selected: 0, doing: doing(3) }), 1);
  code.look(2);
  assert.equal(code.cell({ selected: 0, doing: [] }), 2);
  code.follow();
  assert.equal(code.cell({ selected: 0, doing: [] }), 1);
});

test("of a cell that took long and has run again since, be it fast by now, the last run is looked at", () => {
  const spans = trace([[-1, 0, 50, "cell [1] a"], [-1, 50, 51, "cell [2] b"], [-1, 51, 52, "cell [3] a"]], { cells: [[1, 1, 1, 1, "a"], [2, 2, 2, 1, "b"], [3, 3, 1, 2, "a2"]] }, [1, 2, 3]);
  const once = new Once();
  const code = new Code(spans, new Scope(spans, once), new Times(spans, profile([]), once), () => {});
  assert.equal(code.cell({ selected: -1, doing: [] }), 3);
});

test("brackets that nest twenty thousand deep are coloured, or at least shown", () => {
  for (const code of ["f\"{".repeat(20_000), "def f(".repeat(100_000), "(".repeat(50_000)]) {
    assert.equal(highlighted(code).map((parts) => parts.map(([text]) => text).join("")).join("\n"), code);
  }
});

test("what a line called is no more than the line, however many threads ran it at once", () => {
  const threads = ["a", "b", "c"];
  const made = profile(threads.map((thread) => ({ time: 10, wall: 10, thread, stack: [["run", "threading.py", 1] as Called, AT(1), STEP] })), [[1, 1, 2, 0, 10]], { codes: [[1, 1, 1], [2, 2, 2]] });
  const time = timeOf(made, 10);
  assert.equal(hotLines(made, time)[0]!.time, 10);
  assert.equal(callsOf(made, time, 1, 1)[0]!.time, 10);
});

test("a node that stands above itself, and one that is none, are outermost ones and none", () => {
  const [head, columns] = profiled(ticks([AT(1), STEP]));
  (columns[0] as Uint32Array).set([2, 9]);
  const made = new Profile();
  made.append(head, columns);
  assert.deepEqual([...made.above.subarray(0, 2)], [-1, -1]);
  assert.ok(hotLines(made, timeOf(made, 10)).length >= 0);
});

test("of cells that are forgotten neither statements nor resources stay", () => {
  const made = profile(ticks([AT(1)]), [[1, 1, 1, 0, 5], [2, 1, 1, 5, 9]], { resources: [[1, 1, 1, 1, 1, 1, 1, false], [2, 1, 1, 1, 1, 1, 1, false]] });
  made.keep((cell) => cell === 2);
  assert.deepEqual([[...made.statements.keys()], [...made.resources.keys()]], [[2], [2]]);
});
