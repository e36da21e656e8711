// Views made of rows: statistics by name, errors; and the table that stands for a picture.

import { useEffect, useState } from "preact/hooks";
import { quoted } from "../engine/conditions";
import type { Details } from "../engine/details";
import { type NameStatistics, statistics } from "../engine/statistics";
import { ERROR } from "../engine/trace";
import { took } from "../engine/wall";
import { count, duration, plain } from "../engine/words";
import { ROW } from "../pictures/canvas";
import { amountOf, timeOf, titleOf } from "../pictures/waterfall";
import type { Session } from "../session/session";
import { Traceback } from "./traceback";

export const MAX_ROWS = 300;

export function LeftOut({ shown, all, noun }: { shown: number; all: number; noun: string }) {
  return all > shown ? <p class="nbt-quiet">showing {shown.toLocaleString("en-US")} of {count(all, noun)}</p> : null;
}

const COLUMNS: [keyof NameStatistics | "rate", string][] = [
  ["name", "name"], ["count", "count"], ["total", "total"], ["self", "self"], ["p50", "p50"], ["p95", "p95"], ["errors", "errors"],
];

/** Left out where there is no room. */
const SPARE = new Set<string>(["self", "p50"]);

export function Table({ session }: { session: Session }) {
  const { trace } = session;
  const only = session.filter ?? session.finder.matches;
  const key = `${trace.version}:${session.scope.root}:${[...session.pills]}:${session.finder.found.length}:${session.finder.typed}`;
  const all = session.once.get("statistics", key, () => statistics(trace, (row) => session.scope.has(row) && (!only || only[row] === 1)));
  const { column, down } = session.sort;
  const value = (each: NameStatistics) => (column === "name" ? (trace.names[each.name] ?? "") : (each[column as keyof NameStatistics] as number));
  const sorted = [...all].sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (down ? -1 : 1));
  const largest = Math.max(1e-9, ...all.map((each) => each.total));
  return (
    <div class="nbt-scroll" tabIndex={0}>
      <LeftOut shown={Math.min(sorted.length, MAX_ROWS)} all={sorted.length} noun="name" />
      <table class="nbt-table nbt-names">
        <thead>
          <tr>
            {COLUMNS.map(([id, title]) => (
              <th key={id} class={id === "name" ? "" : SPARE.has(id) ? "nbt-number nbt-spare" : "nbt-number"} aria-sort={column === id ? (down ? "descending" : "ascending") : "none"}>
                <button type="button" class="nbt-link" onClick={() => ((session.sort = { column: id, down: column === id ? !down : id !== "name" }), session.changed())}>
                  {title}{column === id ? (down ? " ↓" : " ↑") : ""}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.slice(0, MAX_ROWS).map((each) => (
            <tr key={each.name} class={each.name === session.name ? "nbt-chosen" : ""}>
              <td class={trace.hues[each.name] ? "" : "nbt-cell"}>
                <button type="button" class="nbt-link" title="show only these" onClick={() => ((session.name = each.name), session.finder.look(`name == ${quoted(trace.names[each.name] ?? "")}`), session.show("waterfall"))}>
                  {plain(trace.names[each.name] ?? "", 90)}
                </button>
                <button type="button" class="nbt-small" title="who calls it, and what it calls" onClick={() => ((session.name = each.name), session.show("sandwich"))}>sandwich</button>
              </td>
              <td class="nbt-number">{each.count.toLocaleString("en-US")}</td>
              <td class="nbt-number nbt-bar" title={`of all spans together${took(each.wall, each.total) === duration(each.wall) ? "" : `; one or more of them ran for ${duration(each.wall)}`}`} style={{ "--share": each.total / largest }}>
                {duration(each.total)}
              </td>
              <td class="nbt-number nbt-spare">{duration(each.self)}</td>
              <td class="nbt-number nbt-spare">{duration(each.p50)}</td>
              <td class="nbt-number">{duration(each.p95)}</td>
              <td class={`nbt-number ${each.errors ? "nbt-error" : ""}`}>{each.errors ? `✗ ${each.errors} (${((each.errors / each.count) * 100).toFixed(0)} %)` : ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Errors, by the kernel's rule (analysis/errors.py): exceptions, and spans that failed without one. */
export function Errors({ session }: { session: Session }) {
  const { trace } = session;
  const rows = session.once.get("failed", `${trace.version}:${session.scope.root}`, () =>
    Array.from(session.scope.rows()).filter((row) => trace.errors[row]),
  );
  const [known, setKnown] = useState<Map<number, Details>>(new Map());
  useEffect(() => {
    let wanted = true;
    void (async () => {
      const found = new Map<number, Details>();
      for (const row of rows.slice(-2_000)) {
        const details = await session.detailsOf(row);
        if (details) found.set(row, details);
      }
      if (wanted) setKnown(found);
    })();
    return () => void (wanted = false);
  }, [rows, session.details.size]);
  const failures = rows.flatMap((row) => {
    const details = known.get(row);
    const exceptions = (details?.events ?? []).filter(([name]) => name === "exception");
    if (exceptions.length) return exceptions.map(([, , attributes]) => ({ row, attributes }));
    return [{ row, attributes: { "exception.type": details?.attributes["error.type"] ?? "", "exception.message": details?.message ?? "" } as Record<string, unknown> }];
  });
  return (
    <div class="nbt-scroll" tabIndex={0}>
      {!failures.length && <p class="nbt-empty">No errors{session.scope.root >= 0 ? " in this trace" : ""}.</p>}
      <LeftOut shown={Math.min(failures.length, MAX_ROWS)} all={failures.length} noun="error" />
      {failures.slice(-MAX_ROWS).map(({ row, attributes }, place) => {
        const cell = trace.cells.get(trace.cell[row]!);
        return (
          <details key={`${row}:${place}`} class="nbt-failure" open={failures.length < 3}>
            <summary data-span={trace.row[row]}>
              <span class="nbt-error">✗ {plain(attributes["exception.type"] || "error", 80)}</span> {plain(attributes["exception.message"] ?? "", 160)}
              <span class="nbt-quiet"> in {plain(trace.titleOf(row), 60)}{cell?.[1] != null ? `, cell [${cell[1]}]` : ""}</span>
            </summary>
            <button type="button" class="nbt-small" onClick={() => (session.select(row, true), session.show("waterfall"))}>show the span</button>
            {attributes["exception.stacktrace"] !== undefined && <Traceback session={session} cell={trace.cell[row]!} stack={attributes["exception.stacktrace"]} />}
          </details>
        );
      })}
    </div>
  );
}

const MAX_READ = 60;

/** What a picture shows, as a table for those who read with a screen reader. */
export function Alternative({ session, height }: { session: Session; height: number }) {
  const { trace } = session;
  const { lines } = session;
  const first = Math.max(0, Math.floor(session.scroll / ROW));
  const shown = Array.from({ length: Math.max(0, Math.min(MAX_READ, Math.ceil(height / ROW), lines.count - first)) }, (_, place) => first + place);
  return (
    <table class="nbt-read" aria-label={`Spans ${first + 1} to ${first + shown.length} of ${lines.count}`}>
      <thead><tr><th>span</th><th>depth</th><th>duration</th><th>status</th></tr></thead>
      <tbody>
        {shown.map((line) => {
          const row = lines.row[line]!;
          return (
            <tr key={row} aria-selected={row === session.selected}>
              <td>{titleOf(trace, lines, line)}</td>
              <td>{lines.depth[line]}</td>
              <td>{timeOf(trace, lines, line)}{amountOf(trace, lines, line)}</td>
              <td>{[row >= 0 && !lines.members[line] && trace.status(row) === ERROR && "error", lines.hidden[line] && `✗ ${lines.hidden[line]} hidden`].filter(Boolean).join(", ")}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
