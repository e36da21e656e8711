import assert from "node:assert/strict";
import { test } from "node:test";
import { coreColumns, coresOver, extremes, areasOf } from "../src/engine/steps";
import { written, ticks } from "../src/engine/ticks";
import { Busy, STRAIGHT, Timeline, pausesOf } from "../src/engine/timeline";
import type { Trace } from "../src/engine/trace";
import { Lanes } from "../src/engine/lanes";
import { lines } from "../src/engine/folding";
import { LIGHT } from "../src/pictures/colours";
import { paintLanes } from "../src/pictures/flame";
import { densityOf } from "../src/pictures/minimap";
import { Scale, marks } from "../src/pictures/scale";
import { paintWaterfall } from "../src/pictures/waterfall";
import { Idle } from "../src/session/idle";
import { Once } from "../src/session/once";
import { OPENED, Scope } from "../src/session/scope";
import { Zoom } from "../src/session/zoom";
import { type Row, header, numbers, pen, profile, quiet, trace } from "./kit";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

function pauses(made: Trace, waits = false) {
  return pausesOf(made, made.tree.order, waits).map(({ from, to }) => [from, to]);
}

function folded(...stretches: [number, number][]): Timeline {
  const whole = { from: 0, to: stretches[stretches.length - 1]![1] + 2_000 };
  return new Timeline(stretches.map(([from, to]) => ({ from, to, folded: true })), whole);
}

test("a pause of ten minutes between cells is folded; a notebook run from top to bottom has no pauses", () => {
  assert.deepEqual(pauses(trace([[-1, 0, 2 * SECOND, "cell [1]"], [0, 500, 900], [-1, 602 * SECOND, 604 * SECOND, "cell [2]"]])), [[2 * SECOND, 602 * SECOND]]);
  assert.deepEqual(pauses(trace(Array.from({ length: 30 }, (_, i): Row => [-1, i * 40, i * 40 + 1]))), [], "some milliseconds are the notebook's own work");
  assert.deepEqual(pauses(trace([[-1, 0, 50 * SECOND], [-1, 52 * SECOND, 100 * SECOND]])), [], "two seconds beside a hundred are seen as what they are");
});

test("while anything runs nothing is idle, be it in another thread, of a cell that is over, or still running", () => {
  assert.deepEqual(pauses(trace([[-1, 0, SECOND], [-1, 500, 601 * SECOND, "thread"], [-1, 600 * SECOND, 602 * SECOND]])), []);
  assert.deepEqual(pauses(trace([[-1, 0, SECOND], [0, 500, 601 * SECOND, "outlives its parent"], [-1, 600 * SECOND, 602 * SECOND]])), []);
  assert.deepEqual(pauses(trace([[-1, 0, SECOND], [-1, 700 * SECOND, NaN]], { now: 900 * SECOND })), [[SECOND, 700 * SECOND]], "up to now");
  const made = trace([[-1, 0, SECOND], [-1, 600 * SECOND, 601 * SECOND]]);
  const sample = (time: number, computed: number) => ({ time, wall: 500, computed, cell: 0, stack: [["work", "a.py", 1]] as [string, string, number][] });
  const worked = profile([sample(200_500, 1), sample(201_100, 0)], [], { base: 200_000 });
  assert.deepEqual(pausesOf(made, made.tree.order, false, worked), [{ from: 1_000, to: 200_000 }, { from: 200_500, to: 600_000 }], "one waits, the other computes");
});

test("of many pauses the short ones stay while they are little beside the work", () => {
  const busy = new Busy();
  for (let i = 0, at = 0; i < 20; i++) {
    busy.add(at, at + 10 * SECOND);
    at += 10 * SECOND + (i % 2 ? 2 : 60) * SECOND;
  }
  const found = busy.pauses(SECOND);
  assert.equal(found.length, 10);
  assert.ok(found.every(({ from, to }) => to - from === 60 * SECOND));
});

