// The canvas: paints the current view, and turns hands into zooming, panning and selecting.

import { useEffect, useRef, useState } from "preact/hooks";
import { type Box, boxes, differenceBoxes } from "../engine/boxes";
import { compare } from "../engine/compare";
import { Lanes } from "../engine/lanes";
import { callers, merge, outermost } from "../engine/merge";
import { count, duration, plain } from "../engine/words";
import { AXIS, LANE, type Pen, ROW } from "../pictures/canvas";
import type { Theme } from "../pictures/colours";
import { boxAt, paintBoxes, paintLanes } from "../pictures/flame";
import { densityOf, paintMinimap } from "../pictures/minimap";
import { paintWaterfall } from "../pictures/waterfall";
import type { Session } from "../session/session";

const MINIMAP = 36;

interface Props {
  session: Session;
  theme: Theme;
  width: number;
  height: number;
}

/** A canvas as sharp as the screen, painted after each drawing of the page. */
function useCanvas(width: number, height: number, paint: (pen: Pen) => void) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    const pen = element?.getContext("2d");
    if (!element || !pen || width < 1 || height < 1) return;
    const density = Math.min(3, window.devicePixelRatio || 1);
    const [wide, tall] = [Math.round(width * density), Math.round(height * density)];
    if (element.width !== wide || element.height !== tall) {
      element.width = wide;
      element.height = tall;
    }
    pen.setTransform(density, 0, 0, density, 0, 0);
    paint(pen);
  });
  return canvas;
}

export function Minimap({ session, theme, width }: Omit<Props, "height">) {
  const { whole } = session.scope;
  const columns = Math.max(1, Math.min(600, Math.floor(width / 2)));
  const density = session.once.get("density", `${session.trace.version}:${session.scope.root}:${columns}`, () =>
    densityOf(session.trace, whole, columns),
  );
  const canvas = useCanvas(width, MINIMAP, (pen) => paintMinimap(pen, theme, whole, session.zoom.range, width, MINIMAP, density));
  const moment = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    return whole.from + ((event.clientX - box.left) / box.width) * (whole.to - whole.from);
  };
  const drag = (event: PointerEvent) => {
    const first = moment(event);
    const { from, to } = session.zoom.range;
    const inside = first > from && first < to && to - from < (whole.to - whole.from) * 0.98;
    capture(event, (later) => {
      const here = moment(later);
      if (inside) session.zoom.to({ from: from + here - first, to: to + here - first });
      else if (Math.abs(here - first) > (whole.to - whole.from) / 400) session.zoom.to({ from: Math.min(first, here), to: Math.max(first, here) });
    });
  };
  return (
    <canvas
      ref={canvas} class="nbt-minimap" style={{ width, height: MINIMAP }} role="img" onPointerDown={drag}
      onDblClick={() => (session.zoom.fit(), session.changed())}
      aria-label="All of the time; drag to choose a part, double click for all"
    />
  );
}

/** Follow the pointer until it is let go. */
function capture(event: PointerEvent, move: (event: PointerEvent) => void, end?: (event: PointerEvent) => void): void {
  const element = event.currentTarget as HTMLElement;
  element.setPointerCapture(event.pointerId);
  const stop = (last: PointerEvent) => {
    element.removeEventListener("pointermove", move);
    element.removeEventListener("pointerup", stop);
    element.removeEventListener("pointercancel", stop);
    end?.(last);
  };
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", stop);
  element.addEventListener("pointercancel", stop);
}

