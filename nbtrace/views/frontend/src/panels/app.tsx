// The inspector as a whole: tabs, search, the current view, the panel of the selected span, keys.

import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import type { Run } from "../engine/runs";
import { FIRST_SYMBOL } from "../engine/symbols";
import { count, duration, plain } from "../engine/words";
import type { Theme } from "../pictures/colours";
import { into, nextError, noticed, outOf, walk } from "../session/moves";
import { ALL, LATEST, MARGIN } from "../session/scope";
import { type Pill, type Session, VIEWS, type View } from "../session/session";
import { Choose, type Option } from "./choose";
import { Around } from "./around";
import { Code } from "./code";
import { Doing } from "./doing";
import { useFocusInside } from "./focus";
import { GroupBy } from "./groupby";
import { namesWidth } from "../pictures/waterfall";
import { Panel } from "./panel";
import { Boundary } from "./boundary";
import { MergedPicture } from "./mergedpicture";
import { TimePicture, around } from "./timepicture";
import { Cells, traces } from "./cells";
import { Compare } from "./compare";
import { Alternative, Errors, Table } from "./tables";
import { themeOf } from "./theme";
import { TimeBar, Travels } from "./timebar";
import { PointerTip, overRows } from "./tip";
import { Usage } from "./usage";

const TITLES: Record<View, string> = {
  waterfall: "Waterfall", code: "Code", time: "Flame", heavy: "Left-heavy", sandwich: "Sandwich", cells: "Cells", table: "Table", errors: "Errors", compare: "Compare",
};

const KEYS: [string, string][] = [
  [`1 … ${VIEWS.length}`, `the views, in the order of their tabs: ${VIEWS.map((view) => TITLES[view].toLowerCase()).join(", ")}`],
  ["c", "the code of a cell, with what each line took"],
  ["↑ ↓  or  b f", "the span before, the next"],
  ["← →", "close, open; go to the parent, the first child"],
  ["[  ]", "close all, open all"],
  ["+ −  or  w s", "zoom in, out"],
  ["a d", "go back, forward in time"],
  ["0", "fit everything"],
  ["Backspace", "what was shown before; with Shift forward again"],
  ["i", "fold or open the time in which nothing ran; I waits inside a trace too"],
  ["m", "hide, show the lanes of CPU and memory"],
  ["Enter", "zoom to the selected span"],
  ["/", "search; n and N go to the next match, the one before"],
  ["e", "go to the next error"],
  ["p", "show or hide sampled frames in the flame graphs"],
  ["Esc", "clear: search, then selection"],
  ["Ctrl + wheel", "zoom to the pointer; drag to pan, double click to fit"],
  ["?", "these keys"],
];

const NARROW = 760;
/** Below, tabs and tools have a row each. */
const ONE_ROW = 1_060;
const LOW = 320;
/** Pictures are not lower: what is told beside the pointer has room. */
const LEAST = 120;
/** Nor higher, where a page has kept the style away and nothing else ends them. */
const MOST = 4_000;

