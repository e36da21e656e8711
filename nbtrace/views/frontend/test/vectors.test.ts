// The browser answers nothing otherwise than Python, which writes what is read here: tests/vectors.

import assert from "node:assert/strict";
import { test } from "node:test";
import answers from "../../../../tests/vectors/answers.json";
import captioned from "../../../../tests/vectors/captions.json";
import colours from "../../../../tests/vectors/colours.json";
import comparisons from "../../../../tests/vectors/comparisons.json";
import conditions from "../../../../tests/vectors/conditions.json";
import busy from "../../../../tests/vectors/doing.json";
import processes from "../../../../tests/vectors/processes.json";
import profiles from "../../../../tests/vectors/profiles.json";
import shapes from "../../../../tests/vectors/shapes.json";
import spoken from "../../../../tests/vectors/words.json";
import { COLOURS, hue } from "../src/engine/colour";
import { compare } from "../src/engine/compare";
import { criticalPath } from "../src/engine/criticalpath";
import { ConditionError, conditionOf, UnknownColumnError } from "../src/engine/conditions";
import type { Details } from "../src/engine/details";
import { lines, members } from "../src/engine/folding";
import { type Column, type Frame, unpack } from "../src/engine/frames";
import { named } from "../src/engine/heat";
import { said } from "../src/engine/doing";
import { Profile } from "../src/engine/profile";
import type { DetailsColumns, DetailsHeader, DoingInfo, ProfileHeader, SpansHeader } from "../src/protocol";
import { parse } from "../src/engine/search";
import { shapeOf } from "../src/engine/shapes";
import { statistics } from "../src/engine/statistics";
import { Trace } from "../src/engine/trace";
import { change, count, duration, growth, plain, ratio, share, size } from "../src/engine/words";
import { LIGHT, colourOf } from "../src/pictures/colours";
import { Once } from "../src/session/once";
import { Times } from "../src/session/times";
import { header, quiet } from "./kit";

function opened(frame: string): Frame {
  return unpack(new DataView(Uint8Array.from(Buffer.from(frame, "base64")).buffer));
}

function traceOf(frame: string): Trace {
  const { header, columns } = opened(frame);
  const made = new Trace();
  made.append(header as SpansHeader, columns as Column[]);
  return made;
}

const ns = (ms: number) => Math.round(ms * 1e6);

/** Each forest, with what Python says of it and what is said here. */
function each(said: (trace: Trace, forest: (typeof answers.forests)[number]) => [here: unknown, python: unknown]): void {
  answers.forests.forEach((forest, number) => {
    const [here, python] = said(traceOf(forest.frame), forest);
    assert.deepEqual(here, python, `forest ${number}`);
  });
}

test("spans are called the same in trees and on bars", () => {
  const made = traceOf(captioned.frames[0]!);
  const { header, columns } = opened(captioned.frames[1]!);
  const [rows, , captionRows, captions] = columns as DetailsColumns;
  made.caption(rows, (header as DetailsHeader).captions, captionRows, captions);
  assert.ok(captioned.cases.length >= 200 && made.count === captioned.cases.length);
  captioned.cases.forEach((each, row) => {
    const [name, , , caption] = each as [string, string, unknown, string];
    assert.equal(made.nameOf(row), name);
    assert.equal(made.titleOf(row).slice(0, 190), plain(caption || name, 1000).slice(0, 190), JSON.stringify(each));
  });
});

test("a tree is read in the same order", () => {
  each(({ tree }, { order }) => [[...tree.order].map((row) => [row, tree.depth[row]]), order]);
});

test("self times are the same", () => {
  each((trace, forest) => [[...trace.tree.self].map((time, row) => (trace.isRunning(row) ? null : ns(time))), forest.self]);
});

test("the same spans have the same number of errors", () => {
  each((trace, { errors }) => [[...trace.errors.subarray(0, trace.count)], errors]);
});

test("the critical path has the same members, and waits for each as long", () => {
  each((trace, { critical }) => {
    const python = new Map<number, number>();
    for (const [row, waited] of critical as [number, number][]) python.set(row, (python.get(row) ?? 0) + waited);
    const here = [...criticalPath(trace, trace.tree.roots)].map(([row, waited]) => [row, ns(waited)]);
    return [here.sort(([a], [b]) => a! - b!), [...python].sort(([a], [b]) => a - b)];
  });
});

