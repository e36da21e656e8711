// A stack trace: where it names a line of a cell, a click leads to the code.

import { executionOf, places } from "../engine/failure";
import { lines } from "../engine/words";
import type { Session } from "../session/session";
import { source } from "./source";
import { Broken } from "./value";

/** Letters that are shown. */
const MOST = 70_000;
/** Of longer ones each place to break at would be an element. */
const MOST_BROKEN = 20_000;

/** `cell`: the number of the execution that it was raised in. */
export function Traceback({ session, cell, stack }: { session: Session; cell: number; stack: unknown }) {
  const text = lines(String(stack).slice(0, MOST));
  const parts = [];
  /** Names break at their dots, where there is no room for them. */
  const plainly = (from: number, to = text.length) => (text.length > MOST_BROKEN ? text.slice(from, to) : <Broken key={-1 - from} text={text.slice(from, to)} />);
  let done = 0;
  for (const { from, to, count, line } of places(text, session.trace.cells.get(cell)?.[1], source(session, cell))) {
    const code = count === undefined ? 0 : executionOf(session.trace, count, cell);
    if (!code) continue;
    parts.push(plainly(done, from), (
      <button key={from} type="button" class="nbt-link nbt-place" title="show this line in the Code view" onClick={() => session.showLine(code, line)}>{text.slice(from, to)}</button>
    ));
    done = to;
  }
  // One's own last line matters: libraries write pages above and below it.
  const reveal = (pre: HTMLElement | null) => {
    const last = [...(pre?.querySelectorAll<HTMLElement>(".nbt-place") ?? [])].pop();
    if (pre && last) pre.scrollTop = last.offsetTop - pre.offsetTop - 24;
  };
  return <pre key={text} ref={reveal} class="nbt-text" tabIndex={0}>{parts}{plainly(done)}</pre>;
}
