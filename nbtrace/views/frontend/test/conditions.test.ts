// What a person types into the search, and what comes of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DetailStore } from "../src/engine/details";
import { finder } from "../src/engine/patterns";
import { parse } from "../src/engine/search";
import { Finder } from "../src/session/finder";
import { trace } from "./kit";

const KEYS = { known: new Set(["i", "depth", "rows", "http.route", "my-key"]), open: false };

function outcome(typed: string): string {
  const query = parse(typed, KEYS);
  return query.kind === "error" ? query.message : query.kind;
}

test("what begins like a condition is read, or is an error that says what is missing; a sentence is text", () => {
  const typed: [string, string | RegExp][] = [
    ["name == 'fit' or name == 'predict'", "conditions"],
    ["attributes.i = 3", "conditions"],
    ["attributes.depth in [3, 6]", "conditions"],
    ["status = 'ERROR'", "conditions"],
    ["'load' == name", "conditions"],
    ["3 < cell", "conditions"],
    ["not attributes.rows", "conditions"],
    ["`attributes.my-key` ~ '^a'", "conditions"],
    ["end_time - start_time > 1s", "conditions"],
    ["status = error", /no column error.*Text is written in quotes: 'ERROR'/],
    ["not status = error", /Text is written in quotes: 'ERROR'/],
    ["status = 'error'", /Did you mean 'ERROR'\?/],
    ["name = load", /Text is written in quotes: 'load'/],
    ["name or", /it gives no yes or no per row.*name == 'x'/],
    ["name and", /it gives no yes or no per row/],
    ["duration >", /something is missing at the end/],
    ["duration > 1", /Did you mean 1s\?/],
    ["duration > many", /duration takes a time, as in duration > 100ms/],
    ["(duration > 1s", /the \( is not closed/],
    ["(name == 'x' or", /something is missing at the end/],
    ["name == 'x", /the ' is not closed/],
    ["name in", /a list stands behind in/],
    ["name in ['load'", /\] is missing/],
    ["name not", /a list stands behind in/],
    ["name is None", /\.isna\(\)/],
    ["name.upper() == 'X'", /\.str\.contains\('x'\)/],
    ["cell == '3'", /cell takes a number/],
    ["cell == @n", /the browser has no variables of Python's/],
    ["name ~ '(?=x)'", /not known to Python, JavaScript and RE2 alike/],
    ["attributes.nope > 1", /no column attributes\.nope\. Did you mean attributes\.(i|depth|rows)/],
    ["rows > 3", /no column rows\. Did you mean attributes\.rows/],
    ["durration > 3ms", /no column durration\. Did you mean duration/],
    ["stauts = 'ERROR'", /no column stauts\. Did you mean state or status/],
    ["1s < durration", /no column durration\. Did you mean duration/],
    ["error == 'x'", /Write status == 'ERROR'/],
    ["load and duration > 1s", /no column load/],
    ["duration > 1s load", /no column load/], ["duration > 1s name", /`and` or `or` is missing before it/],
    ["index > 3", /index is not known here.*nbtrace\.spans\(where=…\)/],
    ["load", "text"],
    ["load data", "text"],
    ["name", "text"],
    ["duration", "text"],
    ["cell [3]", "text"],
    ["cell [3] df = pd.read_csv(path)", "text"],
    ["df = pd.read_csv(path)", "text"],
    ["error in cell = 3", "text"],
    ["cell in the loop", "text"],
    ["name is too long", "text"],
    ["name -> value", "text"],
    ["kind of slow", "text"],
    ["name-based", "text"],
    ["GET /users?id=3", "text"],
    ["ValueError: name is None", "text"],
    ["timeout: duration=30s exceeded", "text"],
    ["5 > 3", "text"],
    ["'load'", "text"],
    ["not found", "text"],
    ["(unnamed)", "text"],
    ["a and b", "text"],
    ["~/data", "text"],
    ["https://example.org/?q=1&r=2", "text"],
    ["x -> y", "text"],
    ["", "text"],
  ];
  for (const [what, wanted] of typed) {
    const found = outcome(what);
    if (typeof wanted === "string") assert.equal(found, wanted, what);
    else assert.match(found, wanted, what);
  }
});

async function deflated(item: unknown): Promise<Uint8Array> {
  return new Uint8Array(await new Response(new Blob([JSON.stringify(item)]).stream().pipeThrough(new CompressionStream("deflate"))).arrayBuffer());
}

const span = (attributes: object) => ({ id: "ab", trace: "cd", attributes, resource: {}, scope: [null, null], dropped: [0, 0, 0], thread: [41, 7, "worker"] });

/** A search over two spans, and what it waits for. */
async function searching() {
  const store = new DetailStore();
  const made = trace([[-1, 0, 1, "a"], [-1, 1, 2, "b"]]);
  const search = new Finder(made, store, () => {}, () => new Uint8Array());
  const settle = async () => {
    while (search.searching) await new Promise((resolve) => setImmediate(resolve));
    return search.query.kind === "error" ? search.query.message : search.found;
  };
  const come = async (row: number, attributes: object) => {
    store.add(Int32Array.of(row), await deflated([span(attributes)]), undefined, Object.keys(attributes));
    search.described();
    return settle();
  };
  return { search, settle, come };
}

test("an attribute that no span has is named when the details of all are here, and not before", async () => {
  const { search, settle, come } = await searching();
  search.look("attributes.row-s > 1 or attributes.nope > 1");
  assert.deepEqual(await settle(), []);
  assert.deepEqual(await come(0, { row: 5 }), []);
  assert.match((await come(1, { rows: 5, "row-s": 1 })) as string, /no column attributes\.nope\. Did you mean attributes\.row/);
  assert.equal(search.matches, undefined);
  search.look("attributes.rows > 1");
  assert.deepEqual(await settle(), [1]);
});

test("an attribute that was refused is asked for as soon as a span has it, and details that come add their matches", async () => {
  const { search, settle, come } = await searching();
  await come(0, { rows: 5 });
  await come(1, {});
  search.look("attributes.late == 1 or attributes.rows == 5");
  assert.match((await settle()) as string, /no column attributes\.late/);
  search.again(false);
  assert.match((await settle()) as string, /no column attributes\.late/);
  assert.deepEqual(await come(1, { late: 1 }), [0, 1]);
  search.look("thread_name == 'worker' and process_pid == 41 and thread_id != 8");
  assert.deepEqual(await settle(), [0, 1]);
});

test("what a span's missing details would decide is not decided", async () => {
  const { search, settle } = await searching();
  for (const [typed, found] of [["attributes.x.isna()", []], ["not attributes.x == 1", []], ["attributes.x.isna() or name == 'a'", [0]], ["thread_id.isna()", []]] as const) {
    search.look(typed);
    assert.deepEqual(await settle(), found, typed);
  }
});

test("no pattern takes longer than its text is long", () => {
  const long = "a".repeat(20_000);
  for (const pattern of ["^(a+)+$b", "(a|a)*b", "(a*)*b", "(a|aa)+c", ".*.*.*.*=", "(a?){500}a{500}b", "^(([a-z])+.)+[A-Z]([a-z])+$"]) {
    assert.equal(finder(pattern, true)(long), false, pattern);
  }
  assert.equal(finder("(x+x+)+y", true)("x".repeat(20_000) + "y"), true);
});

test("cases are folded as RE2 folds them, also in sets", () => {
  const cases: [string, string, boolean][] = [
    ["straße", "STRASSE", false], ["größe", "GRÖSSE", false], ["größe", "GRÖßE", true], ["[à-ö]", "Ö", true], ["[^a]", "A", false], ["\\W", "é", true], ["ς", "Σ", true], ["k", "\u212a", true],
  ];
  for (const [pattern, text, found] of cases) assert.equal(finder(pattern, false)(text), found, pattern);
});

test("what was pasted is read at once, however often a word comes again", () => {
  for (const text of ["or-".repeat(3_000), `name == 'x' ${"in/".repeat(3_000)}`, "or-a".repeat(30_000), "a-".repeat(30_000), "not ".repeat(2_400)]) {
    assert.notEqual(parse(text).kind, "conditions");
  }
});

test("white space is what Python takes for it", () => {
  assert.equal(parse("name == 'load'\x85and cell == 1").kind, "conditions");
  assert.equal(parse("name\x1f== 'load'").kind, "conditions");
  assert.equal(parse("name\ufeff== 'load'").kind, "error");
});

test("what other languages have, and the bare name of an attribute, is an error that says what to type", () => {
  const keys = { known: new Set(["region"]), open: false };
  for (const text of ["name like 'x'", "duration between 1 and 2", "name contains 'x'", "'a' in name", "region=north", "region = 'north'"]) assert.equal(parse(text, keys).kind, "error", text);
  const bare = parse("region = 'north'", keys);
  assert.ok(bare.kind === "error" && bare.message.includes("attributes.region"));
  assert.deepEqual(parse('"load orders"'), { kind: "text", text: "load orders" });
});

test("text that nothing else has is looked for in the code of cells, unless a sampled function has it", async () => {
  const made = trace([[-1, 0, 1, "cell [1] load"], [0, 0, 1, "fit"]], { cells: [[1, 1, 1, 1, "load\ntime.sleep(1)  # fit"]] }, [1, 1]);
  const found = async (typed: string, functions: number[]) => {
    const search = new Finder(made, new DetailStore(), () => {}, () => Uint8Array.from(functions));
    search.look(typed);
    while (search.searching) await new Promise((resolve) => setImmediate(resolve));
    return search.found;
  };
  assert.deepEqual(await found("time.Sleep", []), [0]);
  assert.deepEqual(await found("time.sleep", [1]), []);
  assert.deepEqual(await found("fit", []), [1]);
});