test("a wait inside a trace, when nothing but its ancestors ran, is folded on demand", () => {
  const made = trace([[-1, 0, 100, "cell"], [0, 0, 90, "agent"], [1, 5, 6, "call"], [1, 80, 84, "call"], [0, 92, 93, "save"]]);
  assert.deepEqual(pauses(made), []);
  assert.deepEqual(pauses(made, true), [[0, 5], [6, 80], [84, 92], [93, 100]]);
});

test("shown time ascends with the clock, leads back to it, and is exact where stretches begin and end", () => {
  const random = numbers(7);
  for (let round = 0; round < 50; round++) {
    let at = 0;
    const stretches = Array.from({ length: 1 + Math.floor(random() * 300) }, () => {
      const from = (at += random() * 10 ** (random() * 5));
      return { from, to: (at += 1 + random() * 10 ** (random() * 7)), folded: random() < 0.8 };
    });
    const whole = { from: 0, to: at + 50 };
    const timeline = new Timeline(stretches, whole, at + 40);
    const moments = Float64Array.from([...stretches.flatMap(({ from, to }) => [from, to]), ...Array.from({ length: 300 }, () => random() * whole.to)]).sort();
    let before = -Infinity;
    for (const moment of moments) {
      const shown = timeline.shown(moment);
      assert.ok(shown >= before);
      assert.ok(Math.abs(timeline.moment(shown) - moment) <= 1e-7 * whole.to);
      before = shown;
    }
    let breaks = 0;
    for (const { from, to, folded } of stretches) {
      const shown = timeline.shown(to) - timeline.shown(from);
      if (folded) breaks += shown;
      else assert.ok(Math.abs(shown - (to - from)) < 1e-6, "what is open is as long as it was");
      assert.ok(shown <= to - from + 1e-6);
    }
    assert.ok(breaks <= timeline.shown(whole.to) * 0.2 + 1e-6, "breaks leave room for what ran");
    assert.equal(timeline.shown(stretches[0]!.from), stretches[0]!.from, "before the first break nothing is moved");
  }
  assert.equal(STRAIGHT.shown(1e300), 1e300);
  assert.ok(Number.isNaN(STRAIGHT.shown(NaN)));
});

test("cells on both sides of a pause are wide, and a span that crosses it is drawn across", () => {
  const made = trace([[-1, 0, SECOND, "a"], [-1, 601 * SECOND, 602 * SECOND, "b"]]);
  const crossing = trace([[-1, 0, 602 * SECOND, "run"], [0, 0, SECOND, "a"], [0, 601 * SECOND, 602 * SECOND, "b"]]);
  const timeline = folded([SECOND, 601 * SECOND]);
  const state = { range: { from: 0, to: 602 * SECOND }, origin: 0, scroll: 0, selected: -1, hovered: -1, timeline };
  const rectangles = (paint: (drawn: ReturnType<typeof pen>) => void) => {
    const found: [x: number, y: number, wide: number][] = [];
    paint({ ...pen(), fillRect: (x, y, wide) => void found.push([x, y, wide]) });
    return found;
  };
  const bars = (y: number, found: [number, number, number][]) => found.filter((each) => each[1] === y).map((each) => each[2]);
  const flat = bars(23, rectangles((drawn) => paintLanes(drawn, LIGHT, new Lanes(made), state, 1_000, 400)));
  assert.equal(flat.length, 2);
  assert.ok(flat.every((wide) => wide > 400));
  const across = bars(23, rectangles((drawn) => paintLanes(drawn, LIGHT, new Lanes(crossing), state, 1_000, 400)));
  assert.ok(across.length === 1 && across[0]! > 995);
  const shape = { collapsed: new Set<number>(), unfolded: new Set<string>() };
  const line = bars(27, rectangles((drawn) => paintWaterfall(drawn, LIGHT, made, { ...state, lines: lines(made, shape), collapsed: shape.collapsed, names: 100 }, 1_100, 400)));
  assert.ok(line.some((wide) => wide > 400 && wide < 600));
});

