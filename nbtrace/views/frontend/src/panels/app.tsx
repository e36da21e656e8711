// The inspector as a whole: tabs, search, the current view, the panel of the selected span, keys.

import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import { count, duration, plain } from "../engine/words";
import type { Theme } from "../pictures/colours";
import { type Pill, type Session, VIEWS, type View } from "../session/session";
import { Doing } from "./doing";
import { Panel } from "./panel";
import { MergedPicture, Minimap, TimePicture, around } from "./picture";
import { Alternative, Cells, CompareBar, CompareTable, Errors, Table, runs } from "./tables";
import { themeOf } from "./theme";

const TITLES: Record<View, [string, string]> = {
  waterfall: ["Waterfall", "4"],
  time: ["Flame", "1"],
  heavy: ["Left-heavy", "2"],
  sandwich: ["Sandwich", "3"],
  cells: ["Cells", "5"],
  table: ["Table", "6"],
  errors: ["Errors", "7"],
  compare: ["Compare", "8"],
};

const KEYS: [string, string][] = [
  ["1 2 3", "flame graph: in time order, left-heavy, sandwich"],
  ["4 5 6 7 8", "waterfall, cells, table, errors, compare"],
  ["↑ ↓  or  b f", "the span before, the next"],
  ["← →", "close, open; go to the parent, the first child"],
  ["[  ]", "close all, open all"],
  ["+ −  or  w s", "zoom in, out"],
  ["a d", "go back, forward in time"],
  ["0", "fit everything"],
  ["Enter", "zoom to the selected span"],
  ["/", "search; n and N go to the next match, the one before"],
  ["e", "go to the next error"],
  ["Esc", "clear: search, then selection"],
  ["Ctrl + wheel", "zoom to the pointer; drag to pan, double click to fit"],
  ["?", "these keys"],
];

const NARROW = 760;

export function App({ session, host }: { session: Session; host: HTMLElement }) {
  const [, refresh] = useReducer((number: number) => number + 1, 0);
  const root = useRef<HTMLDivElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const searchBox = useRef<HTMLInputElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [theme, setTheme] = useState<Theme>(() => themeOf(host));
  const fills = session.model.get("height") === "fill"; // in a page of its own
  const [height, setHeight] = useState(Math.max(160, Number(session.model.get("height")) || 460));

  useEffect(() => session.drawing.listen(() => refresh(0)), [session]);
  useEffect(() => {
    const update = () => setTheme(themeOf(host));
    const changed = new MutationObserver(update);
    const page = host.ownerDocument;
    for (const element of [page.documentElement, page.body]) changed.observe(element, { attributes: true, attributeFilter: ["class", "style", "data-jp-theme-light", "data-jp-theme-name", "data-theme"] });
    const preference = matchMedia("(prefers-color-scheme: dark)");
    preference.addEventListener("change", update);
    return () => (changed.disconnect(), preference.removeEventListener("change", update));
  }, [host]);
  useLayoutEffect(() => {
    const measure = () => {
      const box = stage.current?.getBoundingClientRect();
      if (box && (Math.round(box.width) !== size.width || Math.round(box.height) !== size.height)) setSize({ width: Math.round(box.width), height: Math.round(box.height) });
    };
    measure();
    const observer = new ResizeObserver(measure);
    if (stage.current) observer.observe(stage.current);
    return () => observer.disconnect();
  });
  const { view } = session;
  const wide = (root.current?.clientWidth ?? 1000) >= NARROW;
  const picture = { session, theme, width: size.width, height: view === "compare" ? Math.max(0, Math.floor(size.height * 0.5)) : size.height };
  return (
    <div
      ref={root} class={`nbt ${theme.dark ? "nbt-dark" : ""} ${wide ? "" : "nbt-narrow"}`} tabIndex={0} data-lm-suppress-shortcuts="true"
      style={{ height: fills ? "100vh" : height, ...variables(theme) }} role="region" aria-label="nbtrace inspector" onKeyDown={(event) => pressed(event, session, searchBox.current, root.current)}
    >
      <div class="nbt-top">
        <div role="tablist" class="nbt-tabs" aria-label="views">
          {VIEWS.map((each) => (
            <button key={each} type="button" role="tab" aria-selected={view === each} title={`${TITLES[each][0]} (${TITLES[each][1]})`} onClick={() => session.show(each)}>
              {TITLES[each][0]}{each === "errors" && <ErrorCount session={session} />}
            </button>
          ))}
        </div>
        <div class="nbt-search" role="search">
          <Scope session={session} />
          <input
            ref={searchBox} class="nbt-input" type="search" placeholder="search, or duration > 100ms" aria-label="search names, attributes, events and errors"
            value={session.finder.typed} onInput={(event) => session.finder.look(event.currentTarget.value)}
          />
          <Found session={session} />
          {(["errors", "slow", "critical"] as Pill[]).map((pill) => (
            <button key={pill} type="button" class="nbt-pill" aria-pressed={session.pills.has(pill)} onClick={() => session.toggle(pill)}
              title={pill === "slow" ? "only the slowest hundredth" : pill === "critical" ? "only what the end waited for" : "only spans that failed"}>
              {pill === "critical" ? "critical path" : pill}
            </button>
          ))}
          <button type="button" class="nbt-small" aria-expanded={session.help} title="keys (?)" onClick={() => ((session.help = !session.help), session.changed())}>?</button>
        </div>
      </div>
      <Doing session={session} />
      <div class="nbt-middle">
        <div class="nbt-main">
          {(view === "waterfall" || view === "time") && size.width > 0 && <Minimap session={session} theme={theme} width={size.width} />}
          {view === "compare" && <CompareBar session={session} />}
          <div class="nbt-stage" ref={stage}>
            {size.width > 0 && (view === "waterfall" || view === "time") && <TimePicture {...picture} />}
            {size.width > 0 && (view === "heavy" || view === "sandwich" || view === "compare") && <MergedPicture {...picture} />}
            {view === "cells" && <Cells session={session} theme={theme} />}
            {(view === "table") && <Table session={session} />}
            {view === "errors" && <Errors session={session} />}
            {view === "compare" && <CompareTable session={session} />}
            {(view === "waterfall" || view === "time") && <Alternative session={session} height={size.height} />}
          </div>
        </div>
        {session.selected >= 0 && <Panel session={session} />}
        {session.help && <Help session={session} />}
      </div>
      <div class="nbt-bottom">
        <span role="status">{status(session)}</span>
        {!fills && <Handle height={height} change={(next) => setHeight(next)} done={(next) => (session.model.set("height", next), session.model.save_changes())} />}
      </div>
    </div>
  );
}

