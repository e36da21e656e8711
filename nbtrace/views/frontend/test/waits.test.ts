// Tasks of pools: how long they waited, where that is drawn and said, and the lanes of processes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { criticalPath } from "../src/engine/criticalpath";
import type { Details } from "../src/engine/details";
import { hotLines } from "../src/engine/heat";
import { lines } from "../src/engine/folding";
import { lineInRange } from "../src/engine/inrange";
import { allot, ranOf } from "../src/engine/allotted";
import { statistics } from "../src/engine/statistics";
import { Profile } from "../src/engine/profile";
import { threadName } from "../src/engine/threads";
import { pausesOf } from "../src/engine/timeline";
import { spanTip } from "../src/engine/tip";
import { ERROR, type Trace } from "../src/engine/trace";
import { OTHERS, OWN, WORKERS, usageOf } from "../src/engine/usage";
import { tasksText, waitText, waitedOf } from "../src/engine/waits";
import type { Model } from "../src/model";
import type { ThreadInfo } from "../src/protocol";
import { ROW, AXIS } from "../src/pictures/canvas";
import { DARK, LIGHT } from "../src/pictures/colours";
import { densityOf } from "../src/pictures/minimap";
import { memoryPeakText, paintUsage } from "../src/pictures/usage";
import { paintWaterfall, timeOf, titleOf } from "../src/pictures/waterfall";
import { ALL } from "../src/session/scope";
import { Session } from "../src/session/session";
import { type Called, type Row, type Taken, type Tasks, pen, profile, profiled, spans, trace } from "./kit";

globalThis.requestAnimationFrame ??= ((callback: () => void) => setTimeout(callback, 0)) as never;

const SHAPE = { collapsed: new Set<number>(), unfolded: new Set<string>() };
const MB = 2 ** 20;

/** A cell of 87 s: four tasks, of which the workers started for 80 s; the last waited in the queue as well. */
const CROSS: Row[] = [[-1, 0, 87_000, "cell [1] cross_validate(…)"], ...[0, 1, 2].map((): Row => [0, 80_000, 86_000, "fit_one"]), [0, 82_000, 87_000, "fit_one"]];
const WAITS: Tasks = [[1, 80_000, 80_000], [2, 80_000, 80_000], [3, 80_000, 80_000], [4, 82_000, 80_000]];

function opened(rows: Row[], tasks: Tasks): Session {
  const state: Record<string, unknown> = {};
  const model: Model = { get: (name) => state[name] ?? "", set: (name, value) => void (state[name] = value), save_changes() {}, on() {}, off() {}, send() {} };
  const session = new Session(model);
  session.trace.append(...spans(rows, { cells: [[1, 1, 1, 1, "x"]], processes: 3 }, rows.map(() => 1), [], tasks));
  return session;
}

/** What is drawn: lines that are not level (hatches), dashed ones, and rectangles, with their ends. */
function drawn(made: Trace, range: [number, number], shown = lines(made, SHAPE), names = 0) {
  const strokes: { dashed: boolean; path: [number, number][] }[] = [];
  const rectangles: [number, number, number, number][] = [];
  let [dashed, path] = [false, [] as [number, number][]];
  const made_ = {
    ...pen(),
    fillRect: (x: number, y: number, wide: number, tall: number) => void rectangles.push([x, y, wide, tall]),
    setLineDash: (dash: Iterable<number>) => void (dashed = [...dash].length > 0),
    beginPath: () => void (path = []),
    moveTo: (x: number, y: number) => void path.push([x, y]),
    lineTo: (x: number, y: number) => void path.push([x, y]),
    stroke: () => void strokes.push({ dashed, path }),
  };
  paintWaterfall(made_, LIGHT, made, { lines: shown, range: { from: range[0], to: range[1] }, origin: 0, scroll: 0, selected: -1, hovered: -1, names }, 870, 300);
  const line = (y: number) => Math.floor((y - AXIS) / ROW);
  const at = (number: number, kept: boolean) => {
    const xs = strokes.filter((each) => each.path.length > 1 && each.dashed === kept && each.path.every(([, y]) => line(y) === number)).flatMap((each) => each.path.map(([x]) => x));
    return xs.length ? [Math.round(Math.min(...xs)), Math.round(Math.max(...xs))] : [];
  };
  return { hatched: (number: number) => at(number, false), dashed: (number: number) => at(number, true), rectangles };
}