/** Waterfall and flame graph in the order of time: both lie on the shared range. */
export function TimePicture({ session, theme, width, height }: Props) {
  const { trace, view } = session;
  const [over, hover] = useState(-1);
  const hovered = trace.indexOf(over); // by its row, which stays when others are forgotten
  const names = view === "waterfall" ? Math.round(Math.min(380, Math.max(130, width * 0.34))) : 0;
  const bars = Math.max(1, width - names);
  const lanes = view === "time" ? session.once.get("lanes", `${trace.version}:${session.scope.root}`, () => new Lanes(trace, session.scope.roots, session.lanes)) : undefined;
  const lines = view === "waterfall" ? session.lines : undefined;
  const content = lines ? lines.count * ROW : lanes!.lanes.length * LANE;
  const highest = Math.max(0, content + AXIS + 8 - height);
  if (session.wanted >= 0) {
    const y = lines ? lines.row.subarray(0, lines.count).indexOf(session.wanted) * ROW : lanes!.laneOf[session.wanted]! * LANE;
    if (y >= 0 && (y < session.scroll || y + ROW > session.scroll + height - AXIS)) session.scroll = y - (height - AXIS) / 2;
    session.wanted = -1;
  }
  session.scroll = Math.min(Math.max(0, session.scroll), highest);
  const canvas = useCanvas(width, height, (pen) => {
    const began = performance.now();
    const shared = {
      range: session.zoom.range, origin: session.scope.whole.from, scroll: session.scroll, selected: session.selected, hovered,
      ...(session.finder.matches && { matches: session.finder.matches }), ...(session.pills.has("critical") && { critical: session.scope.critical }),
    };
    if (lines) paintWaterfall(pen, theme, trace, { ...shared, lines, collapsed: session.folds.collapsed, names }, width, height);
    else paintLanes(pen, theme, lanes!, shared, width, height);
    if (highest > 0) {
      const tall = Math.max(20, ((height - AXIS) * height) / (content + AXIS));
      pen.fillStyle = theme.quiet;
      pen.globalAlpha = 0.45;
      pen.fillRect(width - 5, AXIS + (session.scroll / highest) * (height - AXIS - tall), 4, tall);
      pen.globalAlpha = 1;
    }
    session.painted = { count: session.painted.count + 1, ms: performance.now() - began };
  });
  const at = (event: MouseEvent): { row: number; group: boolean; share: number; x: number } => {
    const box = canvas.current!.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const share = Math.min(1, Math.max(0, (x - names) / bars));
    if (y < AXIS) return { row: -1, group: false, share, x };
    if (lines) {
      const line = Math.floor((y - AXIS + session.scroll) / ROW);
      return line < lines.count ? { row: lines.row[line]!, group: lines.members[line]! > 0, share, x } : { row: -1, group: false, share, x };
    }
    const { from, to } = session.zoom.range;
    const row = lanes!.at(Math.floor((y - AXIS + session.scroll) / LANE), from + share * (to - from), (to - from) / bars);
    return { row, group: false, share, x };
  };
  const click = (event: MouseEvent) => {
    const { row, group, x } = at(event);
    if (group) return session.folds.unfold(row);
    if (row >= 0 && lines && x < names && trace.tree.size[row]! > 1 && x < 20 + Math.min(trace.tree.depth[row]!, 24) * 14) {
      return session.folds.open(row, session.folds.collapsed.has(row));
    }
    session.select(row);
  };
  const press = (event: PointerEvent) => {
    if (event.button !== 0) return;
    const [x, y] = [event.clientX, event.clientY];
    const { from, to } = session.zoom.range;
    const scroll = session.scroll;
    let moved = false;
    capture(
      event,
      (later) => {
        if (Math.hypot(later.clientX - x, later.clientY - y) > 3) moved = true;
        if (!moved) return;
        const by = ((x - later.clientX) / bars) * (to - from);
        session.scroll = scroll + y - later.clientY;
        session.zoom.to({ from: from + by, to: to + by });
      },
      (later) => !moved && later.type === "pointerup" && click(later),
    );
  };
  const wheel = (event: WheelEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      event.preventDefault();
      session.zoom.by(Math.exp(Math.min(200, Math.max(-200, event.deltaY)) * 0.004), at(event).share);
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      session.zoom.pan((event.deltaX || event.deltaY) / bars);
    } else {
      const next = Math.min(Math.max(0, session.scroll + event.deltaY), highest);
      if (next === session.scroll) return; // at its end the page scrolls on
      event.preventDefault();
      session.scroll = next;
      session.changed();
    }
  };
  useEffect(() => {
    // Not by an attribute: those listen passively, and could not keep the page from scrolling.
    const element = canvas.current!;
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  });
  const twice = (event: MouseEvent) => {
    const { row, group } = at(event);
    if (row < 0 || group || row === session.scope.root) session.zoom.fit();
    else session.zoom.to(around(session, row));
    session.changed();
  };
  return (
    <canvas
      ref={canvas} class="nbt-canvas" style={{ width, height }} role="img" onPointerDown={press} onDblClick={twice}
      onMouseMove={(event) => hover(trace.row[at(event).row] ?? -1)} onMouseLeave={() => hover(-1)}
      aria-label={`${view === "waterfall" ? "Waterfall" : "Flame graph"} of ${count(trace.count, "span")}; a table follows`}
      title={hovered >= 0 ? `${plain(trace.nameOf(hovered))} — ${duration(trace.duration(hovered))}` : undefined}
    />
  );
}

