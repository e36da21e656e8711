// What is told beside the pointer of the bar or the row below it.

import { Fragment, type RefObject } from "preact";
import { useEffect, useLayoutEffect, useReducer, useRef } from "preact/hooks";
import { spanTip } from "../engine/tip";
import type { Session } from "../session/session";

/** So far from the pointer, in pixels. */
const APART = 14;

export function PointerTip({ session: { pointed }, root }: { session: Session; root: RefObject<HTMLElement> }) {
  const [, refresh] = useReducer((number: number) => number + 1, 0);
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => pointed.listen(() => refresh(0)), [pointed]);
  useLayoutEffect(() => {
    const [tip, frame] = [element.current, root.current?.getBoundingClientRect()];
    if (!tip || !frame) return;
    const { offsetWidth: wide, offsetHeight: tall } = tip;
    const [x, y] = [pointed.x - frame.left, pointed.y - frame.top];
    // Beside the pointer, on the side where there is room.
    tip.style.left = `${Math.max(2, x + APART + wide > frame.width - 4 ? x - APART - wide : x + APART)}px`;
    tip.style.top = `${Math.max(2, y + APART + tall > frame.height - 4 ? Math.min(y - APART, frame.height - 4) - tall : y + APART)}px`;
  });
  const { tip } = pointed;
  if (!tip) return null;
  return (
    <div ref={element} class={`nbt-tip ${pointed.late ? "nbt-late" : ""}`} role="tooltip">
      <strong class={tip.failed ? "nbt-error" : ""}>{tip.failed && "✗ "}{tip.title}</strong>
      <dl class="nbt-facts">{tip.facts.map(([what, text], at) => <Fragment key={at}><dt>{what}</dt><dd>{text}</dd></Fragment>)}</dl>
    </div>
  );
}

/** The pointer is over a span. `late`: where words stand already, what is told waits until the pointer rests. */
export function overSpan(session: Session, event: MouseEvent, row: number, late = false): void {
  const { trace, pointed } = session;
  const number = trace.row[row]!;
  const tip = (details?: Parameters<typeof spanTip>[2]) => spanTip(trace, row, details);
  pointed.late = late;
  pointed.over(event, `${number}:${trace.version}`, tip, async () => {
    const details = await session.detailsOf(row);
    return details && trace.indexOf(number) === row ? tip(details) : undefined;
  });
}

/** Tells of the spans of rows of a table: those that carry `data-span`. */
export function overRows(session: Session): { onMouseMove(event: MouseEvent): void; onMouseLeave(): void } {
  return {
    onMouseMove(event) {
      if (event.target instanceof HTMLCanvasElement) return; // a picture, which tells of its own
      const at = (event.target as Element).closest<HTMLElement>("[data-span]");
      const row = at ? session.trace.indexOf(Number(at.dataset["span"])) : -1;
      if (row < 0) session.pointed.leave();
      else overSpan(session, event, row, true);
    },
    onMouseLeave: () => session.pointed.leave(),
  };
}