export function App({ session, host }: { session: Session; host: HTMLElement }) {
  const [, refresh] = useReducer((number: number) => number + 1, 0);
  const root = useRef<HTMLDivElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const searchBox = useRef<HTMLInputElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [theme, setTheme] = useState<Theme>(() => themeOf(host));
  const fills = session.model.get("height") === "fill"; // in a page of its own
  /** At most so high; what has less to show is lower. */
  const [height, setHeight] = useState(Math.max(160, Number(session.model.get("height")) || 460));
  const [wanted, want] = useState(0);
  const before = useRef({ view: "", height: 0 });

  useEffect(() => session.drawing.listen(() => refresh(0)), [session]);
  useFocusInside(root);
  useEffect(() => {
    const update = () => setTheme(themeOf(host));
    const changed = new MutationObserver(update);
    const page = host.ownerDocument;
    for (const element of [page.documentElement, page.body]) changed.observe(element, { attributes: true, attributeFilter: ["class", "style", "data-jp-theme-light", "data-jp-theme-name", "data-theme"] });
    const preference = matchMedia("(prefers-color-scheme: dark)");
    update(); // since it was first drawn the page may have changed
    preference.addEventListener("change", update);
    return () => (changed.disconnect(), preference.removeEventListener("change", update));
  }, [host]);
  useLayoutEffect(() => {
    const measure = () => {
      const box = stage.current?.getBoundingClientRect();
      if (box && (Math.round(box.width) !== size.width || Math.min(MOST, Math.round(box.height)) !== size.height)) setSize({ width: Math.round(box.width), height: Math.min(MOST, Math.round(box.height)) });
    };
    measure();
    const observer = new ResizeObserver(measure);
    if (stage.current) observer.observe(stage.current);
    return () => observer.disconnect();
  });
  const { view } = session;
  const room = root.current?.clientWidth ?? ONE_ROW;
  const wide = room >= NARROW;
  const tall = (fills ? (root.current?.clientHeight ?? 0) : height) >= LOW;
  // What groups the lines stands above their names where there is room.
  const beside = namesWidth(size.width) >= (session.trace.processes > 1 ? 330 : 240);
  // What a filter leaves is not lower than all was: the field that is typed into would move.
  const filtered = session.finder.typed !== "" || session.pills.size > 0;
  if (!filtered || before.current.view !== view) before.current = { view, height: filtered ? 0 : size.height };
  const basis = Math.max(LEAST, wanted, filtered ? before.current.height : 0);
  const picture = { session, theme, width: size.width, height: size.height, want };
  const drawn = view === "waterfall" || view === "time" || view === "heavy" || view === "sandwich";
  return (
    <div
      ref={root} class={`nbt ${theme.dark ? "nbt-dark" : ""} ${wide ? "" : "nbt-narrow"} ${room < ONE_ROW ? "nbt-two" : ""}`} tabIndex={0} data-lm-suppress-shortcuts="true"
      style={{ ...(fills ? { height: "100vh" } : { maxHeight: height, minHeight: session.help ? height : 0 }), "--limit": fills ? "100vh" : `${height}px`, ...variables(theme) }} role="region" aria-label="nbtrace inspector" onPointerDown={() => session.pointed.leave()} onKeyDown={(event) => pressed(event, session, searchBox.current, root.current)}
    >
      <div class="nbt-top">
        <div role="tablist" class="nbt-tabs" aria-label="views">
          {VIEWS.map((each, place) => (
            <button key={each} type="button" role="tab" aria-selected={view === each} title={`${TITLES[each]} (${place + 1})`} onClick={() => session.show(each)}>
              {TITLES[each]}{each === "errors" && <ErrorCount session={session} />}
            </button>
          ))}
        </div>
        <div class="nbt-search" role="search">
          <Scope session={session} />
          {view === "sandwich" && <Around session={session} />}
          {view === "waterfall" && !beside && <GroupBy session={session} />}
          <div class="nbt-field">
            <input
              ref={searchBox} class="nbt-input" type="search" placeholder={room < 1_300 && room >= ONE_ROW ? "search" : "search, or duration > 100ms"} title="names, attributes, events, errors; or a condition: duration > 100ms" aria-label="search names, attributes, events and errors"
              aria-invalid={session.finder.query.kind === "error"} value={session.finder.typed} onInput={(event) => session.finder.look(event.currentTarget.value)}
            />
            {session.finder.query.kind === "error" && <span class="nbt-wrong" role="alert">{session.finder.query.message}</span>}
          </div>
          <Found session={session} />
          {(["errors", "slow", "critical"] as Pill[]).filter((pill) => applies(session, pill)).map((pill) => (
            <button key={pill} type="button" class="nbt-pill" aria-pressed={session.pills.has(pill)} onClick={() => session.toggle(pill)}
              title={pill === "slow" ? "only the slowest hundredth of the spans, and cells that took as long" : pill === "critical" ? "only what the end waited for" : "only spans that failed"}>
              {pill === "critical" ? "critical path" : pill}
            </button>
          ))}
          <button type="button" class="nbt-small" aria-expanded={session.help} title="keys (?)" onClick={() => ((session.help = !session.help), session.changed())}>?</button>
        </div>
      </div>
      <Doing session={session} />
      <div class="nbt-middle">
        <div class="nbt-main">
          {(view === "waterfall" || view === "time") && size.width > 0 && <TimeBar session={session} theme={theme} width={size.width}>{view === "waterfall" && beside && <GroupBy session={session} />}</TimeBar>}
          {(view === "waterfall" || view === "time") && size.width > 0 && tall && (wide || session.selected < 0) && <Usage session={session} theme={theme} width={size.width} />}
          <div class="nbt-stage" ref={stage} style={{ flex: drawn && !fills ? `1 1 ${basis}px` : "" }} {...overRows(session)}>
            <Boundary view={view === "code" ? `code ${session.code.cell(session)}` : view}>
            {size.width > 0 && (view === "waterfall" || view === "time") && <TimePicture {...picture} />}
            {size.width > 0 && (view === "heavy" || view === "sandwich") && <MergedPicture {...picture} />}
            {view === "code" && <Code session={session} />}
            {view === "cells" && <Cells session={session} theme={theme} />}
            {(view === "table") && <Table session={session} />}
            {view === "errors" && <Errors session={session} />}
            {size.width > 0 && view === "compare" && <Compare {...picture} height={fills ? size.height : height - 100} />}
            {(view === "waterfall" || view === "time") && <Alternative session={session} height={size.height} />}
            </Boundary>
          </div>
        </div>
        {session.selected >= 0 && <Boundary view={`panel ${session.selected}`}><Panel session={session} /></Boundary>}
        {session.help && <Help session={session} />}
      </div>
      <PointerTip session={session} root={root} />
      <div class="nbt-bottom">
        {view === "time" && <span class="nbt-legend nbt-travels"><Travels session={session} /></span>}
        <span role="status" class="nbt-status">{framed(session) && session.told.name === session.name && session.name >= 0 ? session.told.text : noticed(session) || status(session)}</span>
        {framed(session) && (
          <span class="nbt-legend">
            <button type="button" class="nbt-small" aria-pressed={session.frames} title="show or hide sampled frames (p)" onClick={() => session.toggleFrames()}>samples</button>
            {session.frames && <><i class="nbt-python" /> Python <i class="nbt-native" /> native <i class="nbt-waiting" /> waiting</>}
          </span>
        )}
        {!fills && <Handle height={height} shown={() => root.current!.offsetHeight} change={(next) => setHeight(next)} done={(next) => (session.model.set("height", next), session.model.save_changes())} />}
      </div>
    </div>
  );
}

