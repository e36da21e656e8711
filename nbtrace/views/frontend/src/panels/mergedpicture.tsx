// Merged graphs: left-heavy, sandwich, the difference of two runs.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Box, boxes, differenceBoxes } from "../engine/boxes";
import { type Merged, callers, merge, outermost } from "../engine/merge";
import { FIRST_SYMBOL, type Symbols } from "../engine/symbols";
import { type Tip, frameTip } from "../engine/tip";
import { count, duration, plain, share } from "../engine/words";
import { LANE } from "../pictures/canvas";
import { boxAt, paintBoxes, paintNote } from "../pictures/flame";
import type { Session } from "../session/session";
import { type PictureProps, useCanvas } from "./canvas";

/** The least width, in pixels, of a box that has a word in it. */
const READABLE = 22;

/** Merged graphs: left-heavy, sandwich, difference. They have no time; a click selects the longest span of a box. */
export function MergedPicture({ session, theme, width, height: most, want }: PictureProps) {
  const { trace, view } = session;
  const [hovered, hover] = useState<Box | undefined>();
  const [zoom, setZoom] = useState({ from: 0, to: 1 });
  const [scroll, setScroll] = useState(0);
  const { symbols } = session.samples;
  useEffect(() => (setZoom({ from: 0, to: 1 }), setScroll(0)), [view, session.scope.root, view === "sandwich" && session.name, session.comparing.key]);
  // What is too narrow to be seen is left out: who looks closer sees more.
  const close = 2 ** Math.min(6, Math.floor(Math.log2(1 / (zoom.to - zoom.from))));
  const key = `${session.samples.version}:${session.frames}:${view === "sandwich" ? session.name : ""}:${view === "compare" ? session.comparing.key : ""}`;
  const { lay, title } = session.once.get(`${view} tree`, key, () => merged(session));
  const { found, notes = [] } = session.once.get(view, `${key}:${width}:${close}`, () => lay(width * close));
  const deepest = found.reduce((most, box) => Math.max(most, box.level), 0);
  const height = view === "compare" ? Math.min(most, (deepest + 1) * LANE + 4) : most; // a table stands below it
  const highest = Math.max(0, (deepest + 1) * LANE - height);
  // What is too thin to be read is reached by scrolling.
  const readable = found.reduce((most, box) => (box.level > most && (box.to - box.from) * width >= READABLE ? box.level : most), 0);
  useLayoutEffect(() => want?.((readable + 1) * LANE + 1));
  const top = Math.min(scroll, highest);
  const chosen = view === "sandwich" || session.name >= FIRST_SYMBOL ? session.name : -1;
  const searched = session.finder.matches && { names: new Set(session.finder.found.map((row) => trace.name[row]!)), symbols: session.finder.symbols };
  const state = { zoom, scroll: top, hovered, selectedName: chosen, symbols, found: view === "compare" ? undefined : searched };
  const canvas = useCanvas(width, height, (pen) => {
    const began = performance.now();
    paintBoxes(pen, theme, trace, found, state, width, height);
    for (const [level, text] of notes) paintNote(pen, theme, text, level, state, width);
    if (!found.length) {
      pen.fillStyle = theme.quiet;
      pen.font = `12px ${theme.font}`;
      pen.fillText(title, 12, 20);
    }
    session.painted = { count: session.painted.count + 1, ms: performance.now() - began };
  });
  const at = (event: MouseEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    return boxAt(found, state, event.clientX - box.left, event.clientY - box.top, width);
  };
  const wheel = (event: WheelEvent) => {
    const next = Math.min(Math.max(0, top + event.deltaY), highest);
    if (event.ctrlKey || event.metaKey) {
      const box = canvas.current!.getBoundingClientRect();
      const share = (event.clientX - box.left) / width;
      const wide = Math.min(1, Math.max(1e-6, (zoom.to - zoom.from) * Math.exp(event.deltaY * 0.004)));
      const from = Math.min(1 - wide, Math.max(0, zoom.from + (zoom.to - zoom.from) * share - wide * share));
      setZoom({ from, to: from + wide });
    } else if (next !== top) setScroll(next);
    else return;
    event.preventDefault();
  };
  useEffect(() => {
    const element = canvas.current!;
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  });
  const recentred = useRef(false);
  const click = (event: MouseEvent) => {
    if (event.detail > 1 && recentred.current) return; // the box that was clicked stands elsewhere by now
    const box = at(event);
    recentred.current = false;
    if (!box || box.name < FIRST_SYMBOL) return session.select(box?.row ?? -1);
    if (!symbols.isFrame(box.name)) return;
    recentred.current = view === "sandwich" && session.name !== box.name;
    session.call(box.name, tipOf(symbols, box));
  };
  return (
    <canvas
      ref={canvas} class="nbt-canvas" style={{ width, height }} role="img" aria-label={`${title}; the table view has the same in numbers`}
      onMouseMove={(event) => {
        const box = at(event);
        hover(box);
        if (box) session.pointed.over(event, `${key}:${box.level}:${box.from}:${box.to}`, () => tipOf(symbols, box));
        else session.pointed.leave();
      }}
      onMouseLeave={() => (hover(undefined), session.pointed.leave())}
      onClick={click}
      onDblClick={(event) => {
        if (recentred.current) return;
        const box = at(event);
        setZoom(box ? { from: box.from, to: box.to } : { from: 0, to: 1 });
      }}
    />
  );
}

