// Flame graphs: in the order of time, merged with the heavy side left, sandwiched around a name, and of a difference.

import type { Box } from "../engine/boxes";
import type { Step } from "../engine/criticalpath";
import type { Lanes } from "../engine/lanes";
import { FIRST_SYMBOL, type Symbols } from "../engine/symbols";
import { WAITING, modeOf } from "../engine/parts";
import { ERROR, type Trace } from "../engine/trace";
import type { Timeline } from "../engine/timeline";
import { duration } from "../engine/words";
import { AXIS, LANE, type Pen, type Range, cross, label, numbered, outline } from "./canvas";
import { type Theme, changeColour, colourOf, frameColourAt, frameColours } from "./colours";
import { Finish } from "./frames";
import { paintPath } from "./path";
import { Scale, axis } from "./scale";

/** Bars that are narrower have no room for a number. */
const NUMBERED = 60;

export interface FlameState {
  range: Range;
  /** How time is folded; without one it is not. */
  timeline?: Timeline;
  origin: number;
  scroll: number;
  selected: number;
  hovered: number;
  matches?: Uint8Array;
  critical?: readonly (readonly Step[])[];
}

export function paintLanes(pen: Pen, theme: Theme, lanes: Lanes, state: FlameState, width: number, height: number): number {
  const { trace } = lanes;
  const { range } = state;
  pen.fillStyle = theme.ground;
  pen.fillRect(0, 0, width, height);
  const scale = new Scale(range, 0, width, state.timeline);
  axis(pen, theme, scale, state.origin, height);
  pen.save();
  pen.beginPath();
  pen.rect(0, AXIS, width, height - AXIS);
  pen.clip();
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  pen.font = `11px ${theme.font}`;
  let drawn = 0;
  for (let lane = Math.max(0, Math.floor(state.scroll / LANE)); lane < lanes.lanes.length; lane++) {
    const y = AXIS + lane * LANE - state.scroll;
    if (y > height) break;
    const rows = lanes.lanes[lane]!;
    let place = lanes.after(lane, range.from);
    // Neighbouring columns of a colour are one rectangle.
    let [from, to, failing] = [0, 0, false];
    const flush = () => {
      if (to <= from) return;
      pen.fillStyle = failing ? theme.error : theme.quiet;
      pen.globalAlpha = failing ? 1 : 0.55;
      pen.fillRect(from, y + 1, failing ? Math.max(3, to - from) : to - from, LANE - 2);
      pen.globalAlpha = 1;
      from = to = 0;
    };
    while (place < rows.length) {
      const row = rows[place]!;
      const start = trace.start[row]!;
      if (start >= range.to) break;
      const x0 = scale.x(start);
      const x1 = scale.x(trace.endOf(row));
      drawn++;
      if (x1 - x0 < 1) {
        // Spans narrower than a pixel are drawn as one, up to the first that reaches the next pixel.
        const next = lanes.after(lane, scale.at(Math.floor(x0) + 1));
        const end = Math.max(place + 1, next);
        let marked = trace.status(row) === ERROR;
        for (let k = place; k < Math.min(end, place + 50) && !marked; k++) marked = trace.status(rows[k]!) === ERROR;
        const pixel = Math.floor(x0);
        if (pixel > to || marked !== failing) flush();
        if (to <= from) from = pixel;
        [to, failing] = [pixel + 1, marked];
        place = end;
        continue;
      }
      flush();
      place++;
      const left = Math.max(0, x0);
      const wide = Math.min(width, x1) - left;
      const faded = state.matches && !state.matches[row];
      pen.fillStyle = colourOf(trace.hues[trace.name[row]!]!, theme);
      pen.globalAlpha = faded ? 0.35 : 1;
      pen.fillRect(left, y + 1, Math.max(1, wide - 0.6), LANE - 2);
      if (state.matches?.[row]) outline(pen, theme.dark ? "#ffe27a" : "#8a6d00", left, y, wide, 1.5);
      if (trace.isRunning(row)) {
        pen.setLineDash([4, 3]);
        outline(pen, theme.accent, left, y, wide, 1);
        pen.setLineDash([]);
      }
      if (trace.status(row) === ERROR) outline(pen, theme.error, left, y, wide, 1.5);
      if (row === state.selected || row === state.hovered) outline(pen, theme.accent, left, y, wide, row === state.selected ? 2.5 : 1);
      if (wide > 22) {
        const failed = trace.status(row) === ERROR;
        if (failed) cross(pen, theme, left + 9, y + LANE / 2);
        pen.fillStyle = theme.text;
        const room = wide - (failed ? 20 : 8);
        const title = trace.titleOf(row);
        const text = wide > NUMBERED ? numbered(title, trace.isRunning(row) ? "running" : duration(trace.duration(row)), room) : title;
        label(pen, text, left + (failed ? 17 : 4), y + LANE / 2 + 0.5, room);
      }
      pen.globalAlpha = 1;
    }
    flush();
  }
  if (state.critical) paintPath(pen, theme, state.critical, scale, (row) => AXIS + (lanes.laneOf[row]! + 1) * LANE - state.scroll - 3);
  pen.restore();
  return drawn;
}