/** Whether a filter does something here; one that is on can be put off everywhere. */
function applies({ view, pills }: Session, pill: Pill): boolean {
  return view === "waterfall" || pills.has(pill) || (pill === "critical" ? view === "time" : view === "table");
}

/** Whether there are samples, and the current view shows them. */
function framed({ profile, view }: Session): boolean {
  return profile.count > 0 && (view === "time" || view === "heavy" || view === "sandwich");
}

function variables(theme: Theme) {
  return {
    "--ground": theme.ground, "--raised": theme.raised, "--text": theme.text, "--quiet": theme.quiet, "--line": theme.line,
    "--accent": theme.accent, "--error": theme.error, "--match": theme.match, "--heat": theme.heat,
    "--code-keyword": theme.code[0], "--code-string": theme.code[1], "--code-number": theme.code[2], "--code-builtin": theme.code[3], fontFamily: theme.font,
  };
}

function status(session: Session): string {
  const { trace, scope: { root } } = session;
  const spans = root < 0 ? trace.count : trace.tree.size[root]!;
  const parts = [root < 0 || trace.count === spans ? count(spans, "span") : `${spans.toLocaleString("en-US")} of ${count(trace.count, "span")}`];
  parts.push(duration((session.scope.whole.to - session.scope.whole.from) / (1 + MARGIN)));
  if (trace.running) parts.push(`${trace.running} running`);
  if (trace.dropped) parts.push(`${trace.dropped.toLocaleString("en-US")} older ones dropped (NBTrace.max_spans, max_bytes)`);
  if (session.profile.dropped) parts.push(`${session.profile.dropped.toLocaleString("en-US")} older samples left out`);
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
  const all = traces(session);
  if (all.length < 2) return null;
  const { scope, trace } = session;
  const here = all.find(({ row }) => row === scope.root);
  const named = ({ count, title }: Run) => `${count === null ? "" : `[${count}] `}${plain(title)}`;
  const options = () => session.once.get<Option[]>("traces to choose", `${trace.version}`, () => [
    [ALL, "all traces"],
    [LATEST, "the latest"],
    ...all.map((run): Option => [trace.row[run.row]!, named(run), () => [count(trace.tree.size[run.row]!, "span"), duration(trace.duration(run.row))]]),
  ]);
  return (
    <Choose
      label="trace" class="nbt-scope" value={scope.chosen === LATEST ? LATEST : here ? trace.row[here.row]! : ALL} options={options} choose={(value: number) => session.focus(value < 0 ? value : trace.indexOf(value))}
      chosen={!here ? "all traces" : scope.chosen === LATEST ? `latest: ${plain(here.title)}` : named(here)}
    />
  );
}