function variables(theme: Theme) {
  return {
    "--ground": theme.ground, "--raised": theme.raised, "--text": theme.text, "--quiet": theme.quiet, "--line": theme.line,
    "--accent": theme.accent, "--error": theme.error, "--match": theme.match, fontFamily: theme.font,
  };
}

function status(session: Session): string {
  const { trace, scope: { root } } = session;
  const spans = root < 0 ? trace.count : trace.tree.size[root]!;
  const parts = [root < 0 || trace.count === spans ? count(spans, "span") : `${spans.toLocaleString("en-US")} of ${count(trace.count, "span")}`];
  parts.push(duration(session.scope.whole.to - session.scope.whole.from));
  if (trace.running) parts.push(`${trace.running} running`);
  if (trace.dropped) parts.push(`${trace.dropped.toLocaleString("en-US")} older ones dropped (NBTrace.max_spans, max_bytes)`);
  const note = session.model.get("_note");
  if (note) parts.push(String(note));
  return parts.join(" · ");
}

function ErrorCount({ session }: { session: Session }) {
  const { trace } = session;
  const number = session.once.get("errors", `${trace.version}:${session.scope.root}`, () => {
    let found = 0;
    for (const row of session.scope.rows()) found += trace.errors[row]!;
    return found;
  });
  return number ? <span class="nbt-badge">{number}</span> : null;
}

function Scope({ session }: { session: Session }) {
  const all = runs(session);
  if (all.length < 2) return null;
  return (
    <select class="nbt-input nbt-scope" aria-label="trace" value={session.scope.chosen === -2 && session.scope.root < 0 ? -1 : session.scope.chosen} onChange={(event) => session.focus(Number(event.currentTarget.value))}>
      <option value={-1}>all traces</option>
      <option value={-2}>{session.scope.chosen === -2 && session.scope.root >= 0 ? `latest: ${plain(session.trace.nameOf(session.scope.root), 30)}` : "the latest"}</option>
      {all.slice(-200).map(({ row, title, count: number }) => <option key={row} value={row}>{`${number === null ? "" : `[${number}] `}${plain(title, 40)}`}</option>)}
    </select>
  );
}

function Found({ session }: { session: Session }) {
  if (!session.finder.typed.trim()) return null;
  if (session.finder.query.kind === "error") return <span class="nbt-error" role="alert">{session.finder.query.message}</span>;
  return (
    <span class="nbt-found" role="status">
      {session.finder.found.length.toLocaleString("en-US")}{session.finder.searching ? "…" : ""} found
      <button type="button" class="nbt-small" aria-label="match before" onClick={() => session.step(-1)}>↑</button>
      <button type="button" class="nbt-small" aria-label="next match" onClick={() => session.step(1)}>↓</button>
    </span>
  );
}

