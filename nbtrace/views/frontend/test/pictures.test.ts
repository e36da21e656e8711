import assert from "node:assert/strict";
import { test } from "node:test";
import { boxes } from "../src/engine/boxes";
import { lines, members } from "../src/engine/folding";
import { Lanes } from "../src/engine/lanes";
import { merge } from "../src/engine/merge";
import { ticks } from "../src/engine/ticks";
import { PYTHON } from "../src/engine/parts";
import { DARK, LIGHT, frameColourAt, frameColours } from "../src/pictures/colours";
import { boxAt, paintBoxes, paintLanes } from "../src/pictures/flame";
import { densityOf, paintMinimap } from "../src/pictures/minimap";
import { paintWaterfall } from "../src/pictures/waterfall";
import { type Row, numbers, pen, spans, trace } from "./kit";

const THEME = {
  dark: false, ground: "#fff", raised: "#eee", text: "#000", quiet: "#666", line: "#ddd", accent: "#00f", error: "#f00",
  match: "#ff0", font: "sans-serif",
};
const SHAPE = { collapsed: new Set<number>(), unfolded: new Set<string>() };

test("five siblings of a name fold into one line with count and total; four do not", () => {
  const many = trace([[-1, 0, 100, "page"], ...Array.from({ length: 5 }, (_, i): Row => [0, i, i + 2, "query"]), [0, 50, 60, "other"]]);
  const folded = lines(many, SHAPE);
  assert.equal(folded.count, 3);
  assert.deepEqual([folded.members[1], folded.total[1]], [5, 6]);
  assert.equal(lines(many, { ...SHAPE, unfolded: new Set([`0:${many.name[1]}`]) }).count, 7);
  const few = trace([[-1, 0, 100, "page"], ...Array.from({ length: 4 }, (_, i): Row => [0, i, i + 2, "query"])]);
  assert.equal(lines(few, SHAPE).count, 5);
});

test("what is searched for is not folded; of what is followed repeated siblings are, those that are left alone", () => {
  const made = trace([[-1, 0, 100, "page"], ...Array.from({ length: 12 }, (_, i): Row => [0, i * 2, i * 2 + 1, "query"])]);
  const only = Uint8Array.from({ length: 13 }, (_, row) => row % 2);
  assert.equal(lines(made, { ...SHAPE, only }).count, 7);
  const folded = lines(made, { ...SHAPE, only, repeats: true });
  assert.deepEqual([folded.count, folded.members[1], folded.total[1]], [2, 6, 6]);
  assert.deepEqual([...members(made, folded, 1)], [1, 3, 5, 7, 9, 11]);
  only[1] = only[3] = 0;
  assert.equal(lines(made, { ...SHAPE, only, repeats: true }).count, 5);
});

test("the first eight names have colours of their own, whatever those by their letters would be; cells stay grey", () => {
  const made = trace([[-1, 0, 100, "cell [1] x"], ...["train", "fit", "features", "query", "solve", "load", "a", "b", "c"].map((name): Row => [0, 1, 2, name])]);
  assert.equal(made.hues[0], 0);
  assert.equal(new Set(made.hues.slice(1, 9)).size, 8);
  assert.ok(made.hues[9]! > 0);
  const before = [...made.hues];
  made.append(...spans([[-1, 200, 201, "d"]], { reset: false, first: 10 }, [], made.names));
  assert.deepEqual(made.hues.slice(0, 10), before);
});

test("names have the same colours whether their spans came as they began or as they ended", () => {
  const rows: Row[] = [[-1, 0, 9, "train"], [0, 1, 4, "fetch"], [0, 5, 8, "fit"], [0, 8, 9, "query"]];
  const colours = (made: ReturnType<typeof trace>) => Object.fromEntries(made.names.map((name, code) => [name, made.hues[code]]));
  const live = trace(rows.slice(0, 1));
  for (let row = 1; row < rows.length; row++) live.append(...spans([rows[row]!], { reset: false, first: row }, [], live.names));
  const ended = trace([[3, 1, 4, "fetch"], [3, 5, 8, "fit"], [3, 8, 9, "query"], [-1, 0, 9, "train"]]);
  assert.deepEqual(colours(live), colours(ended));
});

