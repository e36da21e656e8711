// Flame graphs: in the order of time, merged with the heavy side left, sandwiched around a name, and of a difference.

import type { Box } from "../engine/boxes";
import type { Lanes } from "../engine/lanes";
import { ERROR, type Trace } from "../engine/trace";
import { AXIS, LANE, type Pen, type Range, axis, cross, label } from "./canvas";
import { type Theme, changeColour, colourOf } from "./colours";

export interface FlameState {
  range: Range;
  origin: number;
  scroll: number;
  selected: number;
  hovered: number;
  matches?: Uint8Array;
  critical?: { has(row: number): boolean };
}

export function paintLanes(pen: Pen, theme: Theme, lanes: Lanes, state: FlameState, width: number, height: number): number {
  const { trace } = lanes;
  const { range } = state;
  pen.fillStyle = theme.ground;
  pen.fillRect(0, 0, width, height);
  axis(pen, theme, range, state.origin, 0, width, height);
  pen.save();
  pen.beginPath();
  pen.rect(0, AXIS, width, height - AXIS);
  pen.clip();
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  pen.font = `11px ${theme.font}`;
  const scale = width / Math.max(range.to - range.from, 1e-9);
  let drawn = 0;
  for (let lane = Math.max(0, Math.floor(state.scroll / LANE)); lane < lanes.lanes.length; lane++) {
    const y = AXIS + lane * LANE - state.scroll;
    if (y > height) break;
    const rows = lanes.lanes[lane]!;
    let place = lanes.after(lane, range.from);
    while (place < rows.length) {
      const row = rows[place]!;
      const start = trace.start[row]!;
      if (start >= range.to) break;
      const x0 = (start - range.from) * scale;
      const x1 = (trace.endOf(row) - range.from) * scale;
      drawn++;
      if (x1 - x0 < 1) {
        // Spans narrower than a pixel are drawn as one, up to the first that reaches the next pixel.
        const next = lanes.after(lane, range.from + (Math.floor(x0) + 1) / scale);
        const end = Math.max(place + 1, next);
        let marked = trace.status(row) === ERROR;
        for (let k = place; k < Math.min(end, place + 50) && !marked; k++) marked = trace.status(rows[k]!) === ERROR;
        pen.fillStyle = marked ? theme.error : theme.quiet;
        pen.globalAlpha = marked ? 1 : 0.55;
        pen.fillRect(Math.floor(x0), y + 1, 1, LANE - 2);
        pen.globalAlpha = 1;
        place = end;
        continue;
      }
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
      if (state.critical?.has(row)) {
        pen.fillStyle = theme.critical;
        pen.fillRect(left, y + LANE - 3, wide, 2);
      }
      if (wide > 22) {
        const failed = trace.status(row) === ERROR;
        if (failed) cross(pen, theme, left + 9, y + LANE / 2);
        pen.fillStyle = theme.text;
        label(pen, trace.nameOf(row), left + (failed ? 17 : 4), y + LANE / 2 + 0.5, wide - (failed ? 20 : 8));
      }
      pen.globalAlpha = 1;
    }
  }
  pen.restore();
  return drawn;
}

function outline(pen: Pen, colour: string, x: number, y: number, wide: number, line: number): void {
  pen.strokeStyle = colour;
  pen.lineWidth = line;
  pen.strokeRect(x + line / 2, y + 1 + line / 2, Math.max(1, wide - line - 0.6), LANE - 2 - line);
}

export interface BoxState {
  /** The part of the width that is shown, from 0 to 1. */
  zoom: Range;
  scroll: number;
  hovered: Box | undefined;
  selectedName: number;
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
  for (const box of found) {
    const y = box.level * LANE - state.scroll;
    const x0 = Math.max(0, (box.from - state.zoom.from) * scale);
    const wide = Math.min(width, (box.to - state.zoom.from) * scale) - x0;
    if (wide < 0.5 || y + LANE < 0 || y > height) continue;
    const name = trace.names[box.name] ?? "";
    pen.fillStyle = box.before === undefined ? colourOf(trace.hues[box.name] ?? 1, theme) : changeColour(box.before, box.total, theme);
    pen.fillRect(x0, y + 1, Math.max(1, wide - 0.6), LANE - 2);
    if (box.errors) outline(pen, theme.error, x0, y, wide, 1.5);
    if (box === state.hovered || box.name === state.selectedName) outline(pen, theme.accent, x0, y, wide, box === state.hovered ? 2 : 1);
    if (wide > 22) {
      pen.fillStyle = theme.text;
      label(pen, name, x0 + 4, y + LANE / 2 + 0.5, wide - 8);
    }
  }
}

export function boxAt(found: readonly Box[], state: BoxState, x: number, y: number, width: number): Box | undefined {
  const level = Math.floor((y + state.scroll) / LANE);
  const at = state.zoom.from + (x / width) * (state.zoom.to - state.zoom.from);
  return found.find((box) => box.level === level && box.from <= at && at < box.to);
}
