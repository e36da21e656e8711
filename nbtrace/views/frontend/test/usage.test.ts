// What the processes took of the machine over time, and the lanes that show it.

import assert from "node:assert/strict";
import { test } from "node:test";
import counters from "../../../../tests/vectors/counters.json";
import processes from "../../../../tests/vectors/processes.json";
import recorded from "../../../../tests/vectors/profiles.json";
import type { ProfileHeader, ResourcesInfo, SpansHeader } from "../src/protocol";
import { unpack } from "../src/engine/frames";
import { Profile } from "../src/engine/profile";
import { Trace } from "../src/engine/trace";
import { coreColumns, memoryColumns, peakIn, stepAt } from "../src/engine/steps";
import { LIBRARIES, MEAN, OTHERS, OWN, type Usage, measuredIn, usageOf } from "../src/engine/usage";
import { momentText } from "../src/engine/ticks";
import { size } from "../src/engine/words";
import { LIGHT } from "../src/pictures/colours";
import { coresPeakText, coresScale, memoryPeakText, memoryScale, paintUsage } from "../src/pictures/usage";
import { type Called, type Row, type Taken, numbers, pen, profile, trace } from "./kit";

const OWN_STACK: Called[] = [["<module>", "cell 1", 1]];
const OTHER_STACK: Called[] = [["run", "threading.py", 3]];
const MB = 2 ** 20;

const own = (time: number, wall: number, computed?: number, more: Partial<Taken> = {}): Taken => ({ time, wall, stack: OWN_STACK, ...(computed !== undefined && { computed }), ...more });
const other = (time: number, wall: number, computed?: number, more: Partial<Taken> = {}): Taken => own(time, wall, computed, { thread: "other", stack: OTHER_STACK, ...more });
const took = (cell: number, cpu: number | null, peak: number | null = null, shared = false): ResourcesInfo => [cell, cpu, peak, null, null, null, null, shared];
const cells = (...rows: [from: number, to: number][]): Trace => trace(rows.map(([from, to], i): Row => [-1, from, to, `cell [${i + 1}] x`]), {}, rows.map((_, i) => i + 1));
const NONE = trace([]);

/** Moments and cores, all together. */
const together = ({ cores }: Usage) => [...cores.time].map((time, i) => [round(time), cores.value[i]]);
const band = ({ cores }: Usage, which: number) => [...cores.time].map((time, i) => [round(time), cores.bands[which]![i]]).filter(([, value], i, all) => !i || value !== all[i - 1]![1]);
const resident = ({ memory }: Usage) => [...memory.time].map((time, i) => [round(time), memory.value[i]]);
const round = (ms: number) => Math.round(ms * 1e4) / 1e4;

test("cores are what threads compute together; where nobody looked or the system does not tell, none", () => {
  // As tests/formats/test_counters.py has it.
  const made = usageOf(profile([own(10, 10, 1), own(20, 10, 0.5), other(20, 5, 1), own(50, 10)]), NONE);
  assert.deepEqual(together(made), [[0, 1], [10, 0.5], [15, 1.5], [20, 0]]);
  assert.deepEqual(band(made, OWN), [[0, 1], [10, 0.5], [20, 0]]);
  assert.deepEqual(band(made, OTHERS), [[0, 0], [15, 1], [20, 0]]);
});

