// The code of a cell with what each of its lines took: beside each line its time, CPU and memory; below it, opened, what it called.

import type { ComponentChildren, VNode } from "preact";
import { useEffect, useReducer, useRef } from "preact/hooks";
import { executions } from "../engine/executions";
import { executionOf } from "../engine/failure";
import type { HotLine } from "../engine/heat";
import type { Part } from "../engine/highlight";
import { type Run, described } from "../engine/runs";
import { count, duration, growth, plain, share } from "../engine/words";
import type { Session } from "../session/session";
import { Choose, type Option } from "./choose";
import { type Failed, useFailure } from "./failed";
import { Opened } from "./opened";
import { Source, Taken, cellName, coloured, hottestText, partsOf } from "./source";

/** Lines of a cell that are shown; of one that is longer the part around its hottest lines. */
const MOST_LINES = 1_500;

/** So few bytes more or less are what looks at memory differ by. */
const LITTLE = 500_000;

export function Code({ session }: { session: Session }) {
  const { trace, times } = session;
  const cell = session.code.cell(session);
  const [, refresh] = useReducer((number: number) => number + 1, 0);
  const doing = session.doing.find(([number]) => number === cell);
  useEffect(() => {
    if (!doing) return;
    const timer = setInterval(() => refresh(0), 500);
    return () => clearInterval(timer);
  }, [!!doing]);
  const row = times.spans.get(cell) ?? -1;
  const failure = useFailure(session, cell, row);
  const scroll = useRef<HTMLDivElement>(null);
  const hottest = times.hottestOf(cell);
  const aim = session.code.line || (hottest?.code === cell ? hottest.line : 0);
  useEffect(() => reveal(scroll.current, `[data-line="${aim}"]`), [cell, aim]);
  if (!cell) return <p class="nbt-empty">{trace.count ? "No cell is looked at here: the Code view shows the code of cells." : "No cells yet."}</p>;
  const time = times.of(cell);
  const hot = times.linesOf(cell);
  const parts = coloured(session, cell);
  const own = new Map(hot.filter((each) => each.code === cell).map((each) => [each.line, each]));
  let [length, earliest] = [Math.max(parts?.length ?? 0, doing?.[1] ?? 0), Infinity];
  for (const line of own.keys()) [length, earliest] = [Math.max(length, line), Math.min(earliest, line)];
  const whole = Math.max(time.ran.to - time.ran.from, 1e-9);
  const long = time.statements.filter(({ first, last }) => last > first);
  const has: Columns = { statement: long.length > 0, cpu: hot.some(({ cpu }) => cpu > 0), memory: hot.some(({ memory }) => Math.abs(memory) >= LITTLE) };
  const middle = session.code.line || (failure.own[0] ?? doing?.[1] ?? (hottest?.code === cell ? hottest.line : earliest < Infinity ? earliest : 1));
  const first = Math.max(1, Math.min(length - MOST_LINES + 1, middle - MOST_LINES / 2));
  const shown = Array.from({ length: Math.min(MOST_LINES, length - first + 1) }, (_, at) => first + at);
  return (
    <div ref={scroll} class="nbt-scroll nbt-codeview" tabIndex={0}>
      <Head session={session} cell={cell} row={row} />
      {!parts && <p class="nbt-quiet nbt-note">The code of this cell is not here: it is not kept (NBTrace.capture_source), or the view is narrowed to other spans than the cell's own.</p>}
      {length > shown.length && <p class="nbt-quiet nbt-note">showing lines {first}–{first + shown.length - 1} of {length.toLocaleString("en-US")}</p>}
      <table class="nbt-lines" aria-label={`Code of ${cellName(session, cell)} by line`}>
        <thead>
          <tr>
            <th class="nbt-number">line</th>{has.statement && <th class="nbt-number nbt-spare" title="what a statement of several lines took altogether">statement</th>}<th class="nbt-number">time <span class="nbt-percent">%</span></th>
            {has.cpu && <th class="nbt-number nbt-spare">cpu</th>}{has.memory && <th class="nbt-number nbt-spare">memory</th>}<th>code</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((line) => {
            const runs = doing?.[1] === line;
            const failed = failure.own.includes(line);
            const elsewhere = failure.raised && failure.raised.count !== trace.cells.get(cell)?.[1] ? failure.raised : undefined;
            const here = failed && line === (failure.raised && !elsewhere ? failure.raised.line : failure.own[failure.own.length - 1]);
            const within = long.find((each) => each.first <= line && line <= each.last);
            // What nobody sampled of a statement of several lines is the statement's, which says so beside it.
            const heat = within && !own.get(line)?.samples ? undefined : own.get(line);
            return (
              <Line
                key={line} session={session} cell={cell} code={cell} line={line} heat={heat} whole={whole} has={has} parts={parts?.[line - 1]} state={`${runs ? "nbt-runs" : failed ? "nbt-failed" : ""} ${line === session.code.line ? "nbt-aimed" : ""}`}
                statement={within && <td class={`nbt-number nbt-spare nbt-within ${within.last === line ? "nbt-last" : ""}`}>{within.first === line && duration(within.ended - within.begun)}</td>}
              >
                {here && <span class="nbt-error nbt-aside">✗ {failure.text}{elsewhere && `, raised in cell [${elsewhere.count}] line ${elsewhere.line}`}</span>}
                {runs && <span class="nbt-aside nbt-now" title="since when it was seen nowhere else">▶ here for {duration(Math.max(0, session.receipt.now - doing[6]))}{doing[8] && ` in ${plain(doing[8], 60)}`}</span>}
              </Line>
            );
          })}
        </tbody>
        <Elsewhere session={session} cell={cell} hot={hot} whole={whole} has={has} failure={failure} />
      </table>
      <Legend session={session} cell={cell} />
    </div>
  );
}