test("times by name are the same, in the same order, of all spans and of some", () => {
  const table = (trace: Trace, wanted?: (row: number) => boolean) =>
    statistics(trace, wanted).map(({ name, count: number, errors, total, self, p50, p95 }) => [trace.names[name], number, errors, ...[total, self, p50, p95].map(ns)]);
  each((trace, forest) => [table(trace), forest.statistics]);
  each((trace, forest) => [table(trace, (row) => trace.nameOf(row) !== "b"), forest.statistics_without_b]);
});

test("the same siblings are one line, with the same time", () => {
  each((trace, { folds }) => {
    const shown = lines(trace, { collapsed: new Set(), unfolded: new Set() });
    const here = [];
    for (let line = 0; line < shown.count; line++) {
      if (shown.members[line]) here.push([[...members(trace, shown, line)], duration(shown.total[line]!)]);
    }
    return [here, folds];
  });
});

test("two cells, and several runs of each, are told apart in the same way", () => {
  comparisons.pairs.forEach(({ frame, before, after, changes }, number) => {
    const here = compare(traceOf(frame), before, after).changes;
    const spread = (time: number) => (Number.isNaN(time) ? null : ns(time));
    const told = here.map(({ path, depth, verdict, before: old, after: now }) => [
      path, depth, verdict, ns(old.total), ns(now.total), spread(old.spread), spread(now.spread), old.count, now.count, old.runs, now.runs,
    ]);
    assert.deepEqual(told, changes, `pair ${number}`);
  });
});

test("names have the same colours", () => {
  assert.equal(colours.palette.length, 1 + COLOURS);
  assert.deepEqual(colours.palette.map((_, number) => colourOf(number, LIGHT)), colours.palette);
  assert.deepEqual(colours.names.map(([name]) => [name, hue(name as string), colourOf(hue(name as string), LIGHT)]), colours.names);
});

test("values are told by the same shapes", () => {
  assert.ok(shapes.shapes.length > 50);
  for (const [item, told] of shapes.shapes as [unknown, string][]) {
    const shape = shapeOf(item);
    assert.equal(shape?.instead ? shape.said : "", told, JSON.stringify(item).slice(0, 200));
  }
});

test("durations, changes, ratios, counts and hostile text are written in the same way", () => {
  assert.deepEqual(spoken.durations.map(([time]) => [time, duration((time as number) / 1e6)]), spoken.durations);
  assert.deepEqual(spoken.changes.map(([time]) => [time, change((time as number) / 1e6)]), spoken.changes);
  assert.deepEqual(spoken.ratios.map(([times]) => [times, ratio(times as number)]), spoken.ratios);
  assert.deepEqual(spoken.sizes.map(([bytes]) => [bytes, size(bytes as number)]), spoken.sizes);
  assert.deepEqual(spoken.growths.map(([bytes]) => [bytes, growth(bytes as number)]), spoken.growths);
  assert.deepEqual(spoken.shares.map(([part]) => [part, share(part as number)]), spoken.shares);
  assert.deepEqual(spoken.counts.map(([number]) => [number, count(number as number, "span")]), spoken.counts);
  assert.deepEqual(spoken.texts.map(([text]) => [text, plain(text, 20)]), spoken.texts);
});