function Found({ session }: { session: Session }) {
  if (!session.finder.typed.trim() || session.finder.query.kind === "error") return null;
  const { found, searching, functions } = session.finder;
  const alone = !found.length && !searching && functions.length > 0;
  return (
    <span class="nbt-found" role="status">
      {alone ? count(functions.length, "function") : found.length.toLocaleString("en-US")}{searching ? "…" : ""} found
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

function Handle({ height, shown, change, done }: { height: number; shown: () => number; change: (height: number) => void; done: (height: number) => void }) {
  const limit = (next: number) => Math.round(Math.min(2000, Math.max(200, next)));
  const press = (event: PointerEvent) => {
    const element = event.currentTarget as HTMLElement;
    const first = event.clientY;
    // What is lower than it may be is held where it ends.
    const from = shown();
    let last = height;
    const move = (later: PointerEvent) => change((last = limit(from + later.clientY - first)));
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
  const typing = event.target instanceof HTMLElement && /^(INPUT|TEXTAREA)$/.test(event.target.tagName);
  // The notebook has keys of its own, and would delete cells by them.
  event.stopPropagation();
  session.pointed.leave();
  if (event.key === "Escape") {
    event.preventDefault();
    if (session.help) session.help = false;
    else if (session.finder.typed) session.finder.look("");
    else if (session.selected < 0 && session.name >= FIRST_SYMBOL) session.name = -1;
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
  const { selected } = session;
  const actions: Record<string, () => void> = {
    ...Object.fromEntries(VIEWS.map((view, place) => [place + 1, () => session.show(view)])), c: () => session.show("code"),
    m: () => ((session.meters = !session.meters), session.changed()),
    "?": () => ((session.help = !session.help), session.changed()),
    "/": () => search?.focus(),
    "0": () => (session.zoom.fit(), session.changed()),
    "+": () => session.zoom.by(0.7), "=": () => session.zoom.by(0.7), w: () => session.zoom.by(0.7),
    "-": () => session.zoom.by(1 / 0.7), s: () => session.zoom.by(1 / 0.7),
    a: () => session.zoom.pan(-0.2), d: () => session.zoom.pan(0.2),
    Backspace: () => session.zoom.travel(event.shiftKey ? 1 : -1),
    i: () => session.idle.toggle(), I: () => session.idle.toggleWaits(),
    p: () => session.toggleFrames(),
    n: () => session.step(1), N: () => session.step(-1),
    "]": () => session.folds.openAll(true, session.scope.rows()), "[": () => session.folds.openAll(false, session.scope.rows()),
    ArrowDown: () => walk(session, 1), f: () => walk(session, 1), ArrowUp: () => walk(session, -1), b: () => walk(session, -1),
    ArrowRight: () => into(session), ArrowLeft: () => outOf(session),
    Enter: () => selected >= 0 && session.zoom.to(around(session, selected)),
    e: () => nextError(session),
  };
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}
