// Which edits of functions count for the runs of the cells that call them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { calling, uncertain } from "../src/engine/calls";
import { type Run, against, chosen, described, edits, isEdit, latest, named, sameCode, works } from "../src/engine/runs";
import type { Model } from "../src/model";
import { ERROR } from "../src/engine/trace";
import { Session } from "../src/session/session";
import { profile, profiled, spans, trace } from "./kit";

/** Cells that ran one after the other, numbered from 1: the cell (a letter), its code, how long it took, which executions' code is on
 * its stacks, and whether it failed. */
type Ran = [cell: string, code: string, ms: number, inside?: number[], failed?: boolean];

function rowsOf(all: Ran[]) {
  const cells = all.map(([cell, code], i): [number, number, number, number, string] => (
    [i + 1, i + 1, cell.charCodeAt(0), all.slice(0, i + 1).filter(([each]) => each === cell).length, code]
  ));
  const rows = all.map(([, , ms, , failed], i): [number, number, number, string, number] => [-1, i * 100, i * 100 + ms, `cell [${i + 1}]`, failed ? ERROR : 0]);
  return [rows, { cells }, all.map((_, i) => i + 1)] as const;
}

function ran(...all: Ran[]) {
  const [rows, over, numbers] = rowsOf(all);
  const made = trace(rows, over, numbers);
  const found = described(made, rows.keys(), new Map(numbers.map((number, row) => [number, row])));
  const runs = calling(found, (cell) => all[cell - 1]![3] ?? []);
  return { made, runs, works: works(runs) };
}

const OLD = "def work(k):\n    sleep(0.02)";
const NEW = "def work(k):\n    sleep(0.06)";
const LOOP = "for k in range(3):\n    work(k)";

/** A function's cell and its caller's three runs, before an edit and since: [1], [2–4], [5], [6–8]. */
function edited(...inside: (number[] | undefined)[]): Ran[] {
  const call = (at: number, ms: number): Ran => ["b", LOOP, ms, inside[at]];
  return [["a", OLD, 1], call(0, 21), call(1, 21), call(2, 21), ["a", NEW, 1], call(3, 62), call(4, 62), call(5, 62)];
}

function told(all: Ran[]) {
  const { runs, works: known } = ran(...all);
  const both = chosen(known, latest(known)!);
  return { sides: both.map(named), edit: isEdit(both), same: sameCode(both[0]![0]!, both[1]![0]!), code: edits(both[0].at(-1)!, both[1].at(-1)!).map((each) => each.map(({ count }) => count)), runs };
}

test("a function is edited and its caller runs again: the runs before the edit stand against those since", () => {
  const all = edited([2, 1], [3, 1], [4, 1], [6, 5], [7, 5], [8, 5]);
  const { runs, ...known } = told(all);
  assert.deepEqual(known, { sides: ["3 runs, [2] [3] [4]", "3 runs, [6] [7] [8]"], edit: true, same: false, code: [[1, 5]] });
  const { made } = ran(...all);
  const first = against(made, runs[5]!, works(runs).get(runs[5]!.work)!)!;
  assert.deepEqual([first.edited, first.runs, first.verdict], [true, 3, "slower"], "in the table of cells too");
});

test("samples miss a short function, and one run that saw it is enough, before or since", () => {
  for (const inside of [[[2, 1]], [, , [4, 1]], [, , , , , [8, 5]]]) {
    assert.deepEqual(told(edited(...inside)).code, [[1, 5]], JSON.stringify(inside));
  }
});

test("what was edited and is not called is no edit of a cell", () => {
  const { sides, edit, same, runs } = told(edited([2], [3], [4], [6], [7], [8]));
  assert.deepEqual([sides, edit, same], [["5 runs, [2] … [7]", "[8]"], false, true]);
  assert.deepEqual(uncertain(works(runs), runs[1]!, runs[7]!).map(({ count }) => count), [5], "as far as it is known");
  assert.deepEqual(uncertain(works(runs), runs[1]!, runs[3]!), [], "nothing was edited between");
});

