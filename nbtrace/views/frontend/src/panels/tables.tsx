// Views made of rows: cells over time, statistics by name, errors, changes; and the table that stands for a picture.

import { useEffect, useState } from "preact/hooks";
import { type Verdict, compare } from "../engine/compare";
import { quoted } from "../engine/conditions";
import type { Details } from "../engine/details";
import { type NameStatistics, statistics } from "../engine/statistics";
import { ERROR } from "../engine/trace";
import { change as changed, count, duration, lines as text, plain, ratio as times } from "../engine/words";
import { ROW } from "../pictures/canvas";
import { type Theme, colourOf } from "../pictures/colours";
import type { Session } from "../session/session";

const MAX_ROWS = 300;

function LeftOut({ shown, all, noun }: { shown: number; all: number; noun: string }) {
  return all > shown ? <p class="nbt-quiet">showing {shown.toLocaleString("en-US")} of {count(all, noun)}</p> : null;
}

export interface Run {
  row: number;
  count: number | null;
  title: string;
  key: number;
  run: number;
  change: number | undefined;
}

/** Executions of cells, in their order. */
export function runs(session: Session): Run[] {
  const { trace } = session;
  return session.once.get("runs", `${trace.version}`, () => {
    const last = new Map<number, number>();
    const found: Run[] = [];
    for (const row of trace.tree.roots) {
      const cell = trace.cells.get(trace.cell[row]!);
      const before = cell && last.get(cell[2]);
      const title = cell?.[4] ? (cell[4].trim().split("\n")[0] ?? "") : trace.nameOf(row);
      const length = trace.duration(row);
      found.push({ row, count: cell?.[1] ?? null, title, key: cell?.[2] ?? -row, run: cell?.[3] ?? 1, change: before === undefined ? undefined : length / before });
      if (cell) last.set(cell[2], length);
    }
    return found;
  });
}