test("a number that another name is given has that one's colour: a cell's is grey, a span's is none of a cell's", () => {
  const made = trace([[-1, 0, 1, "cell [1] x"], [-1, 1, 2, "fit"]]);
  const [header, columns] = spans([[-1, 3, 4, "cell [1] x"]], { reset: false, first: 2, renamed: [[0, "step"], [1, "cell [2] y"]] }, [], made.names);
  made.append(header, columns);
  assert.ok(made.hues[0]! > 0);
  assert.equal(made.hues[1], 0);
});

test("a collapsed span hides what is in it, and a filter keeps what is above its matches", () => {
  const made = trace([[-1, 0, 9, "a"], [0, 1, 8, "b"], [1, 2, 3, "c"], [0, 8, 9, "d"], [-1, 10, 11, "e"]]);
  assert.deepEqual([...lines(made, { ...SHAPE, collapsed: new Set([1]) }).row.subarray(0, 4)], [0, 1, 3, 4]);
  const only = new Uint8Array([0, 0, 1, 0, 0]);
  const kept = lines(made, { ...SHAPE, only });
  assert.deepEqual([...kept.row.subarray(0, kept.count)], [0, 1, 2]);
  const one = lines(made, { ...SHAPE, roots: new Set([4]) });
  assert.deepEqual([...one.row.subarray(0, one.count)], [4]);
});

test("a root that is looked at alone is not hidden behind others of its name", () => {
  const made = trace(Array.from({ length: 6 }, (_, i): Row => [-1, i, i + 1, "step"]));
  assert.equal(lines(made, SHAPE).count, 1);
  const one = lines(made, { ...SHAPE, roots: new Set([5]) });
  assert.deepEqual([...one.row.subarray(0, one.count)], [5]);
});

test("in a lane spans follow each other, and none stands above its parent", () => {
  const random = numbers(5);
  const rows = Array.from({ length: 400 }, (_, row): Row => {
    const start = random() * 100;
    return [Math.floor(random() * (row + 1)) - 1, start, start + random() * 20];
  });
  const made = trace(rows);
  const lanes = new Lanes(made);
  for (const lane of lanes.lanes) {
    for (let i = 1; i < lane.length; i++) assert.ok(made.start[lane[i]!]! >= made.endOf(lane[i - 1]!) - 1e-3);
  }
  rows.forEach(([parent], row) => parent >= 0 && assert.ok(lanes.laneOf[row]! > lanes.laneOf[parent]!));
});

test("a million spans are a few thousand rectangles, and found again where they are drawn", () => {
  const n = 1_000_000;
  const made = trace([[-1, 0, n, "root"], ...Array.from({ length: n - 1 }, (_, i): Row => [0, i, i + 0.9, "x"])]);
  const lanes = new Lanes(made);
  const state = { range: { from: 0, to: n }, origin: 0, scroll: 0, selected: -1, hovered: -1 };
  const drawn = pen();
  assert.ok(paintLanes(drawn, THEME, lanes, state, 1200, 400) < 3_000);
  assert.ok(drawn.rectangles < 5_000);
  assert.equal(made.nameOf(lanes.at(1, 500_000.5, 0)), "x");
  const shown = lines(made, SHAPE);
  assert.equal(shown.count, 2, "a million children fold into one line");
  const waterfall = pen();
  paintWaterfall(waterfall, THEME, made, { ...state, lines: shown, collapsed: new Set(), names: 300 }, 1200, 400);
  assert.ok(waterfall.rectangles < 10_000);
  assert.ok(densityOf(made, state.range, 600).every((value) => value >= 1));
});