test("a task waited for its worker, then in the queue, and both are told apart in words and in the picture", () => {
  const made = trace(CROSS, {}, [], WAITS);
  assert.deepEqual(waitedOf(made, 4), { from: 0, ready: 80_000, fetch: 82_000, to: 82_000 });
  assert.equal(waitedOf(made, 0), undefined);
  assert.equal(waitText(made, 4), "82 s: 80 s until its worker had started, 2.00 s in the queue".replaceAll("82 s", "1 min 22 s").replaceAll("80 s", "1 min 20 s"));
  assert.equal(waitText(made, 1), "1 min 20 s until its worker had started");
  assert.equal(waitText(trace([[-1, 5, 6]], {}, [], [[0, 5]]), 0), "5.00 ms in the queue");
  assert.equal(waitText(made, 0), "");
  const { hatched, dashed } = drawn(made, [0, 87_000]);
  assert.deepEqual([hatched(1), dashed(1)], [[0, 800], []]);
  assert.deepEqual([hatched(4), dashed(4)], [[0, 800], [800, 820]]);
  assert.deepEqual([hatched(0), dashed(0)], [[], []]);
});

test("of a span with tasks it is said how much of its time the start of workers was, counted once", () => {
  const made = trace(CROSS, {}, [], WAITS);
  assert.equal(tasksText(made, 0), "4 tasks; waited up to 1 min 22 s; workers started for 1 min 20 s, 92 % of its time");
  assert.equal(tasksText(made, 1), "");
  assert.deepEqual(spanTip(made, 0).facts.find(([what]) => what === "tasks")?.[1], tasksText(made, 0));
  assert.deepEqual(spanTip(made, 1).facts.find(([what]) => what === "waited")?.[1], waitText(made, 1));
  assert.equal(tasksText(trace(CROSS, {}, [], [[1, 0]]), 0), "1 task");
});

test("what a task says that began before its parent is drawn from where that began, and said in full", () => {
  const made = trace([[-1, 100, 200], [0, 110, 120], [-1, 300, 310]], {}, [], [[1, 5_000, 4_995], [2, 50, 20]]);
  assert.deepEqual(waitedOf(made, 1), { from: 100, ready: 105, fetch: 110, to: 110 });
  assert.ok(waitText(made, 1).startsWith("5.00 s: "));
  assert.equal(tasksText(made, 0), "1 task; waited up to 5.00 s; workers started for 5.00 ms, 5.0 % of its time");
  // Of one whose parent is not known, all of it.
  assert.deepEqual(waitedOf(made, 2), { from: 250, ready: 270, fetch: 300, to: 300 });
  assert.equal(waitedOf(trace([[-1, 100, 200], [0, 90, 120]], {}, [], [[1, 50]]), 1), undefined);
});

test("a line says how long a task waited, one of many how long at the most; a wait that is nothing beside its time is not said", () => {
  const made = trace([[-1, 0, 100], ...Array.from({ length: 6 }, (_, i): Row => [0, 10 + i * 10, 20 + i * 10, "fit"]), [0, 90, 100, "end"]], {}, [], [...[1, 2, 3, 4, 5, 6].map((row): [number, number] => [row, row * 10]), [7, 0.01]]);
  const shown = lines(made, SHAPE);
  assert.deepEqual([0, 1, 2].map((line) => `${titleOf(made, shown, line)}: ${timeOf(made, shown, line)}`), ["x: 100 ms", "fit × 6: 60.0 ms, waited up to 60.0 ms", "end: 10.0 ms"]);
  assert.deepEqual([drawn(made, [0, 87], shown).dashed(1), drawn(made, [0, 87], shown).hatched(1)], [[0, 600], []]);
  const open = lines(made, { ...SHAPE, unfolded: { has: () => true } });
  assert.equal(timeOf(made, open, 3), "10.0 ms, waited 30.0 ms");
});