function tipOf(symbols: Symbols, box: Box): Tip {
  if (box.parts && symbols.isFrame(box.name)) return frameTip(symbols, box.name, box.self, box.count, box.parts);
  const facts: Tip["facts"] = box.before === undefined
    ? [["duration", duration(box.total)], ["share", `${share(box.to - box.from)} of all`]]
    : [["before", duration(box.before)], ["after", duration(box.total)]];
  if (box.before === undefined && !box.parts) facts.push(["self", duration(box.self)]);
  facts.push(box.parts ? ["samples", box.count.toLocaleString("en-US")] : ["times", box.count.toLocaleString("en-US")]);
  if (box.errors) facts.push(["status", `✗ ${count(box.errors, "error")}`]);
  return { title: plain(symbols.text(box.name), 120), facts, failed: box.errors > 0 };
}

interface Laid {
  found: Box[];
  /** What stands in a level of its own, between boxes. */
  notes?: [level: number, text: string][];
}

/** What a merged graph shows: how it is laid out for a width, and what it is. */
function merged(session: Session): { lay: (width: number) => Laid; title: string } {
  const { trace } = session;
  const nothing = (title: string) => ({ lay: () => ({ found: [] }), title });
  if (session.view === "compare") {
    const { result } = session.comparing;
    if (!result) return nothing("Choose two cells to compare.");
    return { lay: (width) => ({ found: differenceBoxes(result.top, width) }), title: "Difference of two sides" };
  }
  const all = session.scope.root < 0;
  const below = (tops: Iterable<number>, outside: boolean): Merged => {
    const at: Merged[] = [];
    const top = merge(trace, tops, at);
    if (session.frames) session.samples.hang(top, at, outside);
    return top;
  };
  if (session.view === "heavy") {
    const top = below(all ? trace.tree.roots : [session.scope.root], all);
    return { lay: (width) => ({ found: boxes(top, width) }), title: "Flame graph by path of names, the heaviest left" };
  }
  if (session.name < 0) return nothing("Select a span, or click a sampled frame or a name in the table: callers stand above it, callees below.");
  if (session.name >= FIRST_SYMBOL && !session.frames) return nothing("A sampled frame is chosen, and they are not shown: press p.");
  const rows = outermost(trace, session.name).filter((row) => session.scope.has(row)); // none of a sampled frame
  const around = session.name < FIRST_SYMBOL ? { callers: callers(trace, rows), callees: below(rows, false) } : session.samples.around(session.name);
  const name = plain(session.samples.symbols.text(session.name), 40);
  return { lay: (width) => sandwich(around.callers, around.callees, width, name), title: "Callers above, callees below" };
}

/** One upside down above the other, each below a line that says what it is. */
function sandwich(callers: Merged, callees: Merged, width: number, name: string): Laid {
  const above = boxes(callers, width);
  const levels = above.reduce((most, box) => Math.max(most, box.level + 2), 0);
  const below = boxes(callees, width, levels);
  const notes: Laid["notes"] = levels ? [[0, `called by, for as long as ${name} ran in it`]] : [];
  if (below.some(({ level }) => level > levels)) notes.push([levels + 1, "calls"]);
  return { found: [...above.map((box) => ({ ...box, level: levels - 1 - box.level })), ...below.map((box) => ({ ...box, level: box.level + Number(box.level > levels) }))], notes };
}
