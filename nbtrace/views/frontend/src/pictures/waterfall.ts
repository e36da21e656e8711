// The waterfall: a tree with names on the left, bars on a time axis on the right.

import { type Lines, members } from "../engine/folding";
import { ERROR, type Trace } from "../engine/trace";
import { count, duration } from "../engine/words";
import { AXIS, type Pen, ROW, type Range, TEXT, axis, cross, label } from "./canvas";
import { type Theme, colourOf } from "./colours";

const MAX_INDENT = 24;
const MAX_MEMBERS = 3_000;

export interface WaterfallState {
  lines: Lines;
  range: Range;
  origin: number;
  /** Pixels from the top that are scrolled away. */
  scroll: number;
  selected: number;
  hovered: number;
  critical?: { has(row: number): boolean };
  matches?: Uint8Array;
  collapsed: ReadonlySet<number>;
  names: number;
}

export function paintWaterfall(pen: Pen, theme: Theme, trace: Trace, state: WaterfallState, width: number, height: number): void {
  const { lines, range, names } = state;
  const left = names;
  const bars = width - left;
  pen.fillStyle = theme.ground;
  pen.fillRect(0, 0, width, height);
  axis(pen, theme, range, state.origin, left, bars, height);
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  const first = Math.max(0, Math.floor(state.scroll / ROW));
  const last = Math.min(lines.count, Math.ceil((state.scroll + height - AXIS) / ROW));
  const scale = bars / Math.max(range.to - range.from, 1e-9);
  for (let i = first; i < last; i++) {
    const row = lines.row[i]!;
    const y = AXIS + i * ROW - state.scroll;
    const many = lines.members[i]!;
    const depth = Math.min(trace.tree.depth[row]!, MAX_INDENT);
    paintLine(pen, theme, state, row, y, width);
    pen.save();
    pen.beginPath();
    pen.rect(0, Math.max(AXIS, y), left - 6, ROW);
    pen.clip();
    const x = 8 + depth * 14;
    const open = many ? false : !state.collapsed.has(row);
    if (many || trace.tree.size[row]! > 1) triangle(pen, theme, x, y + ROW / 2, open);
    pen.font = `${TEXT}px ${theme.font}`;
    pen.fillStyle = theme.text;
    const failed = trace.status(row) === ERROR;
    if (failed && !many) cross(pen, theme, x + 15, y + ROW / 2);
    const text = many ? `${trace.nameOf(row)} × ${many.toLocaleString("en-US")}` : trace.nameOf(row);
    label(pen, text, x + (failed && !many ? 24 : 10), y + ROW / 2, left - x - 14);
    pen.restore();
    pen.save();
    pen.beginPath();
    pen.rect(left, Math.max(AXIS, y), bars, ROW);
    pen.clip();
    if (many) {
      const all = members(trace, row);
      const step = Math.max(1, Math.floor(all.length / MAX_MEMBERS));
      for (let k = 0; k < all.length; k += step) bar(pen, theme, trace, all[k]!, left, y, scale, range, false);
      let [from, to] = [Infinity, -Infinity];
      for (const each of all) {
        from = Math.min(from, trace.start[each]!);
        to = Math.max(to, trace.endOf(each));
      }
      note(pen, theme, `${count(many, "time")}, ${duration(lines.total[i]!)}`, from, to, y, left, scale, range);
    } else {
      bar(pen, theme, trace, row, left, y, scale, range, true);
      if (state.critical?.has(row)) {
        pen.fillStyle = theme.critical;
        const [x0, x1] = pixels(trace, row, left, scale, range);
        pen.fillRect(x0, y + ROW - 4, Math.max(2, x1 - x0), 2);
      }
      const text = trace.isRunning(row) ? `running, ${duration(trace.duration(row))}` : trace.isUnfinished(row) ? "unfinished" : duration(trace.duration(row));
      note(pen, theme, text, trace.start[row]!, trace.endOf(row), y, left, scale, range);
    }
    pen.restore();
  }
  pen.fillStyle = theme.line;
  pen.fillRect(left - 1, 0, 1, height);
  if (!lines.count) {
    pen.fillStyle = theme.quiet;
    pen.font = `${TEXT}px ${theme.font}`;
    pen.fillText(trace.count ? "nothing matches" : "no spans yet", 12, AXIS + ROW / 2);
  }
}

function paintLine(pen: Pen, theme: Theme, state: WaterfallState, row: number, y: number, width: number): void {
  if (row === state.selected || row === state.hovered || state.matches?.[row]) {
    pen.fillStyle = state.matches?.[row] && row !== state.selected ? theme.match : theme.accent;
    pen.globalAlpha = row === state.selected ? 0.18 : state.matches?.[row] ? 0.55 : 0.07;
    pen.fillRect(0, Math.max(AXIS, y), width, ROW);
    pen.globalAlpha = 1;
  }
}