test("a condition is met by the same spans, or is refused for the same reason", () => {
  const { rows, cases } = conditions as { rows: Record<string, any>[]; cases: { where: string; rows?: number[]; error?: string }[] };
  const zero = BigInt(Date.parse("2026-01-31T00:00Z")) * 1_000_000n;
  const moment = (text: string | undefined) => (text ? Number(BigInt(Date.parse(text.slice(0, 19) + "Z")) * 1_000_000n - zero + BigInt((/\.(\d+)/.exec(text)?.[1] ?? "").padEnd(9, "0"))) / 1e6 : NaN);
  const names = rows.map((row) => row["name"] as string);
  const flags = rows.map((row) => ["UNSET", "OK", "ERROR"].indexOf(row["status_code"]) | (["INTERNAL", "SERVER", "CLIENT"].indexOf(row["kind"]) << 4) | (row["state"] === "unfinished" ? 128 : 0));
  const made = new Trace();
  made.append(header({ names, zero: `${zero}`, cells: rows.map((row, number) => [number, row["cell"] ?? null, number, 1, ""]) }), [
    Float64Array.from(rows, (row) => moment(row["start_time"])), Float64Array.from(rows, (row) => moment(row["end_time"])), Uint32Array.from(names.keys()),
    Int32Array.from(rows, () => -1), Int32Array.from(rows.keys()), Uint8Array.from(flags), ...quiet({ errors: rows.map(() => 0) }),
  ]);
  const attributes = (row: Record<string, any>) => Object.entries(row).filter(([column]) => column.startsWith("attributes.")).map(([column, value]): [string, unknown] => [column.slice(11), value]);
  const details = rows.map((row) => ({
    message: row["status_message"] ?? null, resource: row["service_name"] ? { "service.name": row["service_name"] } : {}, scope: [row["scope_name"] ?? null, null],
    parent: row["parent_span_id"] ?? null, dropped: [0, row["dropped_events"], 0], thread: [row["process_pid"] ?? null, row["thread_id"] ?? null, row["thread_name"] ?? null],
    events: Array.from({ length: row["event_count"] }), attributes: Object.fromEntries(attributes(row)),
  }) as unknown as Details);
  const keys = { known: new Set(rows.flatMap((row) => attributes(row).map(([key]) => key))), open: false };
  const answer = (where: string): { rows: number[] } | { error: string } => {
    try {
      const { test } = conditionOf(where, keys);
      return { rows: [...rows.keys()].filter((row) => test({ trace: made, row, details: details[row] }) === true) };
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error;
      return { error: error instanceof UnknownColumnError ? "unknown column" : "condition" };
    }
  };
  for (const { where, ...python } of cases) assert.deepEqual(answer(where), python, where);
  // Typed into the search each is a condition too, and none is taken for text.
  for (const { where, rows: met } of cases) if (met) assert.equal(parse(where, keys).kind, "conditions", where);
});

test("what a running cell is doing is said in the same words", () => {
  for (const [told, now, line] of busy.said as [DoingInfo, number, string][]) assert.equal(said(told, now), line);
});

/** Wire precision: times to 10 µs and what was computed to a 126th of each sample, memory to a step of the frame. */
test("lines take as long, compute and grow as much as Python says, and the same is hottest", () => {
  const recordings = [...profiles.recordings, ...processes.recordings] as unknown as { frames: string[]; lines: Record<string, [number, number, number, number | null, number | null, number, boolean][]>; hottest: Record<string, string | null> }[];
  recordings.forEach(({ frames, lines, hottest: hot }, number) => {
    const spans = new Trace();
    const samples = new Profile();
    for (const each of frames.map(opened)) {
      if (each.header.kind === "spans") spans.append(each.header, each.columns);
      else samples.append(each.header as ProfileHeader, each.columns);
    }
    const times = new Times(spans, samples, new Once());
    for (const [cell, python] of Object.entries(lines)) {
      const here = times.linesOf(Number(cell));
      const where = `recording ${number}, cell ${cell}`;
      assert.deepEqual(here.map((each) => [each.code, each.line, each.samples, each.exact]), python.map((each) => [each[0], each[1], each[5], each[6]]), where);
      here.forEach((each, at) => {
        const [, , time, cpu, memory] = python[at]!;
        near(each.time * 1e6, time, 20_000 * (each.samples + 1), `${where}, time of line ${each.line}`);
        near(each.cpu * 1e6, cpu, 150_000 * (each.samples + 1), `${where}, cpu of line ${each.line}`);
        near(each.memory, memory, 20_000, `${where}, memory of line ${each.line}`);
      });
      const found = times.hottestOf(Number(cell));
      const source = (code: number, line: number) => spans.cells.get(code)?.[4].split("\n")[line - 1] ?? "";
      const said = found && [found.code === Number(cell) ? "" : `cell [${spans.cells.get(found.code)?.[1] ?? " "}]`, `line ${found.line}`, named(source(found.code, found.line), found.called), `${found.guessed ? "~" : ""}${Math.round(found.share * 100)} %`].filter(Boolean).join(" ");
      assert.equal(said ?? null, hot[cell] ?? null, where);
    }
  });
});

function near(here: number, python: number | null, by: number, what: string): void {
  if (python === null) assert.ok(Number.isNaN(here), `${what}: ${here}`);
  else assert.ok(Math.abs(here - python) <= by, `${what}: ${here} here, ${python} there`);
}