test("a nanosecond of an afternoon is where it is, before and behind a break", () => {
  for (const timeline of [STRAIGHT, folded([1_000, 2_000_000])]) {
    const scale = new Scale({ from: 1e7, to: 1e7 + 1e-3 }, 100, 1_000, timeline);
    for (const at of [0, 2.5e-4, 1e-3]) assert.ok(Math.abs(scale.x(1e7 + at) - (100 + at * 1e6)) < 0.01);
    assert.ok(Math.abs(scale.at(600) - 1e7 - 5e-4) < 1e-8);
    assert.ok(scale.x(0) < -1e6, "what came before is far to the left");
  }
});

test("who computed is spread over the time that is shown", () => {
  const time = Float64Array.from([0, 1_000, 601_000, 602_000]);
  const value = Float64Array.from([1, 0, 2, 0]);
  const cores = { time, value, most: extremes(value), bands: [value], used: [0], areas: [areasOf(time, value)] };
  const timeline = folded([1_000, 601_000]);
  const shown = (moment: number) => timeline.shown(moment);
  const columns = coreColumns(coresOver(cores, shown), { from: 0, to: shown(602_000) }, 100);
  const [own] = columns.bands as [Float64Array];
  const area = own.reduce((sum, each) => sum + each, 0) * (shown(602_000) / 100);
  assert.ok(own.filter((each) => each === 1).length > 40 && own.filter((each) => each === 2).length > 40);
  assert.ok(Math.abs(area - 3_000) < 1);
});

test("labels of an axis are told apart from their neighbours and do not overlap, from nanoseconds to days", () => {
  const random = numbers(3);
  let breaks = 0;
  for (let round = 0; round < 4_000; round++) {
    const wide = 10 ** (random() * 14.5 - 6);
    const from = random() < 0.2 ? 0 : Math.min(2e9, wide * 10 ** (random() * 6)) * random();
    const range = { from, to: from + wide };
    const points = Array.from({ length: 2 * Math.floor(random() * 6) }, () => from + random() * wide).sort((a, b) => a - b);
    const stretches = [];
    for (let i = 0; i < points.length; i += 2) stretches.push({ from: points[i]!, to: points[i + 1]!, folded: random() < 0.7 });
    const timeline = random() < 0.5 ? new Timeline(stretches, range) : STRAIGHT;
    if (timeline !== STRAIGHT) breaks++;
    const scale = new Scale(range, 100, 100 + random() * 1_800, timeline);
    const { labels } = marks(scale, 0);
    labels.forEach(({ text, x, end, length }, i) => {
      assert.ok(x >= 100 && end <= scale.right + 1e-6, `${text} is not cut`);
      if (text.endsWith(" +")) assert.match(labels[i + 1]?.text ?? "", /^\+/, "an offset is of something");
      if (!i) return;
      assert.ok(length || text !== labels[i - 1]!.text, `${from} to ${range.to}`);
      assert.ok(x >= labels[i - 1]!.end - 1e-6, `${labels[i - 1]!.text} and ${text} overlap`);
    });
    if (timeline === STRAIGHT && scale.width > 800 && wide > 1e-4 && from < 1e8) assert.ok(labels.length > 1, `${from} to ${range.to}: ${labels.length}`);
  }
  assert.ok(breaks > 500);
});