function pixels(trace: Trace, row: number, left: number, scale: number, range: Range): [number, number] {
  // Far outside the picture, coordinates lose their meaning: cut there.
  const x0 = Math.max(left - 10, left + (trace.start[row]! - range.from) * scale);
  const x1 = Math.min(left + (range.to - range.from) * scale + 10, left + (trace.endOf(row) - range.from) * scale);
  return [x0, x1];
}

function bar(pen: Pen, theme: Theme, trace: Trace, row: number, left: number, y: number, scale: number, range: Range, own: boolean): void {
  const [x0, x1] = pixels(trace, row, left, scale, range);
  if (x1 < left - 5) return;
  const wide = Math.max(1.5, x1 - x0);
  const running = trace.isRunning(row);
  pen.fillStyle = colourOf(trace.hues[trace.name[row]!]!, theme);
  pen.globalAlpha = own && trace.tree.size[row]! > 1 ? (theme.dark ? 0.62 : 0.5) : running ? 0.6 : 1;
  pen.fillRect(x0, y + 5, wide, ROW - 10);
  pen.globalAlpha = 1;
  if (own && trace.tree.size[row]! > 1 && wide > 3) selfTime(pen, trace, row, left, y, scale, range, x0, x1);
  if (running) {
    pen.strokeStyle = theme.accent;
    pen.lineWidth = 1;
    pen.setLineDash([4, 3]);
    pen.strokeRect(x0 + 0.5, y + 5.5, Math.max(1, wide - 1), ROW - 11);
    pen.setLineDash([]);
  }
  if (trace.status(row) === ERROR) {
    pen.strokeStyle = theme.error;
    pen.lineWidth = 1.5;
    pen.strokeRect(x0 + 0.5, y + 5.5, Math.max(1, wide - 1), ROW - 11);
  }
  const events = own ? trace.eventsOf(row) : undefined;
  if (events) {
    pen.fillStyle = trace.status(row) === ERROR ? theme.error : theme.text;
    let last = -Infinity;
    for (const moment of events) {
      const x = Math.round(left + (moment - range.from) * scale);
      if (x < left || x - last < 2) continue;
      pen.fillRect(x - 0.5, y + 3, 1.5, 5);
      last = x;
    }
  }
}

/** Where no child runs, the bar is full: the span's own time. */
function selfTime(
  pen: Pen, trace: Trace, row: number, left: number, y: number, scale: number, range: Range, x0: number, x1: number,
): void {
  const children = trace.tree.of(row);
  let reached = x0;
  for (let k = 0; k < children.length; k++) {
    if (k > MAX_MEMBERS) break;
    const child = children[k]!;
    const from = Math.min(x1, left + (trace.start[child]! - range.from) * scale);
    if (from - reached >= 1) pen.fillRect(reached, y + 5, from - reached, ROW - 10);
    reached = Math.max(reached, Math.min(x1, left + (trace.endOf(child) - range.from) * scale));
  }
  if (x1 - reached >= 1) pen.fillRect(reached, y + 5, x1 - reached, ROW - 10);
}

/** What stands beside a bar: behind it, before it where there is no room, else at the picture's edge. */
function note(pen: Pen, theme: Theme, text: string, start: number, end: number, y: number, left: number, scale: number, range: Range): void {
  const wide = text.length * 6.2;
  const right = left + (range.to - range.from) * scale;
  const [x0, x1] = [left + (start - range.from) * scale, left + (end - range.from) * scale];
  let at = x1 + 6;
  const clear = at + wide < right - 8 || x0 - wide - 6 > left;
  if (at + wide >= right - 8) at = x0 - wide - 6 > left ? x0 - wide - 6 : right - wide - 10;
  at = Math.max(at, left + 4);
  pen.font = `11px ${theme.font}`;
  if (!clear) {
    pen.fillStyle = theme.ground;
    pen.globalAlpha = 0.75;
    pen.fillRect(at - 3, y + 4, wide + 6, ROW - 8);
    pen.globalAlpha = 1;
  }
  pen.fillStyle = theme.quiet;
  pen.fillText(text, at, y + ROW / 2);
}

function triangle(pen: Pen, theme: Theme, x: number, y: number, open: boolean): void {
  pen.fillStyle = theme.quiet;
  pen.beginPath();
  if (open) {
    pen.moveTo(x - 4, y - 2);
    pen.lineTo(x + 4, y - 2);
    pen.lineTo(x, y + 4);
  } else {
    pen.moveTo(x - 2, y - 4);
    pen.lineTo(x + 4, y);
    pen.lineTo(x - 2, y + 4);
  }
  pen.closePath();
  pen.fill();
}