function Help({ session }: { session: Session }) {
  return (
    <div class="nbt-help" role="dialog" aria-label="keys">
      <button type="button" class="nbt-small" onClick={() => ((session.help = false), session.changed())}>close</button>
      <table><tbody>{KEYS.map(([key, what]) => <tr key={key}><th scope="row">{key}</th><td>{what}</td></tr>)}</tbody></table>
    </div>
  );
}

function Handle({ height, change, done }: { height: number; change: (height: number) => void; done: (height: number) => void }) {
  const limit = (next: number) => Math.round(Math.min(2000, Math.max(200, next)));
  const press = (event: PointerEvent) => {
    const element = event.currentTarget as HTMLElement;
    const first = event.clientY;
    let last = height;
    const move = (later: PointerEvent) => change((last = limit(height + later.clientY - first)));
    element.setPointerCapture(event.pointerId);
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", () => (element.removeEventListener("pointermove", move), done(last)), { once: true });
  };
  const key = (event: KeyboardEvent) => {
    const by = event.key === "ArrowDown" ? 40 : event.key === "ArrowUp" ? -40 : 0;
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    change(limit(height + by));
    done(limit(height + by));
  };
  return <div class="nbt-handle" role="separator" aria-label="height" aria-orientation="horizontal" aria-valuenow={height} tabIndex={0} onPointerDown={press} onKeyDown={key} />;
}

/** The keys of Jaeger and speedscope, where they have some. */
function pressed(event: KeyboardEvent, session: Session, search: HTMLInputElement | null, root: HTMLElement | null): void {
  const typing = event.target instanceof HTMLElement && /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  // The notebook has keys of its own, and would delete cells by them.
  event.stopPropagation();
  if (event.key === "Escape") {
    event.preventDefault();
    if (session.help) session.help = false;
    else if (session.finder.typed) session.finder.look("");
    else session.select(-1);
    root?.focus();
    return session.changed();
  }
  if (typing) {
    if (event.key === "Enter" && event.target === search) session.step(event.shiftKey ? -1 : 1);
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Enter" && event.target !== root) return; // a button
  const { trace, selected } = session;
  const actions: Record<string, () => void> = {
    "1": () => session.show("time"), "2": () => session.show("heavy"), "3": () => session.show("sandwich"),
    "4": () => session.show("waterfall"), "5": () => session.show("cells"), "6": () => session.show("table"),
    "7": () => session.show("errors"), "8": () => session.show("compare"),
    "?": () => ((session.help = !session.help), session.changed()),
    "/": () => search?.focus(),
    "0": () => (session.zoom.fit(), session.changed()),
    "+": () => session.zoom.by(0.7), "=": () => session.zoom.by(0.7), w: () => session.zoom.by(0.7),
    "-": () => session.zoom.by(1 / 0.7), s: () => session.zoom.by(1 / 0.7),
    a: () => session.zoom.pan(-0.2), d: () => session.zoom.pan(0.2),
    n: () => session.step(1), N: () => session.step(-1),
    "]": () => session.folds.openAll(true, session.scope.rows()), "[": () => session.folds.openAll(false, session.scope.rows()),
    ArrowDown: () => walk(session, 1), f: () => walk(session, 1), ArrowUp: () => walk(session, -1), b: () => walk(session, -1),
    ArrowRight: () => {
      if (selected < 0) return;
      if (session.folds.collapsed.has(selected)) session.folds.open(selected, true);
      else if (trace.tree.of(selected).length) session.select(trace.tree.of(selected)[0]!, true);
    },
    ArrowLeft: () => {
      if (selected < 0) return;
      if (!session.folds.collapsed.has(selected) && trace.tree.of(selected).length) session.folds.open(selected, false);
      else if (trace.tree.parent[selected]! >= 0) session.select(trace.tree.parent[selected]!, true);
    },
    Enter: () => selected >= 0 && session.zoom.to(around(session, selected)),
    e: () => {
      const failed = Array.from(session.scope.rows()).filter((row) => trace.status(row) === 2);
      const here = selected < 0 ? -1 : trace.tree.place[selected]!;
      const next = failed.find((row) => trace.tree.place[row]! > here) ?? failed[0];
      if (next !== undefined) session.select(next, true);
    },
  };
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

/** Select the line above or below. */
function walk(session: Session, by: 1 | -1): void {
  const { lines } = session;
  if (!lines.count) return;
  const here = lines.row.subarray(0, lines.count).indexOf(session.selected);
  const next = here < 0 ? 0 : Math.min(lines.count - 1, Math.max(0, here + by));
  const row = lines.row[next]!;
  session.select(row);
  session.wanted = row;
}
