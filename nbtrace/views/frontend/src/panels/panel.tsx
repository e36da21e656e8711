// Everything that is known of the selected span, as text.

import { Fragment } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { conversationOf } from "../engine/conversation";
import type { Details, Noted } from "../engine/details";
import { isIdentity } from "../engine/tip";
import { isTold, waitFacts } from "../engine/waits";
import { duration, plain, share, value } from "../engine/words";
import type { Session } from "../session/session";
import { CellCode } from "./cellcode";
import { Talk } from "./conversation";
import { Inside } from "./inside";
import { Traceback } from "./traceback";
import { Broken, Copy, Pairs } from "./value";

const STATUS = ["UNSET", "OK", "ERROR"];

/** Attributes of a conversation that are listed. */
const MAX_PAGES = 200;

export function Panel({ session }: { session: Session }) {
  const { trace, selected: row } = session;
  const number = row < 0 ? -1 : trace.row[row]!; // stays when others are forgotten
  const [details, setDetails] = useState<[number, Details] | undefined>();
  const [filter, setFilter] = useState("");
  useEffect(() => {
    let wanted = true;
    if (row >= 0) void session.describe(row).then((found) => wanted && setDetails(found && [number, found]));
    return () => void (wanted = false);
  }, [number, session.details.size, trace.version]);
  const known = details?.[0] === number ? details[1] : undefined;
  const talk = useMemo(() => known && conversationOf(known), [known]);
  if (row < 0 || row >= trace.count) return null;
  const root = trace.tree.rootOf(row);
  const within = trace.start[row]! >= trace.start[root]! && trace.endOf(row) <= trace.endOf(root);
  const all = Object.entries(known?.attributes ?? {});
  const own = all.filter(([key]) => !isIdentity(key) && !isTold(key) && !talk?.tells(key));
  const pages = talk ? all.filter(([key]) => talk.tells(key)) : [];
  const [title, name] = [trace.titleOf(row), trace.nameOf(row)];
  const attributes = own.filter(([key, item]) => !filter || key.toLowerCase().includes(filter.toLowerCase()) || value(item).toLowerCase().includes(filter.toLowerCase()));
  const cell = trace.cells.get(trace.cell[row]!);
  const status = STATUS[trace.status(row)]!;
  const waits = session.once.get("waits", `${row}:${trace.version}:${known?.id}`, () => waitFacts(trace, row, known));
  return (
    <aside class="nbt-panel" aria-label="Selected span">
      <div class="nbt-title">
        <h3><Broken text={plain(title, 300)} /></h3>
        <button type="button" class="nbt-small" aria-label="close" onClick={() => session.select(-1)}>×</button>
      </div>
      <dl class="nbt-facts">
        {title !== name && !title.startsWith(`${name} · `) && <><dt>name</dt><dd>{plain(name, 300)}</dd></>}
        <dt>duration</dt>
        <dd>{trace.isRunning(row) ? "running" : trace.isUnfinished(row) ? "unfinished" : duration(trace.duration(row))} {within && <span class="nbt-quiet">{share(trace.duration(row) / Math.max(trace.duration(root), 1e-9))} of its trace</span>}</dd>
        {waits.map(([what, text]) => <Fragment key={what}><dt>{what}</dt><dd>{text}</dd></Fragment>)}
        <dt>self time</dt>
        <dd>{duration(trace.tree.self[row]!)}</dd>
        <dt>start</dt>
        <dd>{duration(trace.start[row]! - session.scope.whole.from)} <span class="nbt-quiet">{known && moment(known.start)}</span></dd>
        {(status !== "UNSET" || known?.message) && <><dt>status</dt><dd class={status === "ERROR" ? "nbt-error" : ""}>{status === "ERROR" && "✗ "}{status}{known?.message && `: ${plain(known.message, 500)}`}</dd></>}
        {cell?.[1] != null && <><dt>cell</dt><dd>[{cell[1]}]</dd></>}
      </dl>
      {known && <Exceptions session={session} cell={trace.cell[row]!} events={known.events ?? []} />}
      {talk && <Talk talk={talk} />}
      <Inside session={session} row={row} />
      {cell && <CellCode session={session} cell={trace.cell[row]!} open={session.times.spans.get(trace.cell[row]!) === row} />}
      <dl class="nbt-facts">
        {known && known.kind !== "INTERNAL" && <><dt>kind</dt><dd>{known.kind}</dd></>}
        {known && <><dt>pandas</dt><dd><Copy text={() => `nbtrace.spans(where="span_id == '${known.id}'")`} what="the pandas expression that selects this span" label="copy expression" /></dd></>}
      </dl>
      {!known && <p class="nbt-quiet">Details come from the kernel when it is free…</p>}
      {own.length > 0 && (
        <section>
          <h4>Attributes <span class="nbt-quiet">{own.length}</span></h4>
          {own.length > 8 && (
            <input class="nbt-input" placeholder="filter attributes" aria-label="filter attributes" value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
          )}
          <Pairs entries={attributes} />
        </section>
      )}
      {pages.length > 0 && (
        <details class="nbt-fold">
          <summary>{talk!.title} as attributes <span class="nbt-quiet">{pages.length.toLocaleString("en-US")}</span></summary>
          <Pairs entries={pages.slice(0, MAX_PAGES)} />
          {pages.length > MAX_PAGES && <p class="nbt-quiet">and {(pages.length - MAX_PAGES).toLocaleString("en-US")} more</p>}
        </details>
      )}
      {known && <Events known={known} events={(known.events ?? []).filter(([each]) => !talk?.tells(each))} />}
      {known?.links && (
        <section>
          <h4>Links</h4>
          {known.links.map(([trace_, span, attributes]) => (
            <div key={span}>
              <button type="button" class="nbt-small" onClick={() => void session.selectId(span)}>go to</button> <code>{span}</code> <span class="nbt-quiet">in {trace_}</span>
              <Pairs entries={Object.entries(attributes)} />
            </div>
          ))}
        </section>
      )}
      {known && (
        <details class="nbt-fold">
          <summary>Identity</summary>
          <Pairs entries={[
            ["span id", known.id], ["trace id", known.trace], ["parent id", known.parent ?? ""], ["kind", known.kind], ["process", trace.processName(known.thread[0])], ["thread", known.thread[2] ?? known.thread[1] ?? ""], ["scope", [known.scope[0], known.scope[1]].filter(Boolean).join(" ")],
            ...all.filter((each) => !own.includes(each)), ...Object.entries(known.resource),
          ]} />
        </details>
      )}
      {known && known.dropped.some(Boolean) && (
        <p class="nbt-quiet">OpenTelemetry's limits dropped {known.dropped[0]} attributes, {known.dropped[1]} events, {known.dropped[2]} links.</p>
      )}
    </aside>
  );
}

