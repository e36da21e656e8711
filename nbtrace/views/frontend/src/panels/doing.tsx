// What the cells that run are doing: a line each, for a person who waits.

import { useEffect, useReducer } from "preact/hooks";
import { parts } from "../engine/doing";
import { duration } from "../engine/words";
import type { Session } from "../session/session";

const MAX_CELLS = 3;

/** For so long, in ms, nothing is heard of a kernel at work only if code of the cell keeps everybody else waiting, or it is gone. */
const SILENT = 2_500;

export function Doing({ session }: { session: Session }) {
  const [, refresh] = useReducer((number: number) => number + 1, 0);
  const { doing, trace, receipt } = session;
  const some = doing.length > 0;
  useEffect(() => {
    if (!some) return;
    const timer = setInterval(() => refresh(0), 500);
    return () => clearInterval(timer);
  }, [some]);
  if (!some) return null;
  const silence = performance.now() - receipt.heard;
  const silent = silence > SILENT ? ` · nothing heard for ${duration(silence)}` : "";
  return (
    <div class="nbt-doing" role="group" aria-label="running cells">
      {doing.slice(0, MAX_CELLS).map((each) => {
        const [where, rest] = parts(each, receipt.now);
        const [first, second] = [`cell [${trace.cells.get(each[0])?.[1] ?? " "}] · ${where}`, ` · ${rest}${silent}`];
        return <div key={each[0]} title={first + second}><span>{first}</span><span>{second}</span></div>;
      })}
      {doing.length > MAX_CELLS && <div>and {doing.length - MAX_CELLS} more</div>}
    </div>
  );
}