test("waiting is no idle time, is found by a part of the time, and shows in the minimap without counting as work", () => {
  const rows: Row[] = [[-1, 0, 1_000, "cell"], [0, 90_000, 91_000, "late"]];
  assert.deepEqual(pausesOf(trace(rows), Int32Array.of(0, 1), false), [{ from: 1_000, to: 90_000 }]);
  const made = trace(rows, {}, [], [[1, 89_500]]);
  assert.deepEqual(pausesOf(made, Int32Array.of(0, 1), false), []);
  assert.deepEqual(pausesOf(made, Int32Array.of(0, 1), true), []);
  assert.equal(lineInRange(made, lines(made, SHAPE), { from: 50_000, to: 50_001 }, 2, 2, false), 1);
  assert.equal(lineInRange(trace(rows), lines(made, SHAPE), { from: 50_000, to: 50_001 }, 2, 2, false), -1);
  const density = densityOf(made, { from: 0, to: 91_000 }, 91);
  assert.ok(density.every((value) => value > 0));
  assert.ok(density.subarray(1, 90).every((value) => value < 0.001));
  assert.deepEqual([density[0], density[90]], [1, 1]);
  assert.equal(densityOf(trace(rows), { from: 0, to: 91_000 }, 91)[50], 0);
});

test("the first look reaches back to where a task without a parent was submitted", () => {
  const session = opened([[-1, 100, 200, "task"], [-1, 150, 160, "task"]], [[0, 60], [1, 5]]);
  session.scope.chosen = ALL;
  assert.equal(session.scope.whole.from, 40);
});

test("tasks are forgotten with their spans, and follow those that stay", () => {
  const made = trace(CROSS, {}, [], WAITS);
  const [header, columns] = spans([], { reset: false, first: 5 }, [], made.names);
  columns[columns.length - 1] = Int32Array.of(1, 2);
  made.append(header, columns);
  assert.deepEqual([...made.tasks.keys()], [3, 4]);
  assert.deepEqual([made.waitOf(0), made.waitOf(1)?.waited, made.waitOf(2)?.waited], [undefined, 80_000, 82_000]);
  made.append(...spans([], { reset: true }));
  assert.equal(made.tasks.size, 0);
});

test("a lane for each process: the kernel first, then as they began, with how many tasks they did; only their start is drawn in it", async () => {
  const rows: Row[] = [[-1, 50, 400, "cell [1] x"], [0, 60, 300, "map"], [1, 40, 200, "fit"], [1, 210, 290, "fit", ERROR], [3, 220, 230, "load"], [1, 190, 280, "fit"]];
  const session = opened(rows, [[2, 0], [3, 150], [5, 130, 100]]);
  const processes = [4711, 4711, 30, 30, 30, 20];
  const list = processes.map((process, row): Partial<Details> => ({ id: `${row}`, trace: "t", attributes: {}, thread: [process, 1, "MainThread"] }));
  session.details.add(Int32Array.from(list.keys()), new Uint8Array(deflateSync(JSON.stringify(list))));
  session.group("process");
  while (session.lines.count < 9) await new Promise((resolve) => setTimeout(resolve, 1));
  const { lines: shown, trace: made } = session;
  assert.deepEqual(
    Array.from({ length: shown.count }, (_, line) => " ".repeat(shown.depth[line]!) + titleOf(made, shown, line)),
    ["kernel 4711 · 2 spans", " cell [1] x", "  map", "process 30 · 3 spans · 2 tasks", " fit", " fit", "  load", "process 20 · 1 span · 1 task", " fit"],
  );
  const { hatched, dashed } = drawn(made, [0, 435], shown);
  assert.deepEqual([dashed(3), hatched(3)], [[], []]);
  assert.deepEqual([dashed(5), hatched(7), dashed(7)], [[120, 420], [120, 320], []]);
  session.group("thread");
  assert.ok(!titleOf(made, session.lines, 0).startsWith("kernel"));
});

