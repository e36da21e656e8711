import assert from "node:assert/strict";
import { test } from "node:test";
import { DetailStore } from "../src/engine/details";
import { unpack } from "../src/engine/frames";
import { matches, parse, search } from "../src/engine/search";
import { duration, lines, plain, value, whole } from "../src/engine/words";
import { trace } from "./kit";

test("durations have three digits and a unit", () => {
  const found = [0, 0.00085, 0.0123, 0.9996, 1, 59_900, 59_999, 125_000, 3_700_000, NaN, -1].map(duration);
  assert.deepEqual(found, ["0 ns", "850 ns", "12.3 µs", "1.00 ms", "1.00 ms", "59.9 s", "1 min 00 s", "2 min 05 s", "1 h 01 min", "running", "-1.00 ms"]);
});

test("text is shown without what could deceive or disturb", () => {
  assert.equal(plain("\x1b[31mred\x1b[0m\u202e\n\x00"), "red \ufffd");
  assert.equal(lines("a\nb\ud800"), "a\nb\ufffd");
  assert.equal(plain("x".repeat(500)).length, 200);
  assert.equal(value({ a: [1, { $: "nan" }] }), '{"a":[1,"nan"]}');
  assert.equal(whole({ $: "1e400" }), "1e400");
});

test("what looks like a condition is one, and an unknown column is an error that suggests the nearest", () => {
  const made = trace([[-1, 0, 200, "load"], [0, 0, 50, "query", 2]]);
  const ask = (text: string, details?: object) => [0, 1].filter((row) => matches(parse(text), made, row, details as never));
  const bare = { resource: {}, scope: [null, null], dropped: [0, 0, 0] };
  assert.deepEqual(ask("duration > '100ms'"), [0]);
  assert.deepEqual(ask("duration > 100ms and name == 'load'"), [0]);
  assert.deepEqual(ask("status_code == 'ERROR'"), [1]);
  assert.deepEqual(ask("status = 'ERROR'"), [1]);
  assert.deepEqual(ask("status='ERROR' and name = 'query'"), [1]);
  assert.deepEqual(ask("duration = 200ms"), [0]);
  assert.deepEqual(ask("duration >= 200ms"), [0]);
  assert.deepEqual(ask("name != 'load'"), [1]);
  assert.deepEqual(ask("attributes.rows >= 3", { ...bare, attributes: { rows: 5 } }), [0, 1]);
  assert.deepEqual(ask("attributes.rows >= 3", { ...bare, attributes: { rows: "5" } }), []);
  const full = { attributes: {}, resource: { "service.name": "shop" }, scope: ["lib", "1"], events: [1, 2], dropped: [0, 3, 0], parent: null };
  assert.deepEqual(ask("service_name == 'shop' and event_count >= 2 and dropped_events > 1 and scope_name != 'x'", full), [0, 1]);
  assert.deepEqual(ask("start_time < '1971-01-01'"), [0, 1]);
  assert.deepEqual(ask("end_time > '1970-01-01 00:00:00.1'"), [0]);
  assert.match((parse("start_time > soon") as { message: string }).message, /takes a moment/);
  assert.deepEqual(ask("QUER"), [1]);
  assert.match((parse("durration > 3ms") as { message: string }).message, /no column durration. Did you mean duration/);
  assert.match((parse("duration > many") as { message: string }).message, /takes a time/);
  assert.match((parse("name == 'x' and what") as { message: string }).message, /no column what/);
});

test("a search finds what stands in details, and the last word on a span counts", async () => {
  const deflate = async (item: unknown) => {
    const stream = new Blob([JSON.stringify(item)]).stream().pipeThrough(new CompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  const store = new DetailStore();
  const span = (source: string) => ({ id: "ab", trace: "cd", attributes: { source }, resource: {}, scope: [null, null], dropped: [0, 0, 0], events: [["exception", "1", { "exception.type": "KeyError" }]] });
  store.add(Int32Array.of(0, -1), await deflate([span("s3"), span("hidden")]));
  store.add(Int32Array.of(1), await deflate([span("disk")]));
  store.add(Int32Array.of(0), await deflate([span("cache")]));
  const made = trace([[-1, 0, 1, "a"], [-1, 1, 2, "b"]]);
  const find = async (text: string) => {
    const found = [];
    for await (const rows of search(parse(text), made, store)) found.push(...rows);
    return found.sort();
  };
  assert.deepEqual(await find("cache"), [0]);
  assert.deepEqual(await find("s3"), []);
  assert.deepEqual(await find("keyerror"), [0, 1]);
  assert.deepEqual(await find("attributes.source == 'disk'"), [1]);
  assert.equal((await store.get(0))!.attributes["source"], "cache");
});

test("a frame is read as it was written, wherever it lies in memory", () => {
  const text = new TextEncoder().encode('{"kind":"details","columns":[["i4",3],["u1",2]]}'.padEnd(52));
  const bytes = new Uint8Array(3 + 4 + 52 + 16 + 8);
  new DataView(bytes.buffer).setUint32(3, 52, true);
  bytes.set(text, 7);
  bytes.set(new Uint8Array(Int32Array.of(7, -1, 9).buffer), 3 + 56);
  bytes.set([1, 2], 3 + 56 + 16);
  const { columns } = unpack(new DataView(bytes.buffer, 3));
  assert.deepEqual(columns.map((column) => [...column]), [[7, -1, 9], [1, 2]]);
});
