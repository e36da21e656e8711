import assert from "node:assert/strict";
import { test } from "node:test";
import { compare } from "../src/engine/compare";
import { criticalPath, criticalSteps } from "../src/engine/criticalpath";
import { lines } from "../src/engine/folding";
import { callers, merge, outermost } from "../src/engine/merge";
import { statistics } from "../src/engine/statistics";
import { AXIS, ROW } from "../src/pictures/canvas";
import { LIGHT } from "../src/pictures/colours";
import { paintWaterfall } from "../src/pictures/waterfall";
import { type Row, numbers, pen, trace } from "./kit";

test("times by name", () => {
  const [a, b] = statistics(trace([[-1, 0, 10, "a"], [0, 1, 3, "b", 2], [0, 4, 8, "b"], [0, 9, NaN, "b"]]));
  assert.deepEqual([a!.count, a!.total, a!.self], [1, 10, 3]);
  assert.deepEqual([b!.count, b!.total, b!.p50, b!.errors], [2, 6, 3, 1]);
});

test("the critical path goes through the last to finish", () => {
  assert.deepEqual([...criticalPath(trace([[-1, 0, 10], [0, 1, 4], [0, 1, 8], [2, 2, 4]]), [0])].sort(), [[0, 3], [2, 5], [3, 2]]);
  assert.deepEqual([...criticalPath(trace([[-1, 0, 10], [0, 1, 4], [0, 5, 9]]), [0])].sort(), [[0, 3], [1, 3], [2, 4]]);
});

test("the critical path can be followed step by step from the beginning of a tree to its end", () => {
  const steps = (made: ReturnType<typeof trace>) => criticalSteps(made, 0).map(({ row, from, to }) => [row, from, to]);
  assert.deepEqual(steps(trace([[-1, 0, 10], [0, 1, 4], [0, 5, 9]])), [[0, 0, 1], [1, 1, 4], [0, 4, 5], [2, 5, 9], [0, 9, 10]]);
  assert.deepEqual(steps(trace([[-1, 0, 10], [0, 1, 4], [0, 1, 8], [2, 2, 4]])), [[0, 0, 1], [2, 1, 2], [3, 2, 4], [2, 4, 8], [0, 8, 10]]);
});

test("the critical path is one line, which goes down and up where the end waited for another, also when its middle alone is in sight", () => {
  const made = trace([[-1, 0, 10, "a"], [0, 1, 4, "b"], [0, 5, 9, "c"]]);
  const corners = (from: number, to: number, collapsed = new Set<number>()) => {
    const found: [number, number][] = [];
    const state = { range: { from, to }, origin: 0, scroll: 0, selected: -1, hovered: -1, names: 0, critical: [criticalSteps(made, 0)] };
    const path = { ...pen(), moveTo: () => void found.splice(0), lineTo: (x: number, y: number) => void found.push([Math.round(x), Math.floor((y - AXIS) / ROW)]) };
    // Marks that open and close lines are lines as well, but come before it.
    paintWaterfall(path, LIGHT, made, { ...state, lines: lines(made, { collapsed, unfolded: new Set() }) }, 1_000, 200);
    return found;
  };
  const whole = [[0, 0], [100, 0], [100, 1], [400, 1], [400, 0], [500, 0], [500, 2], [900, 2], [900, 0], [1_000, 0]];
  assert.deepEqual(corners(0, 10), whole);
  assert.deepEqual(corners(2, 3).map(([, line]) => line), [1, 1]);
  assert.ok(corners(0, 10, new Set([0])).every(([, line]) => line === 0));
});

test("the critical path goes along the one line of repeated siblings, not along that of what they stand in", () => {
  const made = trace([[-1, 0, 10, "a"], ...Array.from({ length: 5 }, (_, i): Row => [0, i * 2, i * 2 + 2, "b"])]);
  const found: number[] = [];
  const path = { ...pen(), moveTo: () => void found.splice(0), lineTo: (_: number, y: number) => void found.push(Math.floor((y - AXIS) / ROW)) };
  const shown = lines(made, { collapsed: new Set<number>(), unfolded: new Set<string>() });
  assert.equal(shown.count, 2);
  paintWaterfall(path, LIGHT, made, { lines: shown, range: { from: 0, to: 10 }, origin: 0, scroll: 0, selected: -1, hovered: -1, names: 0, critical: [criticalSteps(made, 0)] }, 1_000, 200);
  assert.deepEqual(new Set(found), new Set([1]));
});

test("a merged tree has the sum of its spans", () => {
  const random = numbers(3);
  const rows = Array.from({ length: 300 }, (_, row): Row => {
    const start = random() * 100;
    return [Math.floor(random() * (row + 1)) - 1, start, start + random() * 10, "abc"[Math.floor(random() * 3)]];
  });
  const made = trace(rows);
  let [count, total] = [0, 0];
  const stack = [merge(made, made.tree.roots)];
  while (stack.length) {
    const here = stack.pop()!;
    count += here.count;
    if (here.name >= 0) total += here.total;
    stack.push(...here.children.values());
  }
  assert.equal(count, 300);
  assert.ok(Math.abs(total - rows.reduce((sum, [, start, end]) => sum + end - start, 0)) < 1e-6);
});

test("a recursive name counts once in its sandwich, and its callers share its time", () => {
  const made = trace([[-1, 0, 10, "main"], [0, 1, 9, "f"], [1, 2, 5, "f"], [0, 9, 10, "g"]]);
  const rows = outermost(made, made.names.indexOf("f"));
  assert.deepEqual(rows, [1]);
  assert.equal([...callers(made, rows).children.values()][0]!.total, 8);
});

test("a comparison names what is added, gone and changed", () => {
  const made = trace([[-1, 0, 10, "cell [1]"], [0, 0, 4, "load"], [0, 5, 6, "old"], [-1, 20, 30, "cell [2]"], [3, 20, 28, "load"], [3, 28, 29, "new"]]);
  const found = Object.fromEntries(compare(made, [0], [3]).changes.map((each) => [made.names[each.name], [each.before.total, each.after.total]]));
  assert.deepEqual(found, { "cell [2]": [10, 10], load: [4, 8], old: [1, 0], new: [0, 1] });
});
