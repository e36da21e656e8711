// Which runs are set side by side, what is said of them, and what has changed in their code.

import assert from "node:assert/strict";
import { test } from "node:test";
import { differenceBoxes } from "../src/engine/boxes";
import { compare } from "../src/engine/compare";
import { MOST_EDITS, difference, folded } from "../src/engine/difference";
import { type Run, against, chosen, described, isEdit, latest, leftOut, named, sameCode, sides, stretches, works } from "../src/engine/runs";
import { ERROR } from "../src/engine/trace";
import type { CellInfo } from "../src/protocol";
import { Session } from "../src/session/session";
import type { Model } from "../src/model";
import { header, numbers, quiet, trace } from "./kit";

/** A session in which cells ran one after the other: the cell (a letter), its code, how long it took, whether it failed; and in each
 * run of 100 ms or more so many spans called item. */
type Ran = [cell: string, code: string, ms: number, failed?: boolean, items?: number];

function ran(...all: Ran[]) {
  const cells: CellInfo[] = [];
  const runs = new Map<string, number>();
  const rows = all.flatMap(([cell, code, ms, failed, items = 0], i) => {
    runs.set(cell, (runs.get(cell) ?? 0) + 1);
    cells.push([i + 1, i + 1, cell.charCodeAt(0), runs.get(cell)!, code]);
    return [{ parent: true, start: i * 10_000, ms, name: `cell [${i + 1}] ${code}`, failed, cell: i + 1 },
      ...Array.from({ length: items }, (_, k) => ({ parent: false, start: i * 10_000 + k, ms: 1, name: "item", failed: false, cell: i + 1 }))];
  });
  let top = -1;
  const made = trace(rows.map(({ parent, start, ms, name, failed }, at) => {
    if (parent) top = at;
    return [parent ? -1 : top, start, start + ms, name, failed ? ERROR : 0];
  }), { cells }, rows.map(({ cell }) => cell));
  const roots = rows.flatMap(({ parent }, at) => (parent ? [at] : []));
  const found = described(made, roots, new Map(roots.map((row, i) => [i + 1, row])));
  return { made, runs: found, works: works(found) };
}

/** The execution counts on the two sides that are chosen without a person. */
function preselected(...all: Ran[]): (number | null)[][] | undefined {
  const { works } = ran(...all);
  const pair = latest(works);
  return pair && chosen(works, pair).map((side) => side.map(({ count }) => count));
}

test("runs before the last edit stand against those since, however many", () => {
  assert.deepEqual(preselected(["a", "x = 1", 5], ["a", "x = 1", 5], ["b", "other", 5], ["a", "x = 1", 5], ["a", "x = 2", 5], ["a", "x = 2", 5]), [[1, 2, 4], [5, 6]]);
  assert.deepEqual(preselected(["a", "x = 0", 5], ["a", "x = 1", 5], ["a", "x = 2", 5]), [[2], [3]], "the last of two edits");
  assert.deepEqual(preselected(["a", "x = 1", 5], ["a", " x = 1\n", 5], ["a", "x = 2", 5]), [[1, 2], [3]], "blanks around it are no edit");
});

test("where nothing was edited the last run stands against those before it", () => {
  assert.deepEqual(preselected(["a", "x = 1", 5], ["a", "x = 1", 5], ["a", "x = 1", 5], ["b", "y", 5]), [[1, 2], [3]]);
});

test("what ran again last is compared, not what ran last", () => {
  assert.deepEqual(preselected(["a", "x", 5], ["a", "x", 5], ["b", "y", 5], ["b", "y", 5], ["c", "z", 5]), [[3], [4]]);
});

test("where no cell ran twice, two cells with the same code are compared, and else nothing is", () => {
  assert.deepEqual(preselected(["a", "x", 5], ["b", "y", 5], ["c", "x", 5]), [[1], [3]]);
  assert.equal(preselected(["a", "x", 5], ["b", "y", 5]), undefined);
  assert.equal(preselected(), undefined);
});

test("a run that failed has a side only where none of its code went through", () => {
  assert.deepEqual(preselected(["a", "x", 5], ["a", "x", 1, true], ["a", "x", 5], ["a", "y", 1, true], ["a", "y", 5]), [[1, 3], [5]]);
  assert.deepEqual(preselected(["a", "x", 5], ["a", "broken", 1, true], ["a", "y", 5]), [[1], [3]], "between two that went through");
  assert.deepEqual(preselected(["a", "broken", 1, true], ["a", "mended", 5]), [[1], [2]], "what mended it is of interest");
  assert.deepEqual(preselected(["a", "x", 5], ["a", "x", 5], ["a", "broken", 1, true]), [[1, 2], [3]], "and what broke it");
  assert.deepEqual(preselected(["a", "x", 5], ["a", "x", 5], ["a", "x", 1, true]), [[1], [2]], "the same code failed once");
  assert.deepEqual(preselected(["a", "x", 1, true], ["a", "y", 1, true]), [[1], [2]], "all failed");
});

