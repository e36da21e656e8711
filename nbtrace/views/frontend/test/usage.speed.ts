// Prints how long the lanes take for 100,000 samples of three threads: built once, then brought into columns and painted for each
// frame. Run: npx esbuild test/usage.speed.ts --bundle --format=esm --platform=node | node --input-type=module

import { coreColumns, memoryColumns, peakIn } from "../src/engine/steps";
import { usageOf } from "../src/engine/usage";
import { LIGHT } from "../src/pictures/colours";
import { paintUsage } from "../src/pictures/usage";
import { type Row, type Taken, numbers, pen, profile, trace } from "./kit";

const SAMPLES = 100_000;
const CELLS = 200;
const WIDTH = 1_200;

const random = numbers(7);
const each = SAMPLES / CELLS;
const samples = Array.from({ length: SAMPLES }, (_, i): Taken => ({
  time: Math.floor(i / 3) * 10 + 10 + (i % 3) * 0.05, wall: 10, computed: random(), native: i % 5 === 0, memory: Math.round(random() * 60_000) * 16_384,
  cell: 1 + Math.floor(i / each), thread: `thread ${i % 3}`, stack: [["<module>", "cell 1", 1], ...(i % 3 ? [["run", "threading.py", 3] as [string, string, number]] : [])],
}));
const whole = samples[SAMPLES - 1]!.time;
const resources = Array.from({ length: CELLS }, (_, i) => [i + 1, (whole / CELLS) * 4, null, null, null, null, null, i % 2 === 0] as [number, number, null, null, null, null, null, boolean]);
const made = profile(samples, [], { resources });
const spans = trace(
  Array.from({ length: 10_000 }, (_, i): Row => (i < CELLS ? [-1, (i / CELLS) * whole, ((i + 1) / CELLS) * whole, `cell [${i + 1}] x`] : [i % CELLS, 0, 1])),
  {}, Array.from({ length: 10_000 }, (_, i) => 1 + (i % CELLS)),
);

function times(name: string, count: number, what: (i: number) => void): void {
  const found = Array.from({ length: count }, (_, i) => {
    const began = performance.now();
    what(i);
    return performance.now() - began;
  }).sort((a, b) => a - b);
  const at = (share: number) => found[Math.min(count - 1, Math.floor(share * count))]!.toFixed(1);
  console.log(`${name}: best ${at(0)} ms, median ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${at(1)} ms`);
}

times("built", 30, () => usageOf(made, spans));
const { cores, memory } = usageOf(made, spans);
console.log(`${made.count} samples, ${cores.time.length} steps of cores, ${memory.time.length} of memory`);
for (const share of [1, 0.3, 0.01]) {
  times(`columns and paint, ${share * 100} % of the time`, 100, (i) => {
    const from = (whole * (1 - share) * i) / 100;
    const range = { from, to: from + whole * share };
    paintUsage(pen(), LIGHT, {
      range, left: 300, cores: coreColumns(cores, range, WIDTH), coresPeak: peakIn(cores, range),
      memory: memoryColumns(memory, range, WIDTH), memoryPeak: peakIn(memory, range),
    }, WIDTH + 300, 72);
  });
}