interface Columns {
  statement: boolean;
  cpu: boolean;
  memory: boolean;
}

interface LineProps {
  session: Session;
  cell: number;
  /** The execution whose code it is. */
  code: number;
  line: number;
  heat: HotLine | undefined;
  whole: number;
  has: Columns;
  parts: Part[] | undefined;
  state?: string;
  statement?: VNode | undefined;
  children?: ComponentChildren;
}

/** A line of code and what it took; opened, what it called. */
function Line({ session, cell, code, line, heat, whole, has, parts, state = "", statement, children }: LineProps) {
  const open = session.code.isOpen(code, line);
  const { query } = session.finder;
  const wanted = query.kind === "text" ? query.text.trim().toLowerCase() : "";
  const found = wanted && parts?.map(([text]) => text).join("").toLowerCase().includes(wanted);
  const toggle = () => session.code.toggle(code, line);
  return (
    <>
      <tr data-line={code === cell ? line : undefined} class={`${heat ? "nbt-warm" : ""} ${state} ${found ? "nbt-found-line" : ""}`} onClick={() => heat && chosenNothing() && toggle()}>
        <td class="nbt-number">
          {heat
            ? <button type="button" class="nbt-link" aria-expanded={open} aria-label={`${code === cell ? "" : `${cellName(session, code)} `}line ${line}: what it called`} onClick={(event) => (event.stopPropagation(), toggle())}><span class="nbt-turn">{open ? "▾" : "▸"}</span>{line}</button>
            : line}
        </td>
        {has.statement && (statement ?? <td class="nbt-spare" />)}
        <Heat heat={heat} whole={whole} />
        {has.cpu && <td class="nbt-number nbt-quiet nbt-spare">{heat && heat.cpu >= 0.5 ? duration(heat.cpu) : ""}</td>}
        {has.memory && <td class="nbt-number nbt-quiet nbt-spare">{heat && Math.abs(heat.memory) >= LITTLE ? growth(Math.round(heat.memory)) : ""}</td>}
        <td class="nbt-source"><Source parts={parts} />{children}</td>
      </tr>
      {open && heat && <Opened session={session} heat={heat} cell={cell} columns={3 + Number(has.statement) + Number(has.cpu) + Number(has.memory)} />}
    </>
  );
}

/** Move what is inside so far that an element can be seen; the page stays where it is. */
function reveal(inside: HTMLElement | null, selector: string): void {
  const element = inside?.querySelector<HTMLElement>(selector);
  if (!inside || !element) return;
  const [top, tall] = [element.getBoundingClientRect().top - inside.getBoundingClientRect().top, inside.clientHeight];
  if (top < 40 || top > tall - 40) inside.scrollTop += top - tall / 2;
}

/** Whether a click was no selection of text. */
function chosenNothing(): boolean {
  return !String(getSelection() ?? "");
}