test("it is said which runs stand on a side, whether they are those of an edit, and which failed", () => {
  const { works: known } = ran(["a", "x", 5], ["a", "x", 1, true], ["a", "x", 5], ["a", "x", 5], ["a", "y", 5]);
  const both = chosen(known, latest(known)!);
  assert.deepEqual([...both, leftOut(known, both)].map(named), ["3 runs, [1] [3] [4]", "[5]", "[2]"]);
  assert.equal(isEdit(both), true);
  assert.equal(isEdit([both[1], both[0]]), false, "the other way round");
  const { works: plain } = ran(...Array.from({ length: 7 }, (): Ran => ["a", "x", 5]));
  const again = chosen(plain, latest(plain)!);
  assert.deepEqual([again.map(named), isEdit(again)], [["6 runs, [1] … [6]", "[7]"], false]);
});

test("a run that a person sets against all with its code is not set against itself", () => {
  const { runs, works: known } = ran(["a", "x", 5], ["a", "x", 5], ["a", "x", 5], ["a", "x", 5]);
  const all = { row: runs[3]!.row, all: true };
  const counts = (place: number) => chosen(known, [all, { row: runs[place]!.row, all: false }])[0].map(({ count }) => count);
  assert.deepEqual([counts(3), counts(2), counts(0)], [[1, 2, 3], [1, 2], [2, 3, 4]]);
});

test("no run stands on both sides, and the same choice on both leaves one to choose", () => {
  const { runs, works: known } = ran(["a", "x", 5], ["a", "x", 5], ["a", "x", 5]);
  const all = { row: runs[2]!.row, all: true };
  const one = { row: runs[2]!.row, all: false };
  for (const before of [all, one]) for (const after of [all, one]) {
    const [old, now] = chosen(known, [before, after]);
    assert.deepEqual(old.filter((run) => now.includes(run)), [], JSON.stringify([before, after]));
  }
  const single = works([runs[2]!]);
  assert.deepEqual(chosen(single, [all, one]).map((side) => side.length), [0, 1], "the others of a stretch were forgotten");
});

test("spans of a cell that are not its own are no runs of it", () => {
  const made = trace([[-1, 0, 9, "cell [1] x"], [-1, 1, 2, "thread"], [-1, 3, 4, "thread"]], { cells: [[1, 1, 7, 1, "x"]] }, [1, 1, 1]);
  const found = works(described(made, [0, 1, 2], new Map([[1, 0]])));
  assert.deepEqual([...found.values()].map((runs) => runs.map(({ row }) => row)), [[0], [1, 2]]);
});

test("a run is a change against those before only where their noise is known or it is far off", () => {
  const told = (...times: number[]) => {
    const { made, runs } = ran(...times.map((ms): Ran => ["a", "x", ms]));
    return against(made, runs[runs.length - 1]!, runs)?.verdict;
  };
  assert.equal(told(179, 191), "unclear");
  assert.equal(told(100), undefined);
  assert.equal(told(179, 180, 181, 191), "slower");
  assert.equal(told(100, 150, 200, 191), "same");
  assert.equal(told(100, 300), "slower", "three times as long is no chance");
});

test("a fix is not called faster than the failure before it", () => {
  const { made, runs } = ran(["a", "broken", 1_430, true], ["a", "mended", 2], ["a", "mended", 2], ["a", "again", 20]);
  assert.equal(against(made, runs[0]!, runs), undefined);
  assert.equal(against(made, runs[1]!, runs), undefined);
  assert.equal(against(made, { ...runs[2]! }, runs)?.edited, false);
  assert.deepEqual([against(made, runs[3]!, runs)?.edited, against(made, runs[3]!, runs)?.runs], [true, 2], "the first run since an edit stands against the code before");
});

test("a change in count is told where times are not", () => {
  const { made, runs } = ran(["a", "x", 100, false, 6], ["a", "x", 110, false, 12]);
  const item = compare(made, [runs[0]!.row], [runs[1]!.row]).changes.find(({ label }) => label === "item")!;
  assert.deepEqual([item.before.count, item.after.count, item.verdict], [6, 12, "slower"]);
  const longer = trace([[-1, 0, 100, "cell [1] x"], [0, 0, 40, "item"], [-1, 200, 300, "cell [2] x"], [2, 200, 220, "item"], [2, 220, 240, "item"]]);
  assert.equal(compare(longer, [0], [2]).changes.find(({ label }) => label === "item")!.verdict, "more");
});

test("the picture is coloured only where the time differs by more than chance", () => {
  const { made, runs } = ran(["a", "x", 179], ["a", "x", 191], ["a", "x", 900]);
  const sure = (after: number) => differenceBoxes(compare(made, [runs[0]!.row], [runs[after]!.row]).top, 100)[0]!.sure;
  assert.deepEqual([sure(1), sure(2)], [false, true]);
});