test("recordings have the steps that Python writes for Perfetto, of several processes those of all together", () => {
  const known = [...counters.recordings, ...processes.recordings];
  [...recorded.recordings, ...processes.recordings].forEach(({ frames }, number) => {
    const [spans, made] = [new Trace(), new Profile()];
    for (const frame of frames) {
      const { header, columns } = unpack(new DataView(Uint8Array.from(Buffer.from(frame, "base64")).buffer));
      if (header.kind === "spans") spans.append(header as SpansHeader, columns);
      else made.append(header as ProfileHeader, columns);
    }
    const { cores, memory } = usageOf(made, spans);
    const steps = (time: Float64Array, values: Float64Array) =>
      [...time].map((ms, i) => [Math.round((ms + Number(spans.zero) / 1e6) * 100), values[i]!]).filter(([, value], i, all) => !i || value !== all[i - 1]![1]);
    const python = known[number]!;
    assert.deepEqual(steps(memory.time, memory.value), python.memory, `memory of recording ${number}`);
    const here = steps(cores.time, cores.value);
    assert.deepEqual(here.map(([time]) => time), python.cores.map(([time]) => time), `moments of recording ${number}`);
    here.forEach(([, value], i) => assert.ok(Math.abs(value! - python.cores[i]![1]!) < 0.002));
  });
});

test("neighbours of a thread that overlap by rounding are never two cores, nor leave a gap", () => {
  assert.deepEqual(together(usageOf(profile([own(10, 10, 1), own(20.01, 10.03, 1), own(30.04, 10, 1)]), NONE)), [[0, 1], [30.04, 0]]);
  assert.deepEqual(together(usageOf(profile([own(10, 10, 1), own(20.04, 10, 1)]), NONE)), [[0, 1], [10, 0], [10.04, 1], [20.04, 0]]);
});

test("memory is told where it changes, and of a cell without samples the peak at its beginning", () => {
  const made = profile(
    [own(10, 10, 1, { memory: 16 * MB }), own(20, 10, 1, { memory: 16 * MB }), own(30, 10, 1, { memory: 48 * MB }), own(40, 10, 1)], [],
    { resources: [took(1, null, 64 * MB), took(2, null, 32 * MB)] },
  );
  assert.deepEqual(resident(usageOf(made, cells([0, 40], [50, 60]))), [[10, 16 * MB], [30, 48 * MB], [50, 32 * MB]]);
});

test("a cell without samples counts with the mean over its time, as does one of whose threads the system does not tell", () => {
  const spans = cells([0, 20], [30, 40], [50, 60]);
  const made = usageOf(profile([own(20, 20, 1), own(60, 10, undefined, { cell: 3 })], [], { resources: [took(1, 20), took(2, 5), took(3, 20)] }), spans);
  assert.deepEqual(together(made), [[0, 1], [20, 0], [30, 0.5], [40, 0], [50, 2], [60, 0]]);
  assert.deepEqual(band(made, MEAN), [[0, 0], [30, 0.5], [40, 0], [50, 2], [60, 0]]);
});

test("threads of libraries stand where the cell computed in code that is not Python's", () => {
  const samples = [own(10, 10, 1), own(20, 10, 1, { native: true }), own(30, 10, 0, { native: true }), own(40, 10, 1)];
  const made = usageOf(profile(samples, [], { resources: [took(1, 60)] }), cells([0, 40]));
  assert.deepEqual(band(made, LIBRARIES), [[0, 0], [10, 3], [20, 0]]);
  assert.deepEqual(together(made).slice(0, 2), [[0, 1], [10, 4]]);
});

test("on a busy machine they get as little of it as the cell's own thread", () => {
  const samples = [own(10, 10, 0.5, { native: true }), own(20, 10, 0, { native: true }), own(30, 10, 1, { native: true })];
  const made = usageOf(profile(samples, [], { resources: [took(1, 15 + 30)] }), cells([0, 30]));
  assert.deepEqual(band(made, LIBRARIES), [[0, 1], [10, 0], [20, 2], [30, 0]]);
});

test("where the cell's own thread only waited, they stand where its other threads computed in such code", () => {
  const samples = [own(10, 10, 0), own(20, 10, 0), other(20, 10, 0.5, { native: true })];
  const made = usageOf(profile(samples, [], { resources: [took(1, 5 + 10)] }), cells([0, 20]));
  assert.deepEqual(band(made, LIBRARIES), [[0, 0], [10, 1], [20, 0]]);
});