test("tasks that overlap in processes: the wall counts once, the sum all, and the path goes through the last", () => {
  const made = trace([[-1, 0, 100, "cell"], [0, 10, 60, "fit"], [0, 20, 90, "fit"], [0, 20, 50, "fit"], [2, 30, 40, "load"]], {}, [], [[1, 10], [2, 20], [3, 20]]);
  const fit = statistics(made).find(({ name }) => made.names[name] === "fit")!;
  assert.deepEqual([fit.wall, fit.total, made.tree.self[0]], [80, 150, 20]);
  // Who ended while another ran did not hold anything up.
  assert.deepEqual([...criticalPath(made, [0])].sort((a, b) => a[0] - b[0]), [[0, 30], [2, 60], [4, 10]]);
});

// ── tasks of an engine ──────────────────────────────────────────────────────────────────────────────────────────────────

test("what a task fetched is told apart from the queue, in words and in the picture, and of all together", () => {
  const made = trace([[-1, 0, 1_000, "cell"], [0, 500, 600, "sum"], [0, 500, 700, "sum"], [0, 900, 950, "total"]], {}, [], [[1, 500, 100, 150], [2, 400, 0, 400], [3, 100, 0, 0.01]]);
  assert.deepEqual(waitedOf(made, 1), { from: 0, ready: 100, fetch: 350, to: 500 });
  assert.equal(waitText(made, 1), "500 ms: 100 ms until its worker had started, 250 ms in the queue, 150 ms for results of other workers");
  assert.equal(waitText(made, 2), "400 ms for results of other workers");
  assert.equal(tasksText(made, 0), "3 tasks; waited up to 500 ms; workers started for 100 ms, 10 % of its time; results were fetched for 400 ms, 40 % of its time");
  const { hatched, dashed, rectangles } = drawn(made, [0, 870]);
  // Heads of arrows are no dashes; before them stand the start and the queue.
  assert.deepEqual([hatched(1), dashed(1)], [[0, 498], [100, 350]]);
  assert.deepEqual([hatched(2)[0]! >= 100, hatched(2)[1]! < 500, dashed(2)], [true, true, []]);
  assert.ok(rectangles.some(([x, y]) => x === 350 && y > AXIS + ROW && y < AXIS + 2 * ROW), "a moment at which it began to fetch");
});

const WORKER_DETAILS: Partial<Details>[] = [
  { id: "a", trace: "t", attributes: {}, thread: [10, 1, "MainThread"] },
  { id: "b", trace: "t", attributes: { "nbtrace.task.worker": "tcp://10.0.0.7:4000", "nbtrace.task.key": "('sum-ab12', 3)", "nbtrace.task.run": 2, "nbtrace.task.outcome": "lost", "nbtrace.task.clock": -0.03, "host.name": "node7" }, thread: [2 ** 32 + 20, 1, "w"] },
  { id: "c", trace: "t", attributes: {}, thread: [2 ** 32 + 21, 1, "w"] },
  { id: "d", trace: "t", attributes: { "nbtrace.task.worker": "inproc://10.0.0.1/9", "nbtrace.task.run": 11 }, thread: [10, 1, "w"] },
];

test("a task of an engine says its worker, its key, which run it was and how it ended, and not once more as attributes", () => {
  const made = trace([[-1, 0, 100], [0, 10, 20], [0, 30, 40], [0, 50, 60]], { workers: [[2 ** 32 + 20, "10.0.0.7:4000 (node7)"]] }, [], [[1, 5], [3, 0]]);
  const { facts } = spanTip(made, 1, WORKER_DETAILS[1] as Details);
  assert.deepEqual(facts.filter(([what]) => !["duration", "share"].includes(what)), [
    ["waited", "5.00 ms in the queue"], ["worker", "10.0.0.7:4000 (node7)"], ["key", "('sum-ab12', 3)"], ["run", "2nd"], ["ended", "lost with its worker"],
    ["clock", "30.0 ms ahead, put right"], ["host.name", "node7"],
  ]);
  const runs = [1, 3, 11, 12, 13, 21, 22, 101, 111].map((run) => spanTip(made, 3, { ...WORKER_DETAILS[3]!, attributes: { "nbtrace.task.worker": "inproc://x", "nbtrace.task.run": run } } as Details).facts.find(([what]) => what === "run")![1]);
  assert.deepEqual(runs, ["1st", "3rd", "11th", "12th", "13th", "21st", "22nd", "101st", "111th"]);
  // The kernel's own process is no worker's, though one of threads works in it.
  assert.deepEqual(spanTip(made, 3, WORKER_DETAILS[3] as Details).facts.find(([what]) => what === "worker"), ["worker", "inproc://10.0.0.1/9"]);
  const hostile = { ...WORKER_DETAILS[1]!, attributes: { "nbtrace.task.worker": ["x"], "nbtrace.task.key": { a: 1 }, "nbtrace.task.run": "often", "nbtrace.task.outcome": 7, "nbtrace.task.clock": "late" }, thread: [1, 1, ""] } as unknown as Details;
  assert.ok(spanTip(made, 1, hostile).facts.every(([, text]) => typeof text === "string"));
});