export interface BoxState {
  /** The part of the width that is shown, from 0 to 1. */
  zoom: Range;
  scroll: number;
  hovered: Box | undefined;
  selectedName: number;
  /** What sampled frames are called; without them there are none. */
  symbols?: Symbols;
  /** What a search has found: names of spans, and symbols from the first on. */
  found?: { names: ReadonlySet<number>; symbols: Uint8Array | undefined } | undefined;
}

export function paintBoxes(
  pen: Pen, theme: Theme, trace: Pick<Trace, "names" | "hues">, found: readonly Box[], state: BoxState, width: number, height: number,
): void {
  pen.fillStyle = theme.ground;
  pen.fillRect(0, 0, width, height);
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  pen.font = `11px ${theme.font}`;
  const scale = width / Math.max(state.zoom.to - state.zoom.from, 1e-9);
  const finish = new Finish();
  const colours = frameColours(theme);
  for (const box of found) {
    const y = box.level * LANE - state.scroll;
    const x0 = Math.max(0, (box.from - state.zoom.from) * scale);
    const wide = Math.min(width, (box.to - state.zoom.from) * scale) - x0;
    if (wide < 0.5 || y + LANE < 0 || y > height) continue;
    const isSpan = box.name < FIRST_SYMBOL;
    const matched = isSpan ? state.found?.names.has(box.name) : state.found?.symbols?.[box.name - FIRST_SYMBOL] === 1;
    const faded = state.found && !matched && (isSpan || state.found.symbols);
    if (isSpan) {
      pen.fillStyle = box.before === undefined ? colourOf(trace.hues[box.name] ?? 1, theme) : changeColour(box.sure ? box.before : box.total, box.total, theme);
      pen.globalAlpha = faded ? 0.35 : 1;
      pen.fillRect(x0, y + 1, Math.max(1, wide - 0.6), LANE - 2);
    } else {
      const { total, native, waiting } = box.parts ?? { total: box.total, native: 0, waiting: 0 };
      const mode = modeOf(total, native, waiting);
      const ground = colours[frameColourAt(state.symbols?.hue(box.name) ?? 0, faded ? WAITING : mode, box.name)]!;
      pen.fillStyle = ground;
      pen.fillRect(x0, y, wide > 4 ? wide - 1 : wide, LANE - 1);
      if (!faded) finish.texture(mode, x0, y, wide - 1, LANE - 1);
      if (wide > 22) finish.label(numbered(state.symbols?.text(box.name) ?? "", `~${duration(box.total)}`, wide - 9), x0, y, wide - 1, faded ? theme.quiet : theme.text);
    }
    if (matched) outline(pen, theme.dark ? "#ffe27a" : "#8a6d00", x0, y, wide, 1.5);
    if (box.errors) outline(pen, theme.error, x0, y, wide, 1.5);
    if (box === state.hovered || box.name === state.selectedName) outline(pen, theme.accent, x0, y, wide, box === state.hovered ? 2 : 1);
    if (isSpan && wide > 22) {
      pen.fillStyle = theme.text;
      const number = box.before === undefined ? duration(box.total) : `${duration(box.before)} → ${duration(box.total)}`;
      label(pen, numbered(trace.names[box.name] ?? "", number, wide - 8), x0 + 4, y + LANE / 2 + 0.5, wide - 8);
    }
    pen.globalAlpha = 1;
  }
  finish.draw(pen, theme);
}

/** Words in a level of their own. */
export function paintNote(pen: Pen, theme: Theme, text: string, level: number, { scroll }: BoxState, width: number): void {
  pen.font = `11px ${theme.font}`;
  pen.fillStyle = theme.quiet;
  label(pen, text, 4, level * LANE - scroll + LANE / 2 + 0.5, width - 8);
}

export function boxAt(found: readonly Box[], state: BoxState, x: number, y: number, width: number): Box | undefined {
  const level = Math.floor((y + state.scroll) / LANE);
  const at = state.zoom.from + (x / width) * (state.zoom.to - state.zoom.from);
  return found.find((box) => box.level === level && box.from <= at && at < box.to);
}
