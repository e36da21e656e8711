import assert from "node:assert/strict";
import { test } from "node:test";
import { executions } from "../src/engine/executions";
import { Trace } from "../src/engine/trace";
import { type Row, header, numbers, quiet, trace } from "./kit";

test("the tree is read depth first, siblings by their start, whatever the order of the rows", () => {
  const { tree } = trace([[3, 5, 6], [3, 1, 4], [1, 2, 3], [-1, 0, 9], [-1, -5, -1]]);
  assert.deepEqual([...tree.order], [4, 3, 1, 2, 0]);
  assert.deepEqual([...tree.order].map((row) => tree.depth[row]), [0, 0, 1, 2, 1]);
  assert.deepEqual([...tree.roots], [4, 3]);
  assert.equal(tree.size[3], 4);
  assert.equal(tree.rootOf(2), 3);
});

test("a circle of parents is cut, and every span has a place once", () => {
  for (const rows of [[[1, 0, 1], [0, 0, 1]], [[0, 0, 1]], [[1, 0, 1], [2, 0, 1], [0, 0, 1], [1, 5, 6]], [[99, 0, 1]]] as Row[][]) {
    const { tree } = trace(rows);
    assert.deepEqual([...tree.order].sort(), rows.map((_, row) => row));
  }
});

test("a chain of a hundred thousand is a tree like any other", () => {
  const n = 100_000;
  const { tree } = trace(Array.from({ length: n }, (_, row) => [row - 1, row, 2 * n - row] as Row));
  assert.equal(tree.depth[tree.order.at(-1)!], n - 1);
  assert.equal(tree.self[0], 2);
});

test("self time is what no child covers: overlapping, outliving and running ones, zero and negative durations", () => {
  const { tree } = trace([[-1, 0, 10], [0, 1, 5], [0, 3, 7], [0, 9, 50], [1, 2, 3], [0, 8, 4], [-1, 60, NaN], [6, 61, NaN]]);
  assert.deepEqual([...tree.self], [3, 3, 4, 41, 1, 0, 1, 0]);
});

test("self times are those of counting moments", () => {
  const random = numbers(7);
  for (let round = 0; round < 50; round++) {
    const rows = Array.from({ length: 12 }, (_, row): Row => {
      const start = Math.floor(random() * 12);
      return [Math.floor(random() * (row + 1)) - 1, start, start + Math.floor(random() * 8)];
    });
    const { tree } = trace(rows);
    rows.forEach(([, start, end], row) => {
      let own = 0;
      for (let moment = start; moment < end; moment++) {
        if (!rows.some(([parent, from, to], child) => parent === row && child !== row && from <= moment && moment < to)) own++;
      }
      assert.equal(tree.self[row], own);
    });
  }
});

test("spans that come later find their place, and running ones end", () => {
  const made = trace([[-1, 0, NaN, "cell"], [0, 1, 2, "a"]]);
  assert.ok(made.isRunning(0));
  made.append(header({ reset: false, first: 2, count: 1, names: ["b"] }), [
    Float64Array.of(3), Float64Array.of(4), Uint32Array.of(2), Int32Array.of(0), Int32Array.of(0), Uint8Array.of(2),
    ...quiet({ errors: [1], changes: [[0, 5, 0, -1, 2]], events: [[2, 3.5], [2, 3.75]] }),
  ]);
  assert.equal(made.running, 0);
  assert.equal(made.endOf(0), 5);
  assert.deepEqual([...made.errors.subarray(0, 3)], [1, 0, 1]);
  assert.deepEqual(made.events.get(2), [3.5, 3.75]);
  assert.deepEqual([...made.tree.order].map((row) => made.nameOf(row)), ["cell", "a", "b"]);
});

test("thousands of small updates add up", () => {
  const made = new Trace();
  for (let i = 0; i < 3_000; i++) {
    made.append(header({ reset: i === 0, first: i, count: 1, names: i ? [] : ["x"] }), [
      Float64Array.of(i), Float64Array.of(i + 1), Uint32Array.of(0), Int32Array.of(-1), Int32Array.of(0), Uint8Array.of(0),
      ...quiet(),
    ]);
  }
  assert.equal(made.count, 3_000);
  assert.equal(made.tree.roots.length, 3_000);
});

test("executions are roots, and the cells below the span of a run", () => {
  const made = trace([[-1, 0, 9, "run"], [0, 1, 3, "cell [1]"], [0, 4, 5, "beside"], [0, 6, 8, "cell [2]"], [1, 1, 2, "a"], [-1, 10, 11, "cell [3]"], [-1, 12, 13, "alone"]]);
  made.cell.set([0, 7, 0, 8, 7, 9, 0]);
  for (const number of [7, 8, 9]) made.cells.set(number, [number, number, number, 1, ""]);
  assert.deepEqual(executions(made), [1, 3, 5, 6]);
});
