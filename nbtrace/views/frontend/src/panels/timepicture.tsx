// Waterfall and flame graph in the order of time: what is painted, and what hands do there.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { LEAF, members } from "../engine/folding";
import { lineInRange } from "../engine/inrange";
import { Lanes } from "../engine/lanes";
import type { SampledThread } from "../engine/threads";
import type { Stretch } from "../engine/timeline";
import { type Tip, frameTip } from "../engine/tip";
import { count, duration } from "../engine/words";
import { AXIS, LANE, ROW } from "../pictures/canvas";
import { paintLanes } from "../pictures/flame";
import { type Place, laneAt, lanesOf, paintThreads, placeAt } from "../pictures/frames";
import { Scale } from "../pictures/scale";
import { namesWidth, paintWaterfall, timeOf, titleOf, turnOf } from "../pictures/waterfall";
import type { Session } from "../session/session";
import { type PictureProps, capture, useCanvas } from "./canvas";
import { overSpan } from "./tip";

/** So long a drawing takes, in ms, for which there is no time at each frame of the screen. */
const COSTLY = 3;

/** Waterfall and flame graph in the order of time: both lie on the shared range. */
export function TimePicture({ session, theme, width, height, want }: PictureProps) {
  const { trace, view } = session;
  const [over, hover] = useState(-1);
  const hovered = trace.indexOf(over); // by its row, which stays when others are forgotten
  const names = view === "waterfall" ? namesWidth(width) : 0;
  const bars = Math.max(1, width - names);
  const { timeline } = session.idle;
  const lanes = view === "time" ? session.once.get("lanes", `${trace.version}:${session.scope.root}`, () => new Lanes(trace, session.scope.roots, session.lanes)) : undefined;
  const lines = view === "waterfall" ? session.lines : undefined;
  const { samples } = session;
  const { whole } = session.scope;
  const threads = lanes && session.frames ? samples.threads.filter((each) => each.overlaps(whole)) : [];
  const above = lanes?.lanes.length ?? 0;
  const [pointed, point] = useState<{ place: Place | undefined; version: string }>({ place: undefined, version: "" });
  const place = pointed.version === samples.version && threads.length ? pointed.place : undefined;
  const content = lines ? lines.count * ROW : (above + lanesOf(threads)) * LANE;
  const seen = useRef("");
  const dragged = useRef(false);
  const highest = Math.max(0, content + AXIS + 8 - height);
  useLayoutEffect(() => want?.(content + AXIS + 8));
  // What was selected stays in sight where the panel below makes the picture lower.
  const tall = useRef(height);
  if (lines && session.wanted < 0 && height < tall.current) {
    const y = lines.row.subarray(0, lines.count).indexOf(session.selected) * ROW;
    if (y >= session.scroll && y + ROW <= session.scroll + tall.current - AXIS) session.wanted = session.selected;
  }
  tall.current = height;
  if (session.wanted >= 0) {
    const y = lines ? lines.row.subarray(0, lines.count).indexOf(session.wanted) * ROW : lanes!.laneOf[session.wanted]! * LANE;
    if (y >= 0 && (y < session.scroll || y + ROW > session.scroll + height - AXIS)) session.scroll = y - (height - AXIS) / 2;
    session.wanted = -1;
  }
  if (session.wantedFrame && threads.length) {
    session.wantedFrame = false;
    const found = longest(threads, session.name);
    if (found) {
      const y = laneAt(threads, found, above) * LANE;
      if (y < session.scroll || y + LANE > session.scroll + height - AXIS) session.scroll = y - (height - AXIS) / 2;
      const scale = new Scale(session.zoom.range, names, bars, timeline);
      const [start, end] = [threads[found.thread]!.start(found.box), threads[found.thread]!.end(found.box)];
      if (scale.x(end) < names || scale.x(start) > width || scale.x(end) - scale.x(start) < 20) session.zoom.to({ from: start - (end - start) * 5, to: end + (end - start) * 5 });
    }
  }
  // Another part of the time, of which nothing is seen: its first line comes to the top. A hand that drags knows where it is.
  const { from, to } = session.zoom.range;
  if (lines && !dragged.current && (session.brushed || seen.current !== `${from} ${to}`)) {
    const first = Math.floor(session.scroll / ROW);
    const line = lineInRange(trace, lines, session.zoom.range, first, Math.min(lines.count, Math.ceil((session.scroll + height - AXIS) / ROW)), session.brushed);
    if (line >= 0) session.scroll = line * ROW;
    session.brushed = false;
  }
  seen.current = `${from} ${to}`;
  session.scroll = Math.min(Math.max(0, session.scroll), highest);
  // What is costly to draw comes in full when the hand rests.
  const inFull = useRef(0);
  const moving = threads.length > 0 && session.zoom.moving && inFull.current > COSTLY;
  useEffect(() => {
    if (!moving) return;
    const timer = setTimeout(session.changed, 150);
    return () => clearTimeout(timer);
  });
  const canvas = useCanvas(width, height, (pen) => {
    const began = performance.now();
    const shared = {
      range: session.zoom.range, timeline, origin: session.scope.whole.from, scroll: session.scroll, selected: session.selected, hovered,
      ...(session.finder.matches && { matches: session.finder.matches }), ...(session.pills.has("critical") && { critical: session.scope.steps }),
    };
    if (lines) paintWaterfall(pen, theme, trace, { ...shared, lines, names }, width, height);
    else paintLanes(pen, theme, lanes!, shared, width, height);
    if (threads.length) {
      const state = { range: shared.range, timeline, scroll: shared.scroll, above, hovered: place, selectedName: session.name, matches: session.finder.symbols, moving };
      paintThreads(pen, theme, samples.symbols, threads, state, width, height);
    }
    if (highest > 0) {
      const tall = Math.max(20, ((height - AXIS) * height) / (content + AXIS));
      pen.fillStyle = theme.quiet;
      pen.globalAlpha = 0.45;
      pen.fillRect(width - 5, AXIS + (session.scroll / highest) * (height - AXIS - tall), 4, tall);
      pen.globalAlpha = 1;
    }
    session.painted = { count: session.painted.count + 1, ms: performance.now() - began };
    if (!moving) inFull.current = session.painted.ms;
  });
  const scale = new Scale(session.zoom.range, names, bars, timeline);
  const at = (event: MouseEvent): { row: number; group: boolean; share: number; x: number; place?: Place | undefined; idle?: Stretch | undefined } => {
    const box = canvas.current!.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const share = Math.min(1, Math.max(0, (x - names) / bars));
    const moment = scale.at(x);
    const idle = x >= names ? timeline.within({ from: moment, to: moment })[0] : undefined;
    if (y < AXIS) return { row: -1, group: false, share, x, idle };
    if (lines) {
      const line = Math.floor((y - AXIS + session.scroll) / ROW);
      const row = line < lines.count ? lines.row[line]! : -1;
      const broken = idle?.folded && !(row >= 0 && trace.since(row) <= idle.from && trace.endOf(row) >= idle.to) ? idle : undefined;
      return { row, group: row >= 0 && lines.members[line]! > 0, share, x, idle: broken };
    }
    const lane = Math.floor((y - AXIS + session.scroll) / LANE);
    const pixel = 1 / scale.perMs;
    const place = lane >= above ? placeAt(threads, lane - above, moment, pixel) : undefined;
    const row = lane < above ? lanes!.at(lane, moment, pixel) : -1;
    return { row, group: false, share, x, place, idle: row < 0 && !place && idle?.folded ? idle : undefined };
  };
  const click = (event: MouseEvent) => {
    const { row, group, x, place, idle } = at(event);
    if (idle) return session.idle.turn(idle);
    if (place) return session.call(threads[place.thread]!.symbol(place.box), pointedAt(session, threads[place.thread]!, place));
    if (group) return session.folds.unfold(row);
    const line = row === -1 || !lines ? -1 : lines.row.subarray(0, lines.count).indexOf(row);
    if (row < -1 || (line >= 0 && lines!.state[line] !== LEAF && x < turnOf(lines!.depth[line]!))) return session.folds.open(row, session.folds.closed.has(row));
    session.select(row);
  };
  const press = (event: PointerEvent) => {
    if (event.button !== 0) return;
    const [x, y] = [event.clientX, event.clientY];
    const { from, to } = session.zoom.shown;
    const scroll = session.scroll;
    let moved = false;
    session.zoom.hold();
    capture(
      event,
      (later) => {
        if (Math.hypot(later.clientX - x, later.clientY - y) > 3) moved = true;
        dragged.current = moved;
        if (!moved) return;
        const by = ((x - later.clientX) / bars) * (to - from);
        session.scroll = scroll + y - later.clientY;
        session.zoom.toShown({ from: from + by, to: to + by });
      },
      (later) => {
        dragged.current = false;
        session.zoom.release();
        if (!moved && later.type === "pointerup") click(later);
      },
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
    const { row, group, place, idle } = at(event);
    if (idle) return; // two clicks have opened and folded it
    if (place) {
      const { [place.thread]: thread } = threads;
      const [start, end] = [thread!.start(place.box), thread!.end(place.box)];
      session.zoom.to({ from: start - (end - start) * 0.04, to: end + (end - start) * 0.04 });
    } else if (row < -1) return; // both clicks have been heard
    else if (row < 0 || group || row === session.scope.root) session.zoom.fit();
    else session.zoom.to(around(session, row));
    session.changed();
  };
  return (
    <canvas
      ref={canvas} class="nbt-canvas" style={{ width, height }} role="img" onPointerDown={press} onDblClick={twice}
      onMouseMove={(event) => {
        const { row, group, place: now, idle } = at(event);
        event.currentTarget.style.cursor = idle ? "pointer" : "";
        hover(trace.row[row] ?? -1);
        if (now?.box !== place?.box || now?.thread !== place?.thread) point({ place: now, version: samples.version });
        if (event.buttons) session.pointed.leave();
        else if (idle) session.pointed.over(event, `idle ${idle.from} ${idle.folded}`, () => idleTip(idle));
        else if (group || row < -1) session.pointed.over(event, `line ${row}:${session.folds.version}`, () => manyTip(session, lines!.row.subarray(0, lines!.count).indexOf(row)));
        else if (row >= 0) overSpan(session, event, row);
        else if (now) session.pointed.over(event, `frame ${now.thread}:${now.box}:${samples.version}`, () => pointedAt(session, threads[now.thread]!, now));
        else session.pointed.leave();
      }}
      onMouseLeave={() => (hover(-1), point({ place: undefined, version: "" }), session.pointed.leave())}
      aria-label={`${view === "waterfall" ? "Waterfall" : "Flame graph"} of ${count(trace.count, "span")}; a table follows`}
    />
  );
}

function idleTip({ from, to, folded }: Stretch): Tip {
  return { title: "nothing ran", facts: [["for", duration(to - from)], ["", folded ? "a click opens it, i all of them" : "a click folds it, i all of them"]] };
}

/** Of a line that stands for several spans: repeated siblings, or a lane. */
function manyTip({ trace, lines }: Session, line: number): Tip {
  const many = members(trace, lines, line);
  const longest = many.reduce((most, each) => Math.max(most, trace.duration(each)), 0);
  const failed = lines.hidden[line]!;
  const facts: Tip["facts"] = [["duration", timeOf(trace, lines, line)], ["longest", duration(longest)]];
  if (failed) facts.push(["status", `✗ ${count(failed, "error")}`]);
  if (lines.members[line]) facts.push(["", "a click shows each"]);
  return { title: titleOf(trace, lines, line), facts, failed: failed > 0 };
}

function pointedAt({ samples }: Session, thread: SampledThread, { box }: Place): Tip {
  const [from, to] = [thread.first[box]!, thread.last[box]! + 1];
  return frameTip(samples.symbols, thread.symbol(box), thread.own(box), to - from, thread.sums.of(from, to));
}

/** The longest box of a frame. */
function longest(threads: readonly SampledThread[], symbol: number): Place | undefined {
  let found: Place | undefined;
  let most = -1;
  threads.forEach((thread, number) => {
    const { box, depth } = thread.longest(symbol);
    if (box < 0 || thread.end(box) - thread.start(box) <= most) return;
    most = thread.end(box) - thread.start(box);
    found = { thread: number, depth, box };
  });
  return found;
}

/** The range that shows a span with a little room around it. */
export function around(session: Session, row: number) {
  const { trace } = session;
  const room = Math.max((trace.endOf(row) - trace.since(row)) * 0.04, 1e-4);
  return { from: trace.since(row) - room, to: trace.endOf(row) + room };
}
