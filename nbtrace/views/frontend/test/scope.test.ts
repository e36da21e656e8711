// All of the time that is looked at: a span may lie outside its parent.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Once } from "../src/session/once";
import { ALL, Scope } from "../src/session/scope";
import { spanTip } from "../src/engine/tip";
import { pausesOf } from "../src/engine/timeline";
import { trace } from "./kit";

test("a span that began before its cell is within all of the time, has no share of it, and lets pauses fold", () => {
  const spans = trace([[-1, 100_000, 100_010, "cell [1] a"], [0, 10_000, 30_000, "nightly"], [-1, 190_000, 190_010, "cell [2] b"]], {}, [1, 1, 2]);
  const scope = new Scope(spans, new Once());
  scope.chosen = ALL;
  assert.equal(scope.whole.from, 10_000);
  scope.chosen = 0;
  assert.deepEqual([scope.whole.from, Math.round(scope.whole.to / 1_000)], [10_000, 101]);
  assert.ok(!spanTip(spans, 1).facts.some(([what]) => what === "share"));
  scope.chosen = ALL;
  assert.deepEqual(pausesOf(spans, scope.rows(), false), [{ from: 30_000, to: 100_000 }, { from: 100_010, to: 190_000 }]);
});
