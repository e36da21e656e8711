// From one span to another by keys: as the lines of the waterfall have them, and never to one that a filter leaves out.

import { ERROR } from "../engine/trace";
import type { Tree } from "../engine/tree";
import type { Session } from "./session";

/** A word about what a key did not do, for as long as nothing else is chosen. */
export interface Notice {
  text: string;
  at: string;
}

const where = ({ view, selected, pills, finder, scope, grouping }: Session) => [view, selected, ...pills, finder.typed, scope.chosen, grouping.by].join();

/** What is to be said about the last key. */
export function noticed(session: Session): string {
  return session.notice.at === where(session) ? session.notice.text : "";
}

function treeOf({ groups, trace }: Session): Tree {
  return groups?.tree ?? trace.tree;
}

/** The rows that are shown, if they are unfolded; of the traces that are looked at, or of all. */
export function within(session: Session, rows: ArrayLike<number>, inScope = true): number[] {
  const only = session.filter;
  return Array.from(rows).filter((row) => (!inScope || session.scope.has(row)) && (!only || only[row] === 1));
}

/** The next of the rows in the order of the lines, or the one before; behind the last comes the first. */
export function after(session: Session, rows: number[], by: 1 | -1): number | undefined {
  const { place } = treeOf(session);
  const sorted = rows.sort((a, b) => (place[a]! - place[b]!) * by);
  const here = session.selected < 0 ? -Infinity : place[session.selected]! * by;
  return sorted.find((row) => place[row]! * by > here) ?? sorted[0];
}

export function nextError(session: Session): void {
  const { trace, scope } = session;
  const failed = Array.from(scope.rows()).filter((row) => trace.status(row) === ERROR);
  const next = after(session, within(session, failed), 1);
  if (next !== undefined) return session.select(next, true);
  session.notice = { text: failed.length ? "no error among what is found" : scope.root < 0 ? "no errors" : "no error in this trace", at: where(session) };
  session.changed();
}

/** Open the selected line, or go to what is right below it. */
export function into(session: Session): void {
  const { selected, folds } = session;
  if (selected < 0) return;
  const head = headOf(session);
  const below = treeOf(session).of(selected);
  if (head < 0 && folds.closed.has(head)) folds.open(head, true);
  else if (folds.closed.has(selected)) folds.open(selected, true);
  else if (below.length) session.select(below[0]!, true);
}

/** Close the selected line, or go to what it hangs below; the outermost of a lane closes that. */
export function outOf(session: Session): void {
  const { selected, folds, trace } = session;
  if (selected < 0) return;
  const tree = treeOf(session);
  const head = headOf(session);
  if (!folds.closed.has(selected) && tree.of(selected).length) folds.open(selected, false);
  else if (head < 0) folds.open(head, false);
  else if (tree.parent[selected]! >= 0 && tree.parent[selected]! < trace.count) session.select(tree.parent[selected]!, true);
}

/** The line of the lane that the selected span hangs right below; 0 for none. */
function headOf({ groups, trace, selected }: Session): number {
  const above = groups?.tree.parent[selected] ?? -1;
  return above >= trace.count ? groups!.idOf(above) : 0;
}

/** Select the line above or below; those of lanes are passed over. */
export function walk(session: Session, by: 1 | -1): void {
  const { lines } = session;
  const rows = lines.row.subarray(0, lines.count);
  const here = rows.indexOf(session.selected);
  let next = here < 0 ? 0 : here + by;
  while (rows[next]! < 0) next += here < 0 ? 1 : by;
  const row = rows[next];
  if (row === undefined) return;
  session.select(row);
  session.wanted = row;
}