test("what marks have in common is said once, at the left, then the differences", () => {
  const at = (from: number, to: number, timeline?: Timeline) => marks(new Scale({ from, to }, 0, 500, timeline), 0).labels.map(({ text }) => text);
  assert.deepEqual(at(136_200.1, 136_201.9), ["2 min 16.200 s +", "+0.5 ms", "+1.0 ms", "+1.5 ms"]);
  assert.deepEqual(at(0, 450), ["0", "100 ms", "200 ms", "300 ms", "400 ms"]);
  assert.deepEqual(at(3_600_000 * 5, 3_600_000 * 5 + 50_000), ["5 h 0 min 0 s +", "+20 s", "+40 s"]);
  assert.deepEqual(at(0, 604_000, folded([2_000, 602_000])), ["0", "1.00 s", "10 min", "10 min 03 s"], "both sides of a break have the times of the clock");
  assert.deepEqual(written(ticks({ from: 1e-6, to: 5e-6 }, 5), 1e-6).texts, ["1 ns", "2 ns", "3 ns", "4 ns", "5 ns"]);
});

test("in the minimap what ended before does not pile up, and spans that touch are no peaks", () => {
  const cells = trace([...Array.from({ length: 50 }, (_, i): Row => [-1, i, i + 1, "early"]), [-1, 100, 200, "late"]]);
  const late = { from: 100, to: 200 };
  assert.deepEqual([...densityOf(cells, late, 10)], Array(10).fill(1));
  assert.deepEqual([...densityOf(cells, late, 10, STRAIGHT, Int32Array.of(0, 1))], Array(10).fill(0), "only what is looked at");
  const loop = trace([[-1, 0, 70, "loop"], ...Array.from({ length: 70 }, (_, i): Row => [0, i, i + 1, "step"])]);
  for (const columns of [7, 9, 33, 64]) assert.ok(densityOf(loop, { from: 0, to: 70 }, columns).every((each) => Math.abs(each - 2) < 1e-6));
  const short = densityOf(trace([[-1, 10, 10], [-1, 50, 51], [-1, 95, 100]]), { from: 0, to: 100 }, 10);
  assert.ok(short[1]! > 0 && short[1]! < 0.01 && Math.abs(short[5]! - 0.1) < 1e-6 && Math.abs(short[9]! - 0.5) < 1e-6, "as high as it is covered, and never nothing");
  const apart = trace([[-1, 0, SECOND], [-1, 601 * SECOND, 602 * SECOND]]);
  const shown = densityOf(apart, { from: 0, to: 602 * SECOND }, 100, folded([SECOND, 601 * SECOND]));
  assert.ok(shown.filter((each) => each === 1).length > 90, "over folded time");
});

function zoomed(rows: Row[]) {
  const made = trace(rows);
  const once = new Once();
  const scope = new Scope(made, once);
  const idle = new Idle(made, profile([]), scope, once, () => {});
  let returned = 0;
  const zoom = new Zoom(scope, idle, () => {}, () => void returned++);
  zoom.follow();
  return { made, scope, idle, zoom, returned: () => returned };
}

const TWO: Row[] = [[-1, 0, 1_000, "a"], [-1, 1_001, 2_001, "b"], [1, 1_200, 1_300, "c"]];

test("zoom goes back and forward, and a new step ends what was ahead", () => {
  const { zoom } = zoomed(TWO);
  const all = { ...zoom.range };
  assert.deepEqual([zoom.can(-1), zoom.can(1)], [false, false]);
  zoom.to({ from: 100, to: 200 });
  zoom.to({ from: 120, to: 130 });
  zoom.fit();
  zoom.fit();
  zoom.travel(-1);
  assert.deepEqual(zoom.range, { from: 120, to: 130 });
  zoom.travel(-1);
  assert.deepEqual(zoom.range, { from: 100, to: 200 });
  zoom.travel(1);
  assert.deepEqual(zoom.range, { from: 120, to: 130 });
  zoom.travel(-1);
  zoom.travel(-1);
  assert.deepEqual(zoom.range, all);
  assert.deepEqual([zoom.can(-1), zoom.can(1)], [false, true]);
  zoom.to({ from: 500, to: 600 });
  assert.deepEqual([zoom.can(-1), zoom.can(1)], [true, false]);
  zoom.begin();
  assert.equal(zoom.can(-1), false);
});

