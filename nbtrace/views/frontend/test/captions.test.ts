// What is shown of spans in place of their names, as frames tell of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { lines } from "../src/engine/folding";
import { matches, parse } from "../src/engine/search";
import { spanTip } from "../src/engine/tip";
import type { Details } from "../src/engine/details";
import type { Trace } from "../src/engine/trace";
import { LIGHT } from "../src/pictures/colours";
import { amountOf, paintWaterfall, titleOf } from "../src/pictures/waterfall";
import { header, pen, quiet, spans, trace } from "./kit";

const SHAPE = { collapsed: new Set<number>(), unfolded: new Set<string>() };
const CHAT = "chat gpt-4o\n1,204 → 310 tokens · $0.012";
const NOTHING = [Float64Array, Float64Array, Uint32Array, Int32Array, Int32Array, Uint8Array].map((kind) => new kind(0));

/** Captions of rows, as details bring them. */
function told(made: Trace, captions: [row: number, caption: string][], rows = captions.map(([row]) => row)): boolean {
  return made.caption(Int32Array.from(rows), captions.map(([, text]) => text), Int32Array.from(captions, ([row]) => row), Uint32Array.from(captions.keys()));
}

function captioned() {
  const made = trace([[-1, 0, 100, "cell [1]"], [0, 0, 10, "GET"], [0, 20, 22, "chat"], ...Array.from({ length: 6 }, (_, i) => [0, 30 + i, 31 + i, "SELECT"] as [number, number, number, string])]);
  told(made, [[1, "GET /users 500"], [2, CHAT], ...[3, 4, 5, 6, 7, 8].map((row): [number, string] => [row, "SELECT users"])]);
  return made;
}

test("a row and its tip say what was done, folded rows what they have in common", () => {
  const made = captioned();
  const shown = lines(made, SHAPE);
  assert.deepEqual([0, 1, 2, 3].map((line) => titleOf(made, shown, line) + amountOf(made, shown, line)), ["cell [1]", "GET /users 500", "chat gpt-4o · 1,204 → 310 tokens · $0.012", "SELECT users × 6"]);
  told(made, [[8, "SELECT orders"]]);
  assert.equal(titleOf(made, lines(made, SHAPE), 3), "SELECT × 6", "where they did different things they have their name");
  const late = trace([[-1, 0, 100, "cell [1]"], ...Array.from({ length: 5 }, (_, i) => [0, i, i + 1, "SELECT"] as [number, number, number, string])]);
  const before = lines(late, SHAPE);
  assert.equal(titleOf(late, before, 1), "SELECT × 5");
  told(late, [1, 2, 3, 4, 5].map((row): [number, string] => [row, `SELECT users\n${row} rows`]));
  assert.equal(titleOf(late, before, 1), "SELECT users × 5", "captions come after the lines");
  assert.equal(spanTip(made, 2).title, "chat gpt-4o · 1,204 → 310 tokens · $0.012");
  const messages = { attributes: { "gen_ai.input.messages": '[{"role": "user", "content": "hi"}]', losses: [1, 2, 3, 4], "gen_ai.request.top_k": 3, "gen_ai.usage.input_tokens": 1204 } } as unknown as Details;
  assert.deepEqual(spanTip(made, 2, messages).facts.slice(-3), [["conversation", "1 message"], ["losses", "4 numbers, 1 … 4, mean 2.5"], ["gen_ai.request.top_k", "3"]]);
  assert.deepEqual([made.nameOf(1), made.hues[made.name[1]!]], ["GET", trace([[-1, 0, 1, "GET"]]).hues[0]], "name and colour stay");
});

test("how much of it stands beside the bar where there is room", () => {
  const made = captioned();
  const texts = (width: number, to: number) => {
    const drawn = pen();
    paintWaterfall(drawn, LIGHT, made, { lines: lines(made, SHAPE), range: { from: 0, to }, origin: 0, scroll: 0, selected: -1, hovered: -1, names: 200 }, width, 300);
    return drawn.texts.filter((text) => text.startsWith("2.00 ms"));
  };
  assert.deepEqual(texts(1200, 100), ["2.00 ms · 1,204 → 310 tokens · $0.012"]);
  assert.deepEqual(texts(420, 42), ["2.00 ms"]);
});

test("a search finds names and captions", () => {
  const made = captioned();
  const found = (typed: string) => [...Array(made.count).keys()].filter((row) => matches(parse(typed), made, row));
  assert.deepEqual([found("get"), found("/users 500"), found("310 tokens · $"), found("select users").length], [[1], [1], [2], 6]);
});

test("a caption goes with its span, changes, and is void after a reset", () => {
  const made = captioned();
  assert.equal(told(made, [[1, "GET /users 200"]], [1, 2]), true);
  assert.deepEqual([made.titleOf(1), made.titleOf(2)], ["GET /users 200", "chat"], "one that comes again without a caption has none");
  made.append(header({ reset: false, first: 9 }), [...NOTHING, ...quiet({ gone: [3] })]);
  assert.deepEqual([made.captions.has(3), made.titleOf(3)], [false, "SELECT users"]);
  assert.equal(told(made, [], [4]), false);
  told(made, [[3, "forgotten"], [99, "never told of"]]);
  assert.deepEqual([made.captions.has(3), made.captions.has(99)], [false, false]);
  made.append(...spans([[-1, 0, 1, "GET"]]));
  assert.deepEqual([made.titleOf(0), made.captions.size], ["GET", 0]);
});