test("more threads than machines have, in a moment of a cell, are not believed", () => {
  const samples = [own(10, 10, 0.5, { native: true }), own(500, 490, 0)];
  const made = usageOf(profile(samples, [], { resources: [took(1, 5 + 250)] }), cells([0, 500]));
  assert.deepEqual(band(made, LIBRARIES), [[0, 0.5], [500, 0]]);
});

test("where other threads of the cell ran Python, what was not seen may be theirs, and is no peak of a moment", () => {
  // A pool of four on a machine of two: each is met late, and one computes in other code for a moment.
  const threads = ["a", "b", "c", "d"];
  const pool = [110, 200].flatMap((time) => threads.map((thread) => other(time, time === 110 ? 10 : 90, 1 / 6, { thread })));
  const samples = [own(20, 20, 0), other(20, 10, 1, { native: true, thread: "a" }), ...pool, own(200, 180, 0)];
  const made = usageOf(profile(samples, [], { resources: [took(1, 10 + 400 / 6 + 150)] }), cells([0, 200]));
  assert.deepEqual(band(made, LIBRARIES), [[0, 0.75], [200, 0]]);
  assert.ok(peakIn(made.cores, { from: 0, to: 200 })!.value <= 2);
});

test("without such code they are spread over the cell, and a little more than was seen is nobody's", () => {
  const spread = (cpu: number) => band(usageOf(profile([own(20, 20, 0), own(40, 20, 0)], [], { resources: [took(1, cpu)] }), cells([0, 40])), LIBRARIES);
  assert.deepEqual(spread(60), [[0, 1.5], [40, 0]]);
  assert.deepEqual(spread(4), [[0, 0]]);
});

test("what other sampled threads computed, and what the cell's own may have computed unsampled, is not taken for libraries", () => {
  const threads = [own(40, 40, 1), other(40, 40, 1, { cell: 0 })];
  assert.deepEqual(band(usageOf(profile(threads, [], { resources: [took(1, 82)] }), cells([0, 40])), LIBRARIES), [[0, 0]]);
  const gaps = [own(10, 10, 1), own(40, 5, 1)];
  assert.ok(band(usageOf(profile(gaps, [], { resources: [took(1, 40)] }), cells([0, 40])), LIBRARIES).every(([, value]) => value === 0));
  const unknown = [own(20, 20, 1), own(40, 20)];
  assert.ok(band(usageOf(profile(unknown, [], { resources: [took(1, 40)] }), cells([0, 40])), LIBRARIES).every(([, value]) => value === 0));
});

test("cells that ran at the same time have their libraries counted once", () => {
  const samples = [own(40, 40, 1, { native: true }), own(40, 40, 0, { cell: 2, stack: [["<module>", "cell 2", 1]], thread: "second" })];
  const made = usageOf(profile(samples, [], { resources: [took(1, 120, null, true), took(2, 120, null, true)] }), cells([0, 40], [0, 40]));
  assert.deepEqual(band(made, LIBRARIES), [[0, 2], [40, 0]]);
});

test("memory of processes adds up while each is looked at", () => {
  const threads: [number, string, number][] = [[1, "a", 1], [2, "b", 2]];
  const samples = [own(10, 10, 1, { memory: 16 * MB }), other(20, 10, 1, { memory: 32 * MB }), own(30, 10, 1, { memory: 16 * MB }), other(40, 10, 1, { memory: 32 * MB }), other(50, 10, 1, { memory: 64 * MB })];
  assert.deepEqual(resident(usageOf(profile(samples, [], { threads }), NONE)), [[10, 16 * MB], [20, 48 * MB], [40, 32 * MB], [50, 64 * MB]]);
});