test("a lane for each worker is called by its address, also what others did there; other processes by their number on their machine", async () => {
  const rows: Row[] = [[-1, 0, 100, "cell [1] x"], [0, 10, 20, "sum"], [0, 30, 40, "load"]];
  const session = opened(rows, [[1, 5, 0, 2]]);
  const list = WORKER_DETAILS.slice(0, 3);
  session.details.add(Int32Array.from(list.keys()), new Uint8Array(deflateSync(JSON.stringify(list))));
  session.group("process");
  while (session.lines.count < 6) await new Promise((resolve) => setTimeout(resolve, 1));
  const titles = () => Array.from({ length: session.lines.count }, (_, line) => titleOf(session.trace, session.lines, line)).filter((title) => title.includes(" · "));
  assert.deepEqual(titles(), ["kernel 10 · 1 span", "process 20 · 1 span · 1 task", "process 21 · 1 span"]);
  // Names may come later than what was done there, and two machines may have given one number.
  const [header, columns] = spans([[-1, 50, 60, "late"]], { reset: false, first: 3, workers: [[2 ** 32 + 20, "10.0.0.7:4000 (node7)"], [2 ** 32 + 21, "10.0.0.7:4000 (node7)"]] }, [1], session.trace.names);
  session.trace.append(header, columns);
  assert.deepEqual(titles().slice(0, 3), ["kernel 10 · 1 span", "10.0.0.7:4000 (node7) (process 20) · 1 span · 1 task", "10.0.0.7:4000 (node7) (process 21) · 1 span"]);
  session.trace.append(...spans([], { reset: true }));
  assert.equal(session.trace.workers.size, 0);
});

test("what a worker fetches stands in its lane, what waits in the queue does not", async () => {
  const rows: Row[] = [[-1, 0, 870, "cell [1] x"], [0, 600, 700, "sum"]];
  const session = opened(rows, [[1, 600, 0, 200]]);
  session.details.add(Int32Array.of(0, 1), new Uint8Array(deflateSync(JSON.stringify([WORKER_DETAILS[0], WORKER_DETAILS[1]]))));
  session.group("process");
  while (session.lines.count < 4) await new Promise((resolve) => setTimeout(resolve, 1));
  const { hatched, dashed } = drawn(session.trace, [0, 870], session.lines);
  assert.deepEqual([hatched(2)[0]! >= 400, hatched(2)[1]! <= 600, dashed(2), dashed(3)], [true, true, [], [0, 400]]);
});

test("sampled threads of a worker are named by it, and by the number that its pool gave them", () => {
  const samples = new Profile(() => 10, (process) => (process === 20 ? "10.0.0.7:4000" : `process ${process}`));
  const threads: ThreadInfo[] = [[1, "MainThread", 10], [1, "1-Dask-Default-Threads-20-3", 20], [2, "MainThread", 20], [3, "helper", 30]];
  samples.append(...profiled(["kernel", "a", "b", "helper"].map((thread, i) => ({ ...taken(10 + i, "a", 1), thread })), [], { threads }));
  assert.deepEqual([0, 1, 2, 3].map((thread) => threadName(samples, thread)), ["MainThread", "10.0.0.7:4000 thread 3", "10.0.0.7:4000", "process 30 thread helper"]);
});

