// What stands below a line that is opened: what it called, and the spans that were open there.

import type { HotLine } from "../engine/heat";
import { highlighted } from "../engine/highlight";
import { type Call, callsOf, samplesAt } from "../engine/inside";
import { ERROR } from "../engine/trace";
import { count, duration, plain } from "../engine/words";
import type { Session } from "../session/session";
import { Source, cellName, lineOf } from "./source";

const MOST_CALLS = 9;
const MOST_SPANS = 8;

/** Of a line's time; what it called for less is counted. */
const LEAST = 0.05;

/** What a line called, and the spans that were open there. */
export function Opened({ session, heat, cell, columns }: { session: Session; heat: HotLine; cell: number; columns: number }) {
  const { trace, profile, times } = session;
  const time = times.of(cell);
  const key = `${profile.version}:${cell}:${heat.code}:${heat.line}`;
  const calls = session.once.get(`calls ${heat.code}:${heat.line}`, key, () => ways(callsOf(profile, time, heat.code, heat.line), heat.time));
  const spans = session.once.get(`spans ${heat.code}:${heat.line}`, `${key}:${trace.version}`, () => spansAt(session, cell, heat));
  return (
    <tr class="nbt-opened">
      <td colSpan={columns}>
        {calls.map(({ way, depth, more }, at) => (
          <div key={at} class="nbt-call">
            <span class="nbt-number nbt-call-time" style={{ "--share": `${Math.min(1, way[0]!.time / Math.max(heat.time, 1e-9)) * 100}%` }}>{duration(way[0]!.time)}</span>
            <span class="nbt-where" style={{ paddingLeft: depth * 14 }}><Where session={session} way={way} /></span>
            {more > 0 && <span class="nbt-quiet nbt-kept"> … {count(more, "call")} of less than {LEAST * 100} %</span>}
          </div>
        ))}
        {!calls.length && <div class="nbt-quiet nbt-call">{heat.samples ? "It called no Python function for long: its time is the line's own." : "No samples: it was too short, or sampling is off (NBTrace.sampling)."}</div>}
        {spans.length > 0 && (
          <div class="nbt-call nbt-spans">
            <span class="nbt-quiet">spans: </span>
            {spans.slice(0, MOST_SPANS).map((row) => (
              <button key={row} type="button" class="nbt-small" title="select this span" onClick={() => session.select(row, true)}>
                {trace.status(row) === ERROR && <span class="nbt-error">✗ </span>}{plain(trace.titleOf(row), 40)} {duration(trace.duration(row))}
              </button>
            ))}
            {spans.length > MOST_SPANS && <span class="nbt-quiet"> and {spans.length - MOST_SPANS} more</span>}
          </div>
        )}
      </td>
    </tr>
  );
}

/** A call, or several that did nothing but call the next. */
function Where({ session, way }: { session: Session; way: Call[] }) {
  const call = way[0]!;
  const end = way[way.length - 1]!;
  const busy = Math.max(end.python, end.native, end.waiting);
  const what = busy <= 0 ? "" : busy === end.waiting ? "waiting" : busy === end.native ? "native" : "";
  const library = call.library === "standard library" || call.library === "your files" ? "" : `${plain(call.library, 40)} · `;
  return (
    <>
      {call.code
        ? <><span class="nbt-quiet">{cellName(session, call.code)} line {call.line}{call.function !== "<module>" && ` in ${plain(call.function, 60)}`}</span> <Source parts={lineOf(session, call.code, call.line)} /></>
        : call.source ? <><span class="nbt-quiet">{plain(call.path.split(/[\\/]/).pop(), 60)} line {call.line}{call.function !== "<module>" && ` in ${plain(call.function, 60)}`}</span> <Source parts={highlighted(plain(call.source, 200).trim())[0]} /></>
        : <><code title={way.map((each) => `${plain(each.function, 80)} (${plain(each.path, 120)}:${each.line})`).join("\n")}>{plain(called(way), 90)}</code> <span class="nbt-quiet" title={`${library}${plain(call.path, 200)}:${call.line}`}>{library}{plain(call.path, 60)}{call.line > 0 && `:${call.line}`}</span></>}
      {what && <span class="nbt-kind">{what}</span>}
    </>
  );
}

/** merge › get_result › … › _inner: of many the first two and the last. */
function called(way: Call[]): string {
  const names = way.map((each) => each.function);
  return (names.length > 3 ? [...names.slice(0, 2), "…", names[names.length - 1]] : names).join(" › ");
}

interface Way {
  /** What did nothing but call the next stands with it. */
  way: Call[];
  depth: number;
  more: number;
}

/** A tree of calls as lines: the heaviest ways, as far down as they matter. */
function ways(calls: Call[], whole: number): Way[] {
  const found: Way[] = [];
  const walk = (below: Call[], depth: number) => {
    const kept = below.filter((call) => call.time >= whole * LEAST).slice(0, 8);
    kept.forEach((call, at) => {
      if (found.length >= MOST_CALLS) return;
      const way = [call];
      for (let end = call; !end.code && !end.source; way.push(end)) {
        const next = end.calls[0];
        if (!next || next.code || next.source || next.library !== call.library || next.time < call.time * 0.95) break;
        end = next;
      }
      found.push({ way, depth: Math.min(depth, 12), more: at === kept.length - 1 ? below.length - kept.length : 0 });
      walk(way[way.length - 1]!.calls, depth + 1);
    });
  };
  walk(calls, 0);
  return found;
}

/** The spans that were current while a line ran, or that began in its statement: the longest first. */
function spansAt(session: Session, cell: number, { code, line }: HotLine): number[] {
  const { trace, profile, times } = session;
  const time = times.of(cell);
  const cellRow = times.spans.get(cell) ?? -1;
  const rows = new Set<number>();
  for (const i of samplesAt(profile, time, code, line)) rows.add(trace.indexOf(profile.span[time.rows[i]!]!));
  const ran = code === cell ? time.statements.filter(({ first, last }) => first === line && last === line) : [];
  if (ran.length && cellRow >= 0) {
    for (const child of trace.tree.of(cellRow)) if (ran.some(({ begun, ended }) => trace.start[child]! >= begun && trace.start[child]! < ended)) rows.add(child);
  }
  rows.delete(-1);
  rows.delete(cellRow);
  return [...rows].sort((a, b) => trace.duration(b) - trace.duration(a));
}
