// A hundred thousand samples of four thousand stacks about thirty deep, beside ten thousand spans: what pictures are measured by.

import type { Column } from "../src/engine/frames";
import type { ProfileHeader, SpansHeader } from "../src/protocol";
import { header, numbers, quiet } from "./kit";

/** As frames bring them. Samples are of one cell, in its thread; each stands for 10 ms. */
export function many(samples = 100_000, stacks = 4_000, spans = 10_000): [[SpansHeader, Column[]], [ProfileHeader, Column[]]] {
  const random = numbers(11);
  const end = samples * 10;
  const names = ["cell [1] work()", ...Array.from({ length: 40 }, (_, i) => `step ${i}`)];
  // A cell, a hundred steps in it, and in each of those a hundred more.
  const outer = Math.round(Math.sqrt(spans));
  const length = end / outer;
  const rows: [parent: number, start: number, end: number, name: number][] = [[-1, 0, end, 0]];
  for (let i = 0; i < outer; i++) {
    const parent = rows.push([0, i * length, (i + 0.98) * length, 1 + (i % 8)]) - 1;
    for (let k = 0; k < outer - 1; k++) {
      const start = i * length + ((k + 0.1) / outer) * length;
      rows.push([parent, start, start + (length / outer) * 0.8, 9 + Math.floor(random() * 32)]);
    }
  }
  const told: [SpansHeader, Column[]] = [header({ names, count: rows.length, cells: [[1, 1, 1, 1, "work()"]] }), [
    Float64Array.from(rows, (row) => row[1]), Float64Array.from(rows, (row) => row[2]), Uint32Array.from(rows, (row) => row[3]),
    Int32Array.from(rows, (row) => row[0]), new Int32Array(rows.length).fill(1), new Uint8Array(rows.length), ...quiet({ errors: rows.map(() => 0) }),
  ]];
  const texts = ["<module>", "notebook", "cell 1"];
  const files: [number, number][] = [[2, 1]];
  for (let i = 0; i < 100; i++) files.push([texts.push(`lib${i % 12}/module${i}.py`) - 1, texts.push(`lib${i % 12}`) - 1]);
  const frames: [name: number, file: number, line: number, kind: number][] = [[0, 0, 1, 5]];
  for (let i = 0; i < 2_000; i++) frames.push([texts.push(`function_${i}`) - 1, 1 + (i % 100), 10 + i, 0]);
  // Each stack leaves an earlier one somewhere, so that they share what is above.
  const nodes: [above: number, frame: number][] = [[-1, 0]];
  const tips: number[] = [];
  for (let i = 0; i < stacks; i++) {
    let at = tips.length ? tips[Math.floor(random() * tips.length)]! : 0;
    for (let up = Math.floor(random() * 12); up > 0 && nodes[at]![0] >= 0; up--) at = nodes[at]![0];
    let deep = 0;
    for (let above = at; above >= 0; above = nodes[above]![0]) deep++;
    for (const wanted = 25 + Math.floor(random() * 10); deep < wanted; deep++) at = nodes.push([at, 1 + Math.floor(random() * 2_000)]) - 1;
    tips.push(at);
  }
  const places = 1 + outer + outer * (outer - 1);
  const spanAt = (i: number) => Math.min(places - 1, 1 + Math.floor((i / samples) * outer) * outer + 1 + Math.floor((((i / samples) * outer) % 1) * (outer - 1)));
  const origins = [...new Set(Array.from({ length: samples }, (_, i) => spanAt(i)))];
  const origin = new Map(origins.map((span, i) => [span, i]));
  const head: ProfileHeader = {
    kind: "profile", number: 0, base: 0, memory: [0, 16_384], texts, files, codes: [[1, 0, 1]], lines: [], threads: [[1, "MainThread", 1]], resources: [], dropped: 0,
  };
  const column = (place: 0 | 1 | 2 | 3) => frames.map((frame) => frame[place]);
  // A stack stays for some samples, as a loop does.
  let stack = 0;
  const at = Uint16Array.from({ length: samples }, () => (random() < 0.5 ? (stack = Math.floor(random() * stacks)) : stack));
  return [told, [head, [
    Uint32Array.from(nodes, (node) => node[0] + 1), Uint32Array.from(nodes, (node) => node[1]), Uint32Array.from(column(0)), Uint32Array.from(column(1)),
    Uint32Array.from(column(2)), Uint32Array.from(column(2)), Uint8Array.from(column(3)), new Uint16Array(origins.length), new Uint8Array(origins.length).fill(1),
    Uint32Array.from(origins, (span) => span + 1), Uint32Array.from(tips, (node) => node + 1), new Uint16Array(samples).fill(1_000), new Uint16Array(samples).fill(1_000),
    Uint8Array.from({ length: samples }, () => Math.round(random() * 126) + (random() < 0.4 ? 128 : 0)), new Uint16Array(samples).fill(0xffff), at, new Uint16Array(0),
    Uint16Array.from({ length: samples }, (_, i) => origin.get(spanAt(i))!), new Int32Array(0), new Float64Array(0), new Float64Array(0),
    new Uint8Array(0), new Uint8Array(0), new Uint8Array(0), new Uint8Array(0), new Float64Array(0), new Float64Array(0), new Uint8Array(0),
  ]]];
}