// ── samples of several processes ────────────────────────────────────────────────────────────────────────────────────────

const OWN_STACK: Called[] = [["<module>", "cell 1", 3]];
const WORKER: Called[] = [["run", "process.py", 3], ["fit_one", "cell 1", 2]];
const THREADS: ThreadInfo[] = [[1, "MainThread", 10], [1, "MainThread", 20], [1, "MainThread", 30], [2, "helper", 10]];
const taken = (time: number, thread: "kernel" | "a" | "b" | "helper", memory: number, computed = 1): Taken => ({
  time, wall: 10, computed, memory: memory * MB, thread, stack: thread === "kernel" ? OWN_STACK : thread === "helper" ? [WORKER[0]!] : WORKER,
});
const SAMPLES = [
  taken(10, "kernel", 100, 0), taken(20, "kernel", 100, 0), taken(22, "a", 50), taken(24, "b", 60), taken(30, "kernel", 110, 0), taken(32, "a", 80), taken(34, "b", 60),
  taken(36, "helper", 110), taken(40, "kernel", 110, 0), taken(50, "kernel", 120, 0),
];
// Threads are numbered as they come: kernel, a, b, helper.
const made = () => profile(SAMPLES, [[1, 1, 2, 0, 1], [1, 3, 3, 1, 60]], { threads: THREADS });

test("memory of several processes is the sum of what each has, from its first sample to its last, and the peak says of how many", () => {
  const { memory } = usageOf(made(), trace([[-1, 0, 60, "cell [1] x"]], {}, [1]));
  const steps = [...memory.time].map((time, i) => [Math.round(time), memory.value[i]! / MB, memory.processes[i]]);
  assert.deepEqual(steps, [[10, 100, 1], [22, 150, 2], [24, 210, 3], [30, 220, 3], [32, 250, 3], [34, 170, 2], [36, 110, 1], [50, 120, 1]]);
  assert.equal(memoryPeakText({ value: 250e6, at: 32 }, 100e6, 0, 3), "peak 250 MB in 3 processes at 32.0 ms, +150 MB");
  assert.equal(memoryPeakText({ value: 250e6, at: 32 }, 100e6, 0), "peak 250 MB at 32.0 ms, +150 MB");
});

test("cores of other processes are told apart from threads of the cell's own, and what a cell took is its own process's", () => {
  const cells = trace([[-1, 0, 60, "cell [1] x"]], {}, [1]);
  const { cores } = usageOf(made(), cells);
  const most = (band: number) => Math.max(...cores.bands[band]!);
  assert.deepEqual([most(OWN), most(OTHERS), most(WORKERS)], [0, 1, 2]);
  // 10 ms of the cell's own process are those of its helper: nothing is left for threads that nobody saw.
  const took = profile(SAMPLES, [], { threads: THREADS, resources: [[1, 10, null, null, null, null, null, false]] });
  assert.deepEqual([...usageOf(took, cells).cores.used].sort(), [OTHERS, WORKERS]);
  for (const theme of [LIGHT, DARK]) {
    const drawn = pen();
    const bands = cores.bands.map((band) => band.slice(0, 8));
    paintUsage(drawn, theme, { range: { from: 0, to: 60 }, left: 0, cores: { bands, most: cores.value.slice(0, 8) }, coresPeak: undefined, memory: undefined, memoryPeak: undefined }, 100, 40);
    assert.ok(drawn.rectangles > 0);
  }
});

test("a line of a function that ran in workers has their samples, and grows by what grew in each", () => {
  const samples = made();
  const time = allot(samples, 1, ranOf(samples, trace([[-1, 0, 60, "cell [1] x"]], {}, [1]), 1, 0));
  const line = hotLines(samples, time).find(({ line }) => line === 2)!;
  assert.deepEqual([line.samples, line.memory / MB], [4, 30]);
  assert.equal(hotLines(samples, time).find(({ line }) => line === 3)!.memory / MB, 20);
});

test("threads of other processes are named with their process", () => {
  assert.deepEqual([0, 1, 2, 3].map((thread) => threadName(made(), thread)), ["MainThread", "process 20", "process 30", "helper"]);
});