/** Which cell, and what it took altogether. */
function Head({ session, cell, row }: { session: Session; cell: number; row: number }) {
  const { trace, times } = session;
  const run = trace.cells.get(cell)?.[3] ?? 1;
  // Of each cell its own span; where that is not here, the last of its others.
  const all = session.once.get("cells with code", `${trace.version}`, () => {
    const rows = executions(trace).filter((each) => trace.cells.has(trace.cell[each]!) && (times.spans.get(trace.cell[each]!) ?? each) === each);
    return described(trace, new Map(rows.map((each) => [trace.cell[each]!, each])).values(), times.spans);
  });
  const named = ({ count, title }: Run) => `[${count ?? " "}] ${plain(title)}`;
  const here = all.find((each) => each.cell === cell);
  const hottest = hottestText(session, cell);
  return (
    <div class="nbt-codehead">
      {all.length > 1 ? (
        <Choose
          label="cell whose code is shown" value={cell} chosen={here ? named(here) : cellName(session, cell)} choose={(number: number) => session.code.look(number)}
          options={() => session.once.get("cells to choose", `${trace.version}`, () => all.map((each): Option => [each.cell, named(each), () => [duration(trace.duration(each.row))]]))}
        />
      ) : <strong>{cellName(session, cell)}</strong>}
      {run > 1 && <span class="nbt-quiet">run {run}</span>}
      {row >= 0 && <span>{trace.isRunning(row) ? `running, ${duration(Math.max(trace.duration(row), times.of(cell).ran.to - trace.start[row]!))}` : trace.isUnfinished(row) ? "unfinished" : duration(trace.duration(row))}</span>}
      <Taken session={session} cell={cell} row={row} />
      {hottest && <span>hottest: <strong>{plain(hottest, 100)}</strong></span>}
    </div>
  );
}

function Heat({ heat, whole }: { heat: HotLine | undefined; whole: number }) {
  if (!heat) return <td class="nbt-heat" />;
  const part = heat.time / whole;
  const title = `${share(part)} of the cell, ${heat.exact ? "measured: the statement is this line" : `from ${count(heat.samples, "sample")}`}`;
  // What is little is left unsaid: a column of microseconds hides the line that matters.
  const said = part >= 0.001 || heat.time >= 1;
  return (
    <td class={`nbt-heat nbt-number ${heat.exact ? "" : "nbt-sampled"}`} title={title} style={{ "--share": `${Math.min(1, part) * 100}%` }}>
      {said ? <>{heat.exact ? "" : "~"}{duration(heat.time)} <span class="nbt-percent">{share(part)}</span></> : ""}
    </td>
  );
}

/** Lines of the functions of other cells, where this cell's time passed. */
function Elsewhere({ session, cell, hot, whole, has, failure }: { session: Session; cell: number; hot: HotLine[]; whole: number; has: Columns; failure: Failed }) {
  const { trace } = session;
  const others: { code: number; line: number; heat?: HotLine; failed?: boolean }[] = hot
    .filter((each) => each.code !== cell && each.time >= whole * 0.01)
    .map((heat) => ({ code: heat.code, line: heat.line, heat }));
  const { count, line } = failure.raised ?? {};
  const raising = count !== undefined && count !== trace.cells.get(cell)?.[1] ? executionOf(trace, count, cell) : 0;
  if (raising) {
    const known = others.find((each) => each.code === raising && each.line === line);
    if (known) known.failed = true;
    else others.push({ code: raising, line: line!, failed: true });
    others.sort((a, b) => a.code - b.code || a.line - b.line);
  }
  return (
    <>
      {[...new Set(others.map(({ code }) => code))].map((code) => (
        <tbody key={code}>
          <tr class="nbt-elsewhere">
            <td colSpan={9}>in functions of <button type="button" class="nbt-link" title="look at that cell" onClick={() => session.code.look(code)}>{cellName(session, code)}</button></td>
          </tr>
          {others.filter((each) => each.code === code).map((each) => (
            <Line
              key={each.line} session={session} cell={cell} code={code} line={each.line} heat={each.heat} whole={whole} has={has} parts={partsOf(session, code, each.line)}
              state={each.failed ? "nbt-failed" : ""}
            >
              {each.failed && <span class="nbt-error nbt-aside">✗ {failure.text}</span>}
            </Line>
          ))}
        </tbody>
      ))}
    </>
  );
}

function Legend({ session, cell }: { session: Session; cell: number }) {
  const samples = session.profile.rowsOf(cell).length;
  const statements = session.profile.statements.get(cell)?.length ?? 0;
  if (!samples && !statements) {
    return <p class="nbt-quiet nbt-note">Nothing is known of the inside of this cell: it has ended before anybody looked, or neither statements nor samples were recorded.</p>;
  }
  return (
    <p class="nbt-quiet nbt-note">
      A line's time includes what it calls; memory is what each look found more than the one before, which may be the line before's. Statements of one line are measured; ~ is from {count(samples, "sample")}{samples ? "" : " (the cell was too short, or sampling is off)"}.
    </p>
  );
}