function moment(ns: string): string {
  const date = new Date(Number(BigInt(ns) / 1_000_000n));
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().replace("T", " ").replace("Z", "");
}

function Exceptions({ session, cell, events }: { session: Session; cell: number; events: Noted[] }) {
  const found = events.filter(([name]) => name === "exception");
  return (
    <>
      {found.map(([, , attributes], place) => (
        <section key={place}>
          <h4 class="nbt-error">✗ {plain(attributes["exception.type"] ?? "exception")}</h4>
          <p>{plain(attributes["exception.message"] ?? "", 1000)}</p>
          {attributes["exception.stacktrace"] !== undefined && (
            <Traceback session={session} cell={cell} stack={attributes["exception.stacktrace"]} />
          )}
        </section>
      ))}
    </>
  );
}

const MAX_EVENTS = 100;

function Events({ known, events }: { known: Details; events: Noted[] }) {
  const begin = BigInt(known.start);
  const shown = events.filter(([name]) => name !== "exception").slice(0, MAX_EVENTS);
  if (!shown.length) return null;
  return (
    <section>
      <h4>Events <span class="nbt-quiet">{events.length}</span></h4>
      {shown.map(([name, time, attributes], place) => (
        <div key={place}>
          <span class="nbt-quiet">+{duration(Number(BigInt(time) - begin) / 1e6)}</span> {plain(name)}
          <Pairs entries={Object.entries(attributes)} />
        </div>
      ))}
      {events.length > MAX_EVENTS && <p class="nbt-quiet">and {events.length - MAX_EVENTS} more</p>}
    </section>
  );
}