test("a turn of the wheel and a drag are one step each", () => {
  const { zoom } = zoomed(TWO);
  const all = { ...zoom.range };
  for (let i = 0; i < 100; i++) zoom.by(0.97, 0.4);
  const close = { ...zoom.range };
  zoom.hold();
  for (let i = 0; i < 100; i++) zoom.to({ from: close.from + i, to: close.to + i });
  zoom.release();
  zoom.pan(0.1);
  zoom.travel(-1);
  zoom.travel(-1);
  assert.deepEqual(zoom.range, close);
  zoom.travel(-1);
  assert.deepEqual(zoom.range, all);
  assert.equal(zoom.can(-1), false);
});

test("to look at another trace is a step, and the way back leads to the trace as well", () => {
  const { scope, zoom, returned } = zoomed(TWO);
  const before = scope.chosen;
  zoom.to({ from: 100, to: 200 });
  scope.chosen = 1;
  zoom.fit();
  const second = { ...zoom.range };
  zoom.to({ from: 1_200, to: 1_300 });
  scope.chosen = 0;
  zoom.follow();
  zoom.follow();
  assert.deepEqual(zoom.range.to - zoom.range.from, 100, "whoever changes the trace alone changes it as a step");
  zoom.travel(-1);
  assert.deepEqual([scope.chosen, zoom.range], [1, { from: 1_200, to: 1_300 }]);
  zoom.travel(-1);
  assert.deepEqual([scope.chosen, zoom.range], [1, second]);
  zoom.travel(-1);
  assert.deepEqual([scope.chosen, zoom.range], [before, { from: 100, to: 200 }]);
  assert.equal(returned(), 2);
  zoom.travel(1);
  assert.equal(scope.chosen, 1);
});

test("steps to traces that are forgotten are gone", () => {
  const { scope, zoom } = zoomed(TWO);
  scope.chosen = 0;
  zoom.fit();
  scope.chosen = 1;
  zoom.fit();
  const to = (index: number) => index - 1;
  scope.follow(to);
  zoom.forget(to);
  assert.equal(scope.chosen, 0);
  zoom.travel(-1);
  assert.equal(scope.chosen, OPENED);
  assert.equal(zoom.can(-1), false);
});

test("by hand one pans over a break as if time were what is shown, and what is opened stays so when more comes", () => {
  const { made, scope, idle, zoom } = zoomed([[-1, 0, 1_000, "a"], [-1, 601_000, 602_000, "b"]]);
  scope.chosen = -1;
  zoom.fit();
  const all = zoom.shown.to - zoom.shown.from;
  assert.ok(all < 2_200);
  zoom.toShown({ from: 800, to: 1_000 });
  for (let i = 0; i < 20; i++) zoom.pan(0.1);
  assert.ok(zoom.range.from > 600_000 && Math.abs(zoom.shown.to - zoom.shown.from - 200) < 1e-6);
  zoom.reveal({ from: 100, to: 110 });
  assert.ok(zoom.range.from < 100 && zoom.range.to > 110 && Math.abs(zoom.shown.to - zoom.shown.from - 200) < 1e-6);
  idle.turn(idle.timeline.stretches[0]!);
  assert.equal(idle.timeline.stretches[0]!.folded, false);
  const names = made.names.length;
  made.append(header({ reset: false, first: 2, count: 1, names: ["c"] }), [
    Float64Array.of(700_000), Float64Array.of(701_000), Uint32Array.of(names), Int32Array.of(-1), Int32Array.of(0), Uint8Array.of(0), ...quiet({ errors: [0] }),
  ]);
  assert.deepEqual(idle.timeline.stretches.map((each) => each.folded), [false, true]);
  idle.toggle();
  assert.deepEqual(idle.timeline.stretches.map((each) => each.folded), [false, false]);
  idle.toggle();
  assert.deepEqual(idle.timeline.stretches.map((each) => each.folded), [true, true]);
});