test("the peak is the most within what is shown, when it is first reached", () => {
  const { cores } = usageOf(profile([own(10, 10, 1), own(20, 10, 0.5), other(20, 10, 1), own(30, 10, 0.5), own(40, 10, 0.5), other(40, 10, 1)]), NONE);
  assert.deepEqual(peakIn(cores, { from: 0, to: 100 }), { value: 1.5, at: 10 });
  assert.deepEqual(peakIn(cores, { from: 22, to: 35 }), { value: 1.5, at: 30 });
  assert.deepEqual(peakIn(cores, { from: 2, to: 8 }), { value: 1, at: 2 }, "a step that began before");
  assert.equal(peakIn(cores, { from: -9, to: -1 }), undefined);
  assert.deepEqual([stepAt(cores.time, -1), stepAt(cores.time, 0), stepAt(cores.time, 12), stepAt(cores.time, 1e9)], [-1, 0, 1, cores.time.length - 1]);
});

test("columns hold the mean and the most of their steps, whatever their width", () => {
  const random = numbers(3);
  const samples = Array.from({ length: 3_000 }, (_, i): Taken => (i % 3 ? own : other)((i + 1) * 4, 3 + Math.round(random() * 9), Math.round(random() * 126) / 126, { memory: Math.round(random() * 900) * 16_384 }));
  const made = usageOf(profile(samples), NONE);
  const sum = (values: Iterable<number>) => [...values].reduce((all, each) => all + each, 0);
  for (const [range, columns] of [[{ from: 0, to: 12_000 }, 700], [{ from: 1_234.5, to: 1_300 }, 500]] as const) {
    const found = coreColumns(made.cores, range, columns);
    let expected = 0;
    for (let i = 0; i < made.cores.time.length; i++) {
      const until = Math.min(range.to, made.cores.time[i + 1] ?? Infinity);
      expected += Math.max(0, until - Math.max(range.from, made.cores.time[i]!)) * sum(made.cores.bands.map((each) => each[i]!));
    }
    const area = (sum(found.bands.map(sum)) * (range.to - range.from)) / columns;
    assert.ok(Math.abs(area - expected) < 1e-6 * expected, `${area} is ${expected}`);
    assert.equal(Math.max(...found.most), peakIn(made.cores, range)!.value);
    const memory = memoryColumns(made.memory, range, columns);
    assert.equal(Math.max(...memory.most.filter((value) => value === value)), peakIn(made.memory, range)!.value);
  }
});

test("before the first look memory is not known, and nothing is shown where nothing was measured", () => {
  const made = usageOf(profile([own(50, 10, 1, { memory: 16 * MB })]), NONE);
  const { least, most } = memoryColumns(made.memory, { from: 0, to: 100 }, 10);
  assert.deepEqual([...most].map(Number.isNaN), [...Array(10)].map((_, i) => i < 5));
  assert.equal(least[9], 16 * MB);
  assert.deepEqual([measuredIn(made, { from: 0, to: 49 }), measuredIn(made, { from: 50, to: 60 }), measuredIn(made, { from: 51, to: 60 })], [false, true, false]);
  assert.equal(measuredIn(usageOf(profile([]), NONE), { from: 0, to: 1 }), false);
});

test("hostile values are drawn as something, and never for ever", () => {
  const made: Profile = profile([own(10, 0, 1), own(20, 10, 1), other(30, 10, 1), own(40, 10, 0.5, { memory: 16 * MB }), own(50, 10, 1), other(60, 10, 1)], [], {
    resources: [took(1, Infinity, NaN), took(2, 1e300, 1e300), took(3, -5, -5), took(4, NaN, Infinity)],
  });
  [made.time[1], made.wall[2], made.time[3], made.wall[4], made.computed[5], made.wall[5]] = [NaN, NaN, -7, Infinity, 1e300, 1];
  const found = usageOf(made, cells([0, 100], [0, 50], [10, 20], [30, 40]));
  for (const values of [found.cores.time, found.cores.value, ...found.cores.bands, found.memory.time, found.memory.value, found.looks]) {
    assert.ok(values.every((value, i) => Number.isFinite(value) && (values !== found.cores.time || !i || value > values[i - 1]!)));
  }
  for (const range of [{ from: 0, to: 100 }, { from: NaN, to: 1 }, { from: 5, to: 5 }, { from: -1e300, to: 1e300 }, { from: 0, to: 1e-320 }]) {
    const cores = coreColumns(found.cores, range, 600);
    const memory = memoryColumns(found.memory, range, 600);
    const state = { range, left: 100, cores, memory, coresPeak: peakIn(found.cores, range), memoryPeak: peakIn(found.memory, range) };
    const drawn = pen();
    paintUsage(drawn, LIGHT, state, 700, 72);
    assert.ok(drawn.rectangles < 3_000 && drawn.texts.every((text) => text.length < 400));
  }
});