export function Cells({ session, theme }: { session: Session; theme: Theme }) {
  const { trace } = session;
  const all = runs(session);
  const shown = all.slice(-MAX_ROWS);
  const from = shown.length ? trace.start[shown[0]!.row]! : 0;
  const whole = Math.max(trace.now - from, 1e-9);
  let longest = 1e-9;
  for (const { row } of shown) longest = Math.max(longest, trace.duration(row));
  return (
    <div class="nbt-scroll" tabIndex={0}>
      <LeftOut shown={shown.length} all={all.length} noun="execution" />
      <table class="nbt-table">
        <thead><tr><th>cell</th><th>code</th><th>run</th><th class="nbt-number">duration</th><th class="nbt-number">against the run before</th><th>spans</th><th>when</th></tr></thead>
        <tbody>
          {shown.map(({ row, count: number, title, run, change }) => {
            const failed = trace.status(row) === ERROR;
            return (
              <tr key={row} class={row === session.scope.root ? "nbt-chosen" : ""} onClick={() => (session.focus(row), session.show("waterfall"))}>
                <td><button type="button" class="nbt-link" title="look at its trace">[{number ?? " "}]</button></td>
                <td class="nbt-code">{failed && <span class="nbt-error" title="failed">✗ </span>}{plain(title, 80)}</td>
                <td class="nbt-number">{run > 1 ? run : ""}</td>
                <td class="nbt-number">{trace.isRunning(row) ? "running" : duration(trace.duration(row))}</td>
                <td class="nbt-number"><Change ratio={change} /></td>
                <td class="nbt-number">{(trace.tree.size[row]! - 1).toLocaleString("en-US")}</td>
                <td class="nbt-when">
                  <span style={{
                    left: `${((trace.start[row]! - from) / whole) * 100}%`, width: `max(3px, ${(trace.duration(row) / whole) * 100}%)`,
                    background: failed ? theme.error : colourOf(1, theme), outline: trace.isRunning(row) ? `1px dashed ${theme.accent}` : "none",
                  }} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Change({ ratio, sure = true }: { ratio: number | undefined; sure?: boolean }) {
  if (ratio === undefined || !Number.isFinite(ratio)) return null;
  const word = times(ratio, sure);
  return <span class={word.startsWith("▲") ? "nbt-slower" : word.startsWith("▼") ? "nbt-faster" : "nbt-quiet"}>{word}</span>;
}

const VERDICTS: Partial<Record<Verdict, string>> = { added: "nbt-slower", slower: "nbt-slower", more: "nbt-slower", removed: "nbt-faster", faster: "nbt-faster", fewer: "nbt-faster" };

const COLUMNS: [keyof NameStatistics | "rate", string][] = [
  ["name", "name"], ["count", "count"], ["total", "total"], ["self", "self"], ["p50", "p50"], ["p95", "p95"], ["errors", "errors"],
];

export function Table({ session }: { session: Session }) {
  const { trace } = session;
  const only = session.filter;
  const key = `${trace.version}:${session.scope.root}:${[...session.pills]}:${session.finder.found.length}:${session.finder.typed}`;
  const all = session.once.get("statistics", key, () => statistics(trace, (row) => session.scope.has(row) && (!only || only[row] === 1)));
  const { column, down } = session.sort;
  const value = (each: NameStatistics) => (column === "name" ? (trace.names[each.name] ?? "") : (each[column as keyof NameStatistics] as number));
  const sorted = [...all].sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * (down ? -1 : 1));
  const largest = Math.max(1e-9, ...all.map((each) => each.total));
  return (
    <div class="nbt-scroll" tabIndex={0}>
      <LeftOut shown={Math.min(sorted.length, MAX_ROWS)} all={sorted.length} noun="name" />
      <table class="nbt-table">
        <thead>
          <tr>
            {COLUMNS.map(([id, title]) => (
              <th key={id} class={id === "name" ? "" : "nbt-number"} aria-sort={column === id ? (down ? "descending" : "ascending") : "none"}>
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
              <td>
                <button type="button" class="nbt-link" title="show only these" onClick={() => ((session.name = each.name), session.finder.look(`name == ${quoted(trace.names[each.name] ?? "")}`), session.show("waterfall"))}>
                  {plain(trace.names[each.name] ?? "", 90)}
                </button>
                <button type="button" class="nbt-small" title="who calls it, and what it calls" onClick={() => ((session.name = each.name), session.show("sandwich"))}>sandwich</button>
              </td>
              <td class="nbt-number">{each.count.toLocaleString("en-US")}</td>
              <td class="nbt-number nbt-bar" style={{ "--share": `${(each.total / largest) * 100}%` }}>{duration(each.total)}</td>
              <td class="nbt-number">{duration(each.self)}</td>
              <td class="nbt-number">{duration(each.p50)}</td>
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
            <summary>
              <span class="nbt-error">✗ {plain(attributes["exception.type"] || "error", 80)}</span> {plain(attributes["exception.message"] ?? "", 160)}
              <span class="nbt-quiet"> in {plain(trace.nameOf(row), 60)}{cell?.[1] != null ? `, cell [${cell[1]}]` : ""}</span>
            </summary>
            <button type="button" class="nbt-small" onClick={() => (session.select(row, true), session.show("waterfall"))}>show the span</button>
            {attributes["exception.stacktrace"] !== undefined && <pre class="nbt-text" tabIndex={0}>{text(String(attributes["exception.stacktrace"]).slice(0, 70_000))}</pre>}
          </details>
        );
      })}
    </div>
  );
}

/** Choose two runs; without a choice, the last that has a run before. */
export function CompareBar({ session }: { session: Session }) {
  const { trace } = session;
  const all = runs(session).filter(({ row }) => !trace.isRunning(row));
  if (session.compared[1] < 0 || session.compared[1] >= trace.count) {
    const after = all.findLast(({ run, key }) => run > 1 && all.some((each) => each.key === key && each.run < run)) ?? all[all.length - 1];
    const before = after && (all.findLast((each) => each.key === after.key && each.run < after.run) ?? all[all.length - 2]);
    session.compared = [before?.row ?? -1, after?.row ?? -1];
  }
  const choice = (side: 0 | 1, title: string) => (
    <label>
      {title}{" "}
      <select
        class="nbt-input" value={session.compared[side]}
        onChange={(event) => {
          const next: [number, number] = [...session.compared];
          next[side] = Number(event.currentTarget.value);
          session.compared = next;
          session.changed();
        }}
      >
        {all.slice(-MAX_ROWS).map(({ row, count: number, title: code }) => (
          <option key={row} value={row}>{`[${number ?? " "}] ${plain(code, 40)} — ${duration(trace.duration(row))}`}</option>
        ))}
      </select>
    </label>
  );
  return <div class="nbt-compare">{choice(0, "before")} {choice(1, "after")} <span class="nbt-quiet">orange: slower, blue: faster</span></div>;
}

export function CompareTable({ session }: { session: Session }) {
  const { trace, compared: [before, after] } = session;
  if (before < 0 || after < 0) return null;
  const all = session.once.get("changes", `${trace.version}:${before}:${after}`, () => compare(trace, before, after).changes);
  return (
    <div class="nbt-scroll nbt-half" tabIndex={0}>
      <LeftOut shown={Math.min(all.length, MAX_ROWS)} all={all.length} noun="path" />
      <table class="nbt-table">
        <thead><tr><th>path</th><th class="nbt-number">before</th><th class="nbt-number">after</th><th>verdict</th><th class="nbt-number">change</th><th class="nbt-number">ratio</th><th class="nbt-number">count</th></tr></thead>
        <tbody>
          {all.slice(0, MAX_ROWS).map((each) => (
            <tr key={each.path + each.depth} onClick={() => session.select(each.row)}>
              <td class="nbt-code">{plain(each.path, 120)}</td>
              <td class="nbt-number">{each.countBefore ? duration(each.before) : "—"}</td>
              <td class="nbt-number">{each.countAfter ? duration(each.after) : "—"}</td>
              <td class={VERDICTS[each.verdict] ?? "nbt-quiet"}>{each.verdict}</td>
              <td class="nbt-number">{changed(each.after - each.before)}</td>
              <td class="nbt-number">{each.countBefore && each.countAfter && each.before ? <Change ratio={each.after / each.before} sure={each.verdict !== "unclear"} /> : ""}</td>
              <td class="nbt-number">{each.countBefore === each.countAfter ? each.countAfter : `${each.countBefore} → ${each.countAfter}`}</td>
            </tr>
          ))}
        </tbody>
      </table>
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
          const many = lines.members[line]!;
          return (
            <tr key={row} aria-selected={row === session.selected}>
              <td>{plain(trace.nameOf(row), 100)}{many ? ` × ${many}` : ""}</td>
              <td>{trace.tree.depth[row]}</td>
              <td>{many ? duration(lines.total[line]!) : trace.isRunning(row) ? "running" : duration(trace.duration(row))}</td>
              <td>{trace.status(row) === ERROR ? "error" : ""}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