test("a function that is edited twice splits its caller's runs twice", () => {
  const call = (inside: number): Ran => ["b", LOOP, 21, [inside]];
  const { runs, ...known } = told([["a", OLD, 1], call(1), ["a", NEW, 1], call(3), call(3), ["a", OLD, 1], call(6)]);
  assert.deepEqual(known, { sides: ["2 runs, [4] [5]", "[7]"], edit: true, same: false, code: [[3, 6]] });
  assert.deepEqual(edits(runs[1]!, runs[6]!), [], "and back again is as it was");
});

test("a caller that was edited too differs in both, its own first", () => {
  const { code } = told([["a", OLD, 1], ["b", LOOP, 21, [1]], ["a", NEW, 1], ["b", "work(1)", 62, [3]]]);
  assert.deepEqual(code, [[2, 4], [1, 3]]);
});

test("a caller whose edit took the call away is not changed by later edits of the function", () => {
  const { sides, edit } = told([["a", OLD, 1], ["b", LOOP, 21, [1]], ["b", "pass", 5], ["a", NEW, 1], ["b", "pass", 5]]);
  assert.deepEqual([sides, edit], [["[2]", "2 runs, [3] [5]"], true]);
});

test("the old function stays where its cell failed before it was defined again, or where it was kept", () => {
  const failed: Ran = ["a", NEW, 1, [], true];
  assert.deepEqual(told([["a", OLD, 1], ["b", LOOP, 21, [1]], failed, ["b", LOOP, 21]]).code, []);
  assert.deepEqual(told([["a", OLD, 1], ["b", LOOP, 21, [1]], ["a", NEW, 1], ["b", LOOP, 21, [1]]]).code, [], "samples know better than the order");
  assert.deepEqual(told([["a", OLD, 1], ["b", LOOP, 21, [1]], ["a", NEW, 1], ["b", LOOP, 21, [3, 1]]]).code, [[1, 3]], "both");
});

test("where what was called is cut short, whether the code is the same is not known", () => {
  const cut = `${"#".repeat(20_000)}…`;
  const { runs } = told([["a", OLD, 1], ["a", cut, 1], ["b", LOOP, 21, [2]], ["a", cut, 1], ["b", LOOP, 21, [4]]]);
  assert.equal(sameCode(runs[2]!, runs[4]!), undefined);
  assert.equal(sameCode({ ...runs[2]!, called: new Map() }, { ...runs[4]!, called: new Map<string, Run>() }), true);
});

test("the stacks of a run tell whose code ran in it, whoever called it", () => {
  const made = profile([
    { time: 1, wall: 1, cell: 3, stack: [["<module>", "cell 3", 1], ["map", "/lib/x.py", 9], ["work", "cell 1", 2], ["sleep", "/lib/t.py", 1]] },
    { time: 2, wall: 1, cell: 3, stack: [["<module>", "cell 3", 1], ["map", "/lib/x.py", 9]] },
    { time: 3, wall: 1, cell: 4, stack: [["<module>", "cell 4", 1]] },
  ]);
  assert.deepEqual([3, 4, 5].map((cell) => [...made.inside(cell)].sort()), [[1, 3], [4], []]);
});

test("what is compared follows samples as they arrive", () => {
  const session = new Session({ get: () => "", set() {}, save_changes() {}, on() {}, off() {}, send() {} } as unknown as Model);
  session.trace.append(...spans(...(rowsOf(edited()) as unknown as Parameters<typeof spans>)));
  const sides = () => session.comparing.sides.map(named);
  assert.deepEqual(sides(), ["5 runs, [2] … [7]", "[8]"]);
  const stack = (cell: number, work: number): [string, string, number][] => [["<module>", `cell ${cell}`, 2], ["work", `cell ${work}`, 2]];
  session.profile.append(...profiled([{ time: 110, wall: 5, cell: 2, stack: stack(2, 1) }, { time: 510, wall: 5, cell: 6, stack: stack(6, 5) }]));
  assert.deepEqual(sides(), ["3 runs, [2] [3] [4]", "3 runs, [6] [7] [8]"]);
});