/** The range that shows a span with a little room around it. */
export function around(session: Session, row: number) {
  const { trace } = session;
  const room = Math.max(trace.duration(row) * 0.04, 1e-4);
  return { from: trace.start[row]! - room, to: trace.endOf(row) + room };
}

/** Merged graphs: left-heavy, sandwich, difference. They have no time; a click selects the longest span of a box. */
export function MergedPicture({ session, theme, width, height }: Props) {
  const { trace, view } = session;
  const [hovered, hover] = useState<Box | undefined>();
  const [zoom, setZoom] = useState({ from: 0, to: 1 });
  const [scroll, setScroll] = useState(0);
  const scope = `${trace.version}:${session.scope.root}:${width}`;
  useEffect(() => (setZoom({ from: 0, to: 1 }), setScroll(0)), [view, session.scope.root, session.name, session.compared.join()]);
  const { found, title } = session.once.get(view, `${scope}:${view === "sandwich" ? session.name : ""}:${session.compared}`, () => layout(session, width));
  const deepest = found.reduce((most, box) => Math.max(most, box.level), 0);
  const highest = Math.max(0, (deepest + 1) * LANE - height);
  const top = Math.min(scroll, highest);
  const state = { zoom, scroll: top, hovered, selectedName: view === "sandwich" ? session.name : -1 };
  const canvas = useCanvas(width, height, (pen) => {
    const began = performance.now();
    paintBoxes(pen, theme, trace, found, state, width, height);
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
  const text = hovered && `${plain(trace.names[hovered.name] ?? "")} — ${describe(hovered)}`;
  return (
    <canvas
      ref={canvas} class="nbt-canvas" style={{ width, height }} role="img" aria-label={`${title}; the table view has the same in numbers`} title={text}
      onMouseMove={(event) => hover(at(event))} onMouseLeave={() => hover(undefined)}
      onClick={(event) => session.select(at(event)?.row ?? -1)}
      onDblClick={(event) => {
        const box = at(event);
        setZoom(box ? { from: box.from, to: box.to } : { from: 0, to: 1 });
      }}
    />
  );
}

function describe(box: Box): string {
  if (box.before !== undefined) return `${duration(box.before)} → ${duration(box.total)}`;
  return `${duration(box.total)}, ${duration(box.self)} of its own, ${count(box.count, "time")}`;
}

function layout(session: Session, width: number): { found: Box[]; title: string } {
  const { trace } = session;
  if (session.view === "compare") {
    const [before, after] = session.compared;
    if (before < 0 || after < 0) return { found: [], title: "Choose two cells to compare." };
    return { found: differenceBoxes(compare(trace, before, after).top, width), title: "Difference of two runs" };
  }
  if (session.view === "heavy") {
    const roots = session.scope.root < 0 ? trace.tree.roots : [session.scope.root];
    return { found: boxes(merge(trace, roots), width), title: "Flame graph by path of names, the heaviest left" };
  }
  if (session.name < 0) return { found: [], title: "Select a span, or click a name in the table: callers stand above it, callees below." };
  const rows = outermost(trace, session.name).filter((row) => session.scope.has(row));
  const above = boxes(callers(trace, rows), width, 0, 1);
  const levels = above.reduce((most, box) => Math.max(most, box.level + 1), 0);
  const below = boxes(merge(trace, rows), width, levels, 1);
  return { found: [...above.map((box) => ({ ...box, level: levels - 1 - box.level })), ...below], title: "Callers above, callees below" };
}