test("a clock that was set back leaves samples in the order of time", () => {
  const made = profile([own(10, 10, 1), own(20, 10, 0.5), own(30, 10, 1)]);
  made.time.set([100, 20, 30]);
  assert.deepEqual(together(usageOf(made, NONE)), [[10, 0.5], [20, 1], [30, 0], [90, 1], [100, 0]]);
});

test("a hundred thousand samples are a few thousand rectangles", () => {
  const made = usageOf(profile(Array.from({ length: 100_000 }, (_, i) => own((i + 1) * 10, 10, (i % 7) / 6, { memory: (i % 900) * 16_384 }))), NONE);
  const range = { from: 0, to: 1_000_000 };
  const drawn = pen();
  const cores = coreColumns(made.cores, range, 1_000);
  paintUsage(drawn, LIGHT, { range, left: 200, cores, memory: memoryColumns(made.memory, range, 1_000), coresPeak: peakIn(made.cores, range), memoryPeak: undefined }, 1_200, 72);
  assert.ok(drawn.rectangles > 1_000 && drawn.rectangles < 5_000, `${drawn.rectangles}`);
});

test("scales are whole cores and bytes around what is shown; flat memory is no mountain", () => {
  const columns = (most: number) => coresScale({ bands: [], most: Float64Array.of(0, most) });
  assert.deepEqual([columns(0), columns(0.4), columns(1.004), columns(1.2), columns(3.9)], [1, 1, 1.004, 2, 4]);
  const scale = memoryScale({ least: Float64Array.of(NaN, 500e6), most: Float64Array.of(NaN, 500.01e6) })!;
  assert.ok(scale.to - scale.from >= 4e6 && scale.from < 500e6 && scale.to > 500.01e6);
  assert.deepEqual(memoryScale({ least: Float64Array.of(1e9), most: Float64Array.of(2e9) }), { from: 1e9, to: 2e9 });
  assert.equal(memoryScale({ least: Float64Array.of(NaN), most: Float64Array.of(NaN) }), undefined);
});

test("peaks, sizes and moments are said in words", () => {
  assert.equal(coresPeakText({ value: 3.21, at: 2_200 }, 1_000), "peak 3.2 cores at 1.20 s");
  assert.equal(memoryPeakText({ value: 1.24e9, at: 3_400 }, 0.83e9, 0), "peak 1.24 GB at 3.40 s, +410 MB");
  assert.equal(memoryPeakText({ value: 1.24e9, at: 0 }, 1.24e9, 0), "peak 1.24 GB at 0 ns");
  assert.deepEqual([0, 850, 999.6, 12_345, 1_204_000_000, 2e15, -5_000].map(size), ["0 B", "850 B", "1000 B", "12.3 kB", "1.20 GB", "2000 TB", "−5.00 kB"]);
  assert.deepEqual([momentText(1.2345, 0.001), momentText(95_123.4, 1), momentText(3_723_004, 10), momentText(12, 1), momentText(NaN, 1)], ["1.234 ms", "1 min 35.123 s", "1 h 2 min 3.00 s", "12 ms", ""]);
});
