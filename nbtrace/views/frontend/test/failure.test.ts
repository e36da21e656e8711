// Where an exception passed, as stack traces of several versions tell, and what is told beside the pointer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { executionOf, failureOf, places, raisedAt } from "../src/engine/failure";
import { spanTip } from "../src/engine/tip";
import type { Details } from "../src/engine/details";
import { ERROR } from "../src/engine/trace";
import { trace } from "./kit";

const STACK = `Traceback (most recent call last):
  Cell In[7], line 4
    ratio(0)
    ~~~~~^^^
  Cell In[3], line 2, in ratio
    return 1 / x
ZeroDivisionError: division by zero
`;

test("a stack trace says the cell's own lines, and the line of another cell that raised", () => {
  assert.deepEqual(failureOf(STACK, 7), { own: [4], raised: { count: 3, line: 2 }, file: undefined });
  assert.deepEqual(places(STACK).map(({ from, to }) => STACK.slice(from, to)), ["Cell In[7], line 4", "Cell In[3], line 2"]);
});

test("an exception of a library was raised in its file, below the cell's line", () => {
  const stack = 'Traceback\n  Cell In[7] in f(x), line 4\n  File "C:\\\\lib\\\\json\\\\decoder.py", line 360, in raw_decode\n';
  assert.deepEqual(failureOf(stack, 7), { own: [4], raised: { count: 7, line: 4 }, file: { name: "decoder.py", line: 360 } });
});

test("below %%time lines count from the first that is not blank", () => {
  const stack = '  Cell In[7], line 1\n  File "<timed exec>", line 2, in <module>\n';
  assert.deepEqual(failureOf(stack, 7, ["%%time", "", "x = 1", "1 / 0"]).own, [1, 4]);
  assert.deepEqual(failureOf(stack, null, ["%%time", "x = 1", "1 / 0"]).own, []);
});

test("IPython 7 names cells as files", () => {
  const stack = '  File "<ipython-input-12-4f2a>", line 3, in <module>\n  File "/home/a, line 9/x.py", line 1, in f\n';
  assert.deepEqual(failureOf(stack, 12), { own: [3], raised: { count: 12, line: 3 }, file: { name: "x.py", line: 1 } });
});

test("text that is no stack trace, or a hostile one, has no places", () => {
  for (const text of ["", "line 4", "Cell In[x], line 2", "Cell In[".repeat(20_000), "Cell In[1] in ".repeat(5_000), 'File "'.repeat(20_000)]) assert.deepEqual(places(text), []);
});

test("a count means the last execution up to the one that failed: a kernel counts anew", () => {
  const spans = trace([[-1, 0, 1], [-1, 1, 2], [-1, 2, 3], [-1, 3, 4]], { cells: [[1, 3, 1, 1, "a"], [2, 7, 2, 1, "b"], [3, 3, 1, 1, "a"], [4, 7, 2, 1, "b"]] }, [1, 2, 3, 4]);
  assert.deepEqual([executionOf(spans, 3, 2), executionOf(spans, 3, 4), executionOf(spans, 9, 4)], [1, 3, 0]);
});

test("the exception of a cell stands with the innermost span that it left", () => {
  const spans = trace([[-1, 0, 9, "cell [1] a", ERROR], [0, 1, 3, "caught", ERROR], [0, 4, 9, "outer", ERROR], [2, 5, 8, "inner", ERROR]]);
  spans.errors.set([0, 1, 0, 1]);
  assert.equal(raisedAt(spans, 0), 3);
  spans.errors[0] = 1;
  assert.equal(raisedAt(spans, 0), 0);
  spans.errors.fill(0);
  assert.equal(raisedAt(spans, 0), 0, "of what is not known nothing is said");
});

test("beside the pointer stand time, share, status and first attributes of a span, cleaned", () => {
  const spans = trace([[-1, 0, 10, "cell [1] a"], [0, 0, 4, "\u202eload\n"], [0, 4, 6, "fit", ERROR], [1, 1, 2, "query"]], { cells: [[1, 1, 1, 1, "a"]] }, [1, 1, 1, 1]);
  const details = { attributes: { "jupyter.kernel.id": "x", "thread.id": 1, rows: 3, "evil\x1b[1m": "\u202ea".repeat(500) }, message: null } as unknown as Details;
  const tip = spanTip(spans, 1, details);
  assert.deepEqual([tip.title, ...tip.facts.slice(0, 5).map((each) => each.join(" "))], ["load ", "duration 4.00 ms", "self 3.00 ms", "share 40 % of cell [1] a", "cell [1]", "rows 3"]);
  assert.ok(tip.facts.flat().every((text) => text.length <= 130 && !/[\u202e\x1b\n]/.test(text)));
  assert.deepEqual(spanTip(spans, 2).facts[2], ["status", "✗ error"]);
  assert.ok(!spanTip(spans, 0).facts.some(([what]) => what === "share"));
});