test("hostile numbers and names are drawn as something, and never for ever", () => {
  const made = trace([[-1, 0, -5, "\u202eevil\x1b[31m\ud800"], [0, NaN, NaN, ""], [-1, 1e300, Infinity, "x".repeat(1_000_000)], [-1, -1e300, 5, "y"]]);
  const state = { range: { from: -1e300, to: 1e300 }, origin: 0, scroll: 0, selected: 0, hovered: 1, names: 300, collapsed: new Set<number>() };
  const drawn = pen();
  paintWaterfall(drawn, THEME, made, { ...state, lines: lines(made, SHAPE) }, 900, 300);
  paintLanes(drawn, THEME, new Lanes(made), state, 900, 300);
  assert.ok(drawn.texts.every((text) => text.length < 500 && !/[\u202e\x1b\ud800]/.test(text)));
  assert.deepEqual(ticks({ from: NaN, to: 1 }, 5), []);
  assert.ok(ticks({ from: -1e300, to: 1e300 }, 5).length < 101);
});

test("in a merged graph the heaviest stands left, and children stay within their parent", () => {
  const made = trace([[-1, 0, 10, "root"], [0, 0, 2, "light"], [0, 2, 9, "heavy"], [0, 2, 9, "beside"]]);
  const found = boxes(merge(made, made.tree.roots), 1000);
  const at = (name: string) => found.find((box) => made.names[box.name] === name)!;
  assert.ok(at("heavy").from < at("light").from);
  assert.ok(at("light").to <= at("root").to + 1e-9);
  const state = { zoom: { from: 0, to: 1 }, scroll: 0, hovered: undefined, selectedName: -1 };
  assert.equal(boxAt(found, state, 10, 5, 1000), at("root"));
  const drawn = pen();
  paintBoxes(drawn, THEME, made, found, state, 1000, 200);
  assert.deepEqual(drawn.texts.sort(), ["beside  7.00 ms", "heavy  7.00 ms", "light  2.00 ms", "root  10.0 ms"]);
});

test("a tree a hundred thousand deep has a merged graph", () => {
  const n = 100_000;
  const made = trace(Array.from({ length: n }, (_, row): Row => [row - 1, row, 2 * n - row, `n${row % 7}`]));
  assert.ok(boxes(merge(made, made.tree.roots), 1000).length > 10);
  assert.ok(new Lanes(made).lanes.length <= 4_001);
});

test("the overview is a small waterfall of few lines, and marks what failed however many stand together", () => {
  const drawn = (bars: Parameters<typeof paintMinimap>[7], failed: number[]) => {
    const boxes: [string, number, number, number][] = [];
    const each = { ...pen(), fillRect(x: number, y: number, wide: number) { boxes.push([String(this.fillStyle), Math.round(x), Math.round(y), Math.round(wide)]); } };
    paintMinimap(each, LIGHT, { from: 0, to: 100 }, { from: 0, to: 100 }, 200, 32, new Float32Array(100).fill(1), failed, bars);
    return boxes;
  };
  const bars = [{ from: 0, to: 50, hue: 0, line: 0 }, { from: 25, to: 50, hue: 1, line: 1 }];
  assert.deepEqual(drawn(bars, []).filter(([colour]) => colour !== LIGHT.raised && colour !== LIGHT.ground).map(([, ...box]) => box), [[0, 2, 100], [50, 6, 50]]);
  assert.equal(drawn(undefined, []).length, 100 + 3, "without lines it is their density");
  assert.deepEqual(drawn(bars, [80, 80.01, 80.02, 10]).filter(([colour]) => colour === LIGHT.error).map(([, x]) => x), [159, 19]);
});

test("functions of a library have shades of its colour, on light and dark ground", () => {
  for (const theme of [LIGHT, DARK]) {
    const shades = [0, 1, 2].map((which) => frameColours(theme)[frameColourAt(4, PYTHON, which)]);
    assert.equal(new Set(shades).size, 3);
    assert.ok(shades.every((each) => /^rgb\(\d+,\d+,\d+\)$/.test(each!) && each!.match(/\d+/g)!.every((part) => Number(part) <= 255)));
  }
});