test("codes are the same, or another, or not known", () => {
  const { runs } = ran(["a", "x", 5], ["a", "x\n", 5], ["a", "y", 5], ["a", "", 5]);
  const [x, blank, y, nothing] = runs as [Run, Run, Run, Run];
  assert.deepEqual([sameCode(x, blank), sameCode(x, y), sameCode(x, nothing)], [true, false, undefined]);
  const cut = { ...x, code: `${"#".repeat(20_000)}…` };
  assert.equal(sameCode(cut, { ...cut }), undefined, "what is left out may differ");
});

test("lines are gone, new, or between them, and what has not changed is folded", () => {
  const before = ["a", "b", "c", "d", "e", "f", "g", "old", "h"];
  const after = ["a", "b", "c", "d", "e", "f", "g", "new", "newer", "h"];
  const lines = difference(before, after)!;
  assert.deepEqual(lines.map(({ sign }) => sign).join(""), "−++");
  assert.deepEqual(lines.slice(7).map((line) => [line.before, line.after]), [[8, 0], [0, 8], [0, 9], [9, 10]]);
  assert.deepEqual(folded(lines), [{ from: 0, to: 5, folded: true }, { from: 5, to: 11, folded: false }]);
  assert.deepEqual(folded(difference(["a", "b", "c"], ["a", "b", "c", "d"])!).map(({ folded }) => folded), [false, false], "a fold of one line saves none");
  assert.deepEqual(difference([], []), []);
});

test("each line of both codes is in a difference once, in its order, and as many are common as can be", () => {
  const random = numbers(3);
  for (let round = 0; round < 300; round++) {
    const [before, after] = [0, 1].map(() => Array.from({ length: Math.floor(random() * 9) }, () => "abc"[Math.floor(random() * 3)]!)) as [string[], string[]];
    const lines = difference(before, after)!;
    assert.deepEqual(lines.filter(({ sign }) => sign !== "+").map((line) => before[line.before - 1]), before);
    assert.deepEqual(lines.filter(({ sign }) => sign !== "−").map((line) => after[line.after - 1]), after);
    const same = lines.filter(({ sign }) => !sign);
    assert.ok(same.every((line) => before[line.before - 1] === after[line.after - 1]));
    const most = (i: number, j: number): number => (i === before.length || j === after.length ? 0 : before[i] === after[j] ? 1 + most(i + 1, j + 1) : Math.max(most(i + 1, j), most(i, j + 1)));
    assert.equal(same.length, most(0, 0));
  }
});

test("a hundred thousand lines are set side by side, and what is rewritten as a whole is not", () => {
  const before = Array.from({ length: 100_000 }, (_, i) => `x${i} = ${i}`);
  const after = [...before];
  after[50_000] = "x = 0"; // one line gone, one new
  assert.equal(difference(before, after)!.filter(({ sign }) => sign).length, 2);
  assert.equal(difference(before, before.map((line) => `${line}.0`)), undefined);
  assert.ok(MOST_EDITS < 100_000);
});

test("what is compared follows new runs until a person has chosen, and then stays", () => {
  const session = new Session({ get: () => "", set() {}, save_changes() {}, on() {}, off() {}, send() {} } as unknown as Model);
  const arrive = (first: number, over: object) => {
    const name = `cell [${first + 1}] x`;
    session.trace.append(header({ first, count: 1, names: [name], reset: !first, cells: [[first + 1, first + 1, 7, first + 1, "x"]], ...over }), [
      Float64Array.of(first * 10), Float64Array.of(first * 10 + 5), Uint32Array.of(first), Int32Array.of(-1), Int32Array.of(first + 1), Uint8Array.of(0), ...quiet({ errors: [0] }),
    ]);
  };
  const counts = () => session.comparing.sides.map((runs) => runs.map(({ count }) => count));
  arrive(0, {});
  assert.equal(session.comparing.pair, undefined);
  arrive(1, {});
  assert.deepEqual(counts(), [[1], [2]]);
  arrive(2, {});
  assert.deepEqual(counts(), [[1, 2], [3]]);
  session.comparing.choose(0, { row: 0, all: false });
  arrive(3, {});
  assert.deepEqual(counts(), [[1], [3]]);
  session.comparing.look(session.comparing.runs[1]!);
  assert.deepEqual(counts(), [[1], [2]], "a row of the table of cells");
  session.comparing.choose(0, { row: 1, all: false });
  assert.deepEqual(counts(), [[2], []], "what was chosen on the other side");
  session.comparing.begin();
  assert.deepEqual(counts(), [[1, 2, 3], [4]]);
});

test("stretches are of runs that went through", () => {
  const { runs } = ran(["a", "x", 5], ["a", "y", 5, true], ["a", "x", 5], ["a", "y", 5]);
  assert.deepEqual(stretches(runs).map((each) => each.map(({ count }) => count)), [[1, 3], [4]]);
  assert.equal(sides(runs.slice(0, 1)), undefined);
});
