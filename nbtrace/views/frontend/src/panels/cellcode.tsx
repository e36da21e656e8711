// The code of the selected span's cell, in its panel: around the line that failed, else around the hottest.

import type { Session } from "../session/session";
import { useFailure } from "./failed";
import { Source, cellName, coloured } from "./source";

/** Lines that are shown, and how many of them above the one that matters. */
const MOST = 12;
const ABOVE = 5;

export function CellCode({ session, cell, open }: { session: Session; cell: number; open: boolean }) {
  const parts = coloured(session, cell);
  const failure = useFailure(session, cell, session.times.spans.get(cell) ?? -1);
  if (!parts) return null;
  const hottest = session.times.hottestOf(cell);
  const aim = failure.own[failure.own.length - 1] ?? (hottest?.code === cell ? hottest.line : 1);
  const first = Math.max(1, Math.min(parts.length - MOST + 1, aim - ABOVE));
  const last = Math.min(parts.length, first + MOST - 1);
  return (
    <details class="nbt-fold" open={open}>
      <summary>Code of {cellName(session, cell)} {first > 1 || last < parts.length ? <span class="nbt-quiet">lines {first}–{last} of {parts.length.toLocaleString("en-US")}</span> : ""}</summary>
      <div class="nbt-excerpt" tabIndex={0}>
        {parts.slice(first - 1, last).map((line, at) => {
          const number = first + at;
          const failed = failure.own.includes(number);
          return (
            <button key={number} type="button" class={`nbt-row ${failed ? "nbt-failed" : ""}`} title={failed ? `✗ ${failure.text}` : "show this line in the Code view"} onClick={() => session.showLine(cell, number)}>
              <span class={failed ? "nbt-error" : "nbt-quiet"}>{failed ? "✗ " : ""}{number}</span> <Source parts={line} />
            </button>
          );
        })}
      </div>
    </details>
  );
}
