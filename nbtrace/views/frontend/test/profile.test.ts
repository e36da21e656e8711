// Samples as they come, and the time that they stand for.

import assert from "node:assert/strict";
import { test } from "node:test";
import { allot, cellSpans, ranOf } from "../src/engine/allotted";
import { type Called, profile, trace } from "./kit";

const LINE = (line: number): Called => ["<module>", "cell 1", line];

test("a profile is taken in as it was sent", () => {
  const made = profile([
    { time: 10, wall: 10, computed: 1, memory: 32_768, stack: [LINE(1), ["merge", "pandas/core.py", 5, "pandas"]] },
    { time: 20, wall: 9.5, computed: 0, native: true, stack: [LINE(1)], span: 7 },
    { time: 20, wall: 10, cell: 0, thread: "worker", stack: [["run", "threading.py", 3]] },
  ]);
  assert.deepEqual([...made.time.subarray(0, 3)], [10, 20, 20]);
  assert.deepEqual([...made.wall.subarray(0, 3)], [10, 9.5, 10]);
  assert.deepEqual([...made.computed.subarray(0, 3)], [10, 0, NaN]);
  assert.deepEqual([...made.native.subarray(0, 3)], [0, 1, 0]);
  assert.deepEqual([...made.memory.subarray(0, 3)], [32_768, NaN, NaN]);
  assert.deepEqual([...made.span.subarray(0, 3)], [-1, 7, -1]);
  const inner = made.frame[made.node[0]!]!;
  assert.deepEqual([made.functionName(inner), made.path(inner), made.library(inner), made.isNotebook(inner)], ["merge", "pandas/core.py", "pandas", false]);
  assert.ok(made.isNotebook(made.frame[made.above[made.node[0]!]!]!));
  assert.deepEqual([made.rowsOf(1), made.rowsOf(0), made.ran(made.fileOfCell(1), 9)], [[0, 1], [2], 1]);
});

test("what samples of the cell's own thread and statements have adds up to the cell's duration", () => {
  const spans = trace([[-1, 0, 100, "cell [1] x"]], {}, [1]);
  const made = profile(
    [
      { time: 12, wall: 12, stack: [LINE(1)] },
      { time: 30, wall: 30, stack: [LINE(2)] }, // more than its statement has
      { time: 95, wall: 10, thread: "other", stack: [["run", "threading.py", 3]] },
    ],
    [[1, 1, 1, 1, 20], [1, 2, 3, 20, 40]],
  );
  const found = allot(made, 1, ranOf(made, spans, 1, cellSpans(spans).get(1)!));
  assert.deepEqual([...found.own], [1, 1, 0]);
  assert.deepEqual([...found.statement], [0, 0, -1]);
  const own = found.weight[0]! + found.weight[1]!;
  assert.ok(Math.abs(own - 19) < 1e-9);
  assert.deepEqual([...found.left], [0, 20]);
  assert.equal(own + found.left[1]! + found.outside, 100);
});
