// Prints how long flame graphs of a hundred thousand samples take to make and to paint. Run: npx esbuild test/flame.speed.ts
// --bundle --format=esm --platform=node | node --input-type=module

import { boxes } from "../src/engine/boxes";
import { Lanes } from "../src/engine/lanes";
import { merge, type Merged } from "../src/engine/merge";
import { Profile } from "../src/engine/profile";
import { type Sampled, addFrames, aroundFrame } from "../src/engine/sampled";
import { Stacks } from "../src/engine/stacks";
import { Symbols } from "../src/engine/symbols";
import { threadsOf } from "../src/engine/threads";
import { Trace } from "../src/engine/trace";
import { LIGHT } from "../src/pictures/colours";
import { paintBoxes, paintLanes } from "../src/pictures/flame";
import { paintThreads } from "../src/pictures/frames";
import { pen, placedIn } from "./kit";
import { many } from "./many";

function timed<T>(what: string, make: () => T): T {
  const began = performance.now();
  const before = process.cpuUsage();
  const made = make();
  const took = performance.now() - began;
  const { user, system } = process.cpuUsage(before);
  console.log(`  ${what.padEnd(44)} ${took.toFixed(1).padStart(7)} ms, ${((user + system) / 1_000).toFixed(1).padStart(7)} ms of CPU`);
  return made;
}

const [[spansHeader, spansColumns], [header, columns]] = many();
for (const round of ["first", "again, warm"]) {
  console.log(`100,000 samples of 4,000 stacks beside 10,000 spans, ${round}`);
  const trace = new Trace();
  const profile = new Profile();
  timed("spans come", () => trace.append(spansHeader, spansColumns));
  timed("samples come", () => profile.append(header, columns));
  timed("tree of spans", () => trace.tree);
  const lanes = timed("lanes of spans", () => new Lanes(trace));
  const symbols = new Symbols(trace, profile);
  const stacks = new Stacks(profile, symbols);
  timed("stacks of symbols", () => stacks.grow());
  const threads = timed("boxes of threads", () => threadsOf(profile, stacks));
  const range = { from: 0, to: 1_000_000 };
  const drawn = pen();
  timed("Flame painted", () => {
    paintLanes(drawn, LIGHT, lanes, { range, origin: 0, scroll: 0, selected: -1, hovered: -1 }, 1200, 600);
    paintThreads(drawn, LIGHT, symbols, threads, { range, scroll: 0, above: lanes.lanes.length, hovered: undefined, selectedName: -1, matches: undefined, moving: false }, 1200, 600);
  });
  console.log(`  ${threads[0]!.stack.length.toLocaleString("en-US")} boxes, ${drawn.rectangles.toLocaleString("en-US")} rectangles`);
  const placed = timed("weights and spans of samples", () => placedIn(profile, trace));
  const sampled: Sampled = { trace, profile, symbols, stacks, placed };
  const top = timed("left-heavy: spans and frames merged", () => {
    const at: Merged[] = [];
    const made = merge(trace, trace.tree.roots, at);
    addFrames(made, at, sampled, true);
    return made;
  });
  const found = timed("left-heavy: boxes", () => boxes(top, 1200));
  const state = { zoom: { from: 0, to: 1 }, scroll: 0, hovered: undefined, selectedName: -1, symbols };
  timed(`left-heavy painted (${found.length.toLocaleString("en-US")} boxes)`, () => paintBoxes(pen(), LIGHT, trace, found, state, 1200, 600));
  const around = timed("sandwich of a function", () => aroundFrame(sampled, threads[0]!.symbol(20), undefined));
  timed("sandwich: boxes", () => [...boxes(around.callers, 1200), ...boxes(around.callees, 1200)]);
  timed("search in functions, files, libraries", () => symbols.matches("module7"));
}
