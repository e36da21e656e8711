// Above the pictures in the order of time: where a person goes back and forward, folds what is idle, and the minimap, on the axis of what is below.

import type { ComponentChildren } from "preact";
import { lines } from "../engine/folding";
import { ERROR } from "../engine/trace";
import { Scale } from "../pictures/scale";
import { type Bar, MOST_LINES, densityOf, paintMinimap } from "../pictures/minimap";
import { namesWidth } from "../pictures/waterfall";
import type { Session } from "../session/session";
import { type PictureProps, capture, useCanvas } from "./canvas";

const MINIMAP = 32;
/** Of more spans the lines are not laid out for the minimap alone. */
const MOST_SPANS = 20_000;
/** So few lines leave room for frames: so deep, and none that is shorter than this part of the whole. */
const FEW_LINES = 4;
const MOST_FRAMES = 10;
const LEAST = 1 / 300;

export function TimeBar({ session, theme, width, children }: Omit<PictureProps, "height"> & { children?: ComponentChildren }) {
  // Beside the axis where there is something; else at the bottom.
  const left = session.view === "waterfall" ? namesWidth(width) : 0;
  return (
    <div class="nbt-timebar">
      {left > 0 && <div style={{ width: left }}><Travels session={session} />{children}</div>}
      <Minimap session={session} theme={theme} width={Math.max(1, width - left)} />
    </div>
  );
}

/** Back and forward, and folding what is idle. */
export function Travels({ session: { zoom, idle } }: { session: Session }) {
  const { stretches } = idle.timeline;
  const pressed = idle.folded && stretches.some((each) => each.folded);
  return (
    <>
      <button type="button" class="nbt-small" disabled={!zoom.can(-1)} aria-label="what was shown before" title="what was shown before (Backspace)" onClick={() => zoom.travel(-1)}>←</button>
      <button type="button" class="nbt-small" disabled={!zoom.can(1)} aria-label="forward again" title="forward again (Shift + Backspace)" onClick={() => zoom.travel(1)}>→</button>
      {(stretches.length > 0 || idle.waits) && (
        <button type="button" class="nbt-small" aria-pressed={pressed} title={`fold the time in which nothing ran${idle.waits ? ", and waits" : ""} (i; with waits inside a trace I)`} onClick={() => idle.toggle()}>
          {idle.waits ? "fold waits" : "fold idle"}
        </button>
      )}
    </>
  );
}

/** The lines of the waterfall, where few enough can be told apart; of hardly any the frames of the first thread below. Nothing of groups,
 * which a person has chosen. */
function barsOf(session: Session): Bar[] | undefined {
  const { trace, groups } = session;
  if (groups || trace.count > MOST_SPANS) return undefined;
  return session.once.get("bars", `${session.samples.version}:${session.folds.version}`, () => {
    const { row, count, until } = lines(trace, { collapsed: session.folds.collapsed, unfolded: session.folds, ...(session.scope.roots && { roots: session.scope.roots }) });
    if (count > MOST_LINES) return undefined;
    const bars = Array.from({ length: count }, (_, line) => ({ from: trace.start[row[line]!]!, to: until[line]!, hue: trace.hues[trace.name[row[line]!]!]!, line }));
    const { threads: [thread], symbols } = session.samples;
    const { from, to } = session.scope.whole;
    for (let depth = 0; thread && count <= FEW_LINES && depth < Math.min(MOST_FRAMES, thread.depth); depth++) {
      for (let box = thread.offset[depth]!; box < thread.offset[depth + 1]!; box++) {
        const bar = { from: thread.start(box), to: thread.end(box), hue: symbols.hue(thread.symbol(box)), line: count + depth };
        if (bar.to - bar.from > (to - from) * LEAST) bars.push(bar);
      }
    }
    return bars;
  });
}

function Minimap({ session, theme, width }: Omit<PictureProps, "height">) {
  const { scope: { whole }, idle: { timeline, key } } = session;
  const columns = Math.max(1, Math.min(600, Math.floor(width / 2)));
  const density = session.once.get("density", `${key}:${columns}`, () => densityOf(session.trace, whole, columns, timeline, session.scope.rows()));
  const { trace } = session;
  const failed = session.once.get("failed moments", `${trace.version}:${session.scope.root}`, () => Float64Array.from(session.scope.rows().filter((row) => trace.status(row) === ERROR), (row) => trace.endOf(row)));
  const canvas = useCanvas(width, MINIMAP, (pen) => paintMinimap(pen, theme, whole, session.zoom.range, width, MINIMAP, density, failed, barsOf(session), timeline));
  const drag = (event: PointerEvent) => {
    const { left, width: wide } = canvas.current!.getBoundingClientRect();
    const scale = new Scale(whole, left, wide, timeline);
    const { zoom } = session;
    const first = event.clientX;
    const { from, to } = zoom.shown;
    const [x0, x1] = [scale.x(zoom.range.from), scale.x(zoom.range.to)];
    const inside = first > x0 && first < x1 && x1 - x0 < wide * 0.98;
    zoom.hold();
    capture(
      event,
      (later) => {
        const by = (later.clientX - first) / scale.perMs;
        if (inside) zoom.toShown({ from: from + by, to: to + by });
        else if (Math.abs(later.clientX - first) > wide / 400) (session.brushed = true), zoom.to({ from: scale.at(Math.min(first, later.clientX)), to: scale.at(Math.max(first, later.clientX)) });
      },
      () => zoom.release(),
    );
  };
  return (
    <canvas
      ref={canvas} class="nbt-minimap" style={{ width, height: MINIMAP }} role="img" onPointerDown={drag}
      onDblClick={() => (session.zoom.fit(), session.changed())}
      aria-label="All of the time; drag to choose a part, double click for all"
    />
  );
}
