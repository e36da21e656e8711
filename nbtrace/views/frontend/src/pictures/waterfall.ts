// The waterfall: a tree with names on the left, bars on a time axis on the right.

import type { Step } from "../engine/criticalpath";
import { LEAF, type Lines, OPEN, members } from "../engine/folding";
import { ERROR, type Trace } from "../engine/trace";
import type { Timeline } from "../engine/timeline";
import { took } from "../engine/wall";
import { type Waited, longestWait, waitedOf } from "../engine/waits";
import { count, duration, plain } from "../engine/words";
import { AXIS, type Pen, ROW, type Range, TEXT, cross, hatch, label } from "./canvas";
import { type Theme, barColour } from "./colours";
import { paintPath } from "./path";
import { Scale, axis } from "./scale";

const MAX_INDENT = 24;
const MAX_MEMBERS = 3_000;
const FADES = 6;
/** So wide is at least what failed. */
const LEAST_ERROR = 4;
/** The number of the colour of cells. */
const CELL = 0;

/** How wide the names are. */
export function namesWidth(width: number): number {
  return Math.round(Math.min(380, Math.max(130, width * 0.34)));
}

export interface WaterfallState {
  lines: Lines;
  range: Range;
  /** How time is folded; without one it is not. */
  timeline?: Timeline;
  origin: number;
  /** Pixels from the top that are scrolled away. */
  scroll: number;
  selected: number;
  hovered: number;
  critical?: readonly (readonly Step[])[];
  matches?: Uint8Array;
  names: number;
}

/** How far from the left the mark reaches that opens and closes a line so deep. */
export function turnOf(depth: number): number {
  return 20 + Math.min(depth, MAX_INDENT) * 14;
}

/** What siblings of a line did if all did the same, else their name; kept until captions come. */
function didOf(trace: Trace, lines: Lines, line: number): string {
  const key = `${line} ${trace.captions.size}`;
  let did = lines.did.get(key);
  if (did === undefined) {
    const [first, ...rest] = trace.captions.size ? members(trace, lines, line) : [];
    const head = first !== undefined && trace.captionOf(first)[0];
    const same = rest.every((row) => trace.captionOf(row)[0] === head);
    // How requests ended is said where all ended so.
    const what = (text: string) => (same ? text : text.replace(/ [1-5]\d\d$/, ""));
    did = head && rest.every((row) => what(trace.captionOf(row)[0]) === what(head)) ? what(head) : trace.nameOf(lines.row[line]!);
    lines.did.set(key, did);
  }
  return did;
}

/** What a line is called. */
export function titleOf(trace: Trace, lines: Lines, line: number): string {
  const { row, members, groups } = lines;
  const id = row[line]!;
  if (id < 0) {
    const { name, spans, tasks } = groups!.groupOf(id);
    return `${name} · ${count(spans, "span")}${tasks ? ` · ${count(tasks, "task")}` : ""}`;
  }
  return members[line] ? `${plain(didOf(trace, lines, line), 100)} × ${members[line]!.toLocaleString("en-US")}` : plain(trace.captionOf(id)[0], 100);
}

/** How long it took, and how long it waited before. */
export function timeOf(trace: Trace, lines: Lines, line: number): string {
  const { row, members: { [line]: many }, total: { [line]: total }, sum } = lines;
  const id = row[line]!;
  if (id < 0) return took(total!, sum[line]!);
  const ran = many ? total! : trace.duration(id);
  const longest = trace.waitOf(id) ? longestWait(trace, many ? members(trace, lines, line) : [id], ran) : 0;
  const waited = longest ? `, waited ${many ? "up to " : ""}${duration(longest)}` : "";
  if (many) return took(ran, sum[line]!) + waited;
  return (trace.isUnfinished(id) ? "unfinished" : (trace.isRunning(id) ? "running, " : "") + duration(ran)) + waited;
}

/** How much of it there was, tokens and rows, where that is known of the one span of a line; "" elsewhere. */
export function amountOf(trace: Trace, { row, members }: Lines, line: number): string {
  const rest = row[line]! < 0 || members[line] ? "" : trace.captionOf(row[line]!)[1];
  return rest && ` · ${plain(rest, 60)}`;
}

export function paintWaterfall(pen: Pen, theme: Theme, trace: Trace, state: WaterfallState, width: number, height: number): void {
  const { lines, names } = state;
  const left = names;
  const bars = width - left;
  const scale = new Scale(state.range, left, bars, state.timeline);
  pen.fillStyle = theme.ground;
  pen.fillRect(0, 0, width, height);
  axis(pen, theme, scale, state.origin, height);
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  const first = Math.max(0, Math.floor(state.scroll / ROW));
  const last = Math.min(lines.count, Math.ceil((state.scroll + height - AXIS) / ROW));
  const notes: [text: string, amount: string, from: number, start: number, to: number, y: number][] = [];
  for (let i = first; i < last; i++) {
    const row = lines.row[i]!;
    const y = AXIS + i * ROW - state.scroll;
    const many = lines.members[i]!;
    const lane = row < 0;
    if (lane) {
      pen.fillStyle = theme.raised;
      pen.fillRect(0, Math.max(AXIS, y), width, ROW - 1);
    } else paintLine(pen, theme, state, row, y, width);
    const cell = !lane && trace.hues[trace.name[row]!] === CELL;
    if (cell && i > 0 && y >= AXIS) {
      pen.fillStyle = theme.quiet;
      pen.globalAlpha = 0.35;
      pen.fillRect(0, y, width, 1);
      pen.globalAlpha = 1;
    }
    pen.save();
    pen.beginPath();
    pen.rect(0, Math.max(AXIS, y), left - 6, ROW);
    pen.clip();
    const x = turnOf(lines.depth[i]!) - 12;
    pen.fillStyle = theme.line;
    for (let above = 0; above < Math.min(lines.depth[i]!, MAX_INDENT); above++) pen.fillRect(turnOf(above) - 12, y, 1, ROW);
    if (lines.state[i] !== LEAF) triangle(pen, theme, x, y + ROW / 2, lines.state[i] === OPEN);
    const failed = !lane && !many && trace.status(row) === ERROR;
    if (failed) cross(pen, theme, x + 15, y + ROW / 2);
    const room = hidden(pen, theme, lines.hidden[i]!, left - 10, y + ROW / 2);
    pen.font = `${lane || cell ? "600 " : ""}${TEXT}px ${theme.font}`;
    pen.fillStyle = theme.text;
    label(pen, titleOf(trace, lines, i), x + (failed ? 24 : 10), y + ROW / 2, (left - x - 14 - room) * (lane || cell ? 0.92 : 1));
    pen.restore();
    pen.save();
    pen.beginPath();
    pen.rect(left, Math.max(AXIS, y), bars, ROW);
    pen.clip();
    let [start, to] = lane ? [Infinity, -Infinity] : [trace.start[row]!, lines.until[i]!];
    let from = Infinity;
    if (lane || many) {
      const all = members(trace, lines, i);
      const step = Math.max(1, Math.floor(all.length / MAX_MEMBERS));
      // What waited in a queue belonged to no process yet; that one's start, and what it fetches, is its own.
      from = waits(pen, theme, trace, all, step, y, scale, !lane);
      for (let k = 0; k < all.length; k += step) {
        bar(pen, theme, trace, lines, all[k]!, y, scale, false);
        if (lane) [start, to] = [Math.min(start, trace.start[all[k]!]!), Math.max(to, lines.endOf(all[k]!))];
      }
    } else {
      from = waits(pen, theme, trace, [row], 1, y, scale, true);
      bar(pen, theme, trace, lines, row, y, scale, true);
    }
    notes.push([timeOf(trace, lines, i), amountOf(trace, lines, i), Math.min(from, start), start, to, y]);
    pen.restore();
  }
  if (state.critical) followed(pen, theme, trace, state, state.critical, scale, height);
  // Words stand on all else, so that they can be read.
  pen.save();
  pen.beginPath();
  pen.rect(left, AXIS, bars, height - AXIS);
  pen.clip();
  for (const [text, amount, from, start, to, y] of notes) note(pen, theme, text, amount, from, start, to, y, scale, !!state.critical);
  pen.restore();
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
    if (row === state.selected) pen.fillRect(0, Math.max(AXIS, y), 2, ROW);
  }
}

/** How many that cannot be seen have failed, up to this edge. Returns how much room that takes. */
function hidden(pen: Pen, theme: Theme, errors: number, right: number, y: number): number {
  if (!errors) return 0;
  const text = errors.toLocaleString("en-US");
  const wide = text.length * 6.6;
  pen.font = `${TEXT}px ${theme.font}`;
  pen.fillStyle = theme.error;
  pen.fillText(text, right - wide, y);
  cross(pen, theme, right - wide - 8, y);
  return wide + 20;
}

function pixels(trace: Trace, lines: Lines, row: number, scale: Scale): [number, number] {
  // Far outside the picture, coordinates lose their meaning: cut there.
  const x0 = Math.max(scale.left - 10, scale.x(trace.start[row]!));
  const x1 = Math.min(scale.right + 10, scale.x(lines.endOf(row)));
  return [x0, x1];
}

function bar(pen: Pen, theme: Theme, trace: Trace, lines: Lines, row: number, y: number, scale: Scale, own: boolean): void {
  const [x0, x1] = pixels(trace, lines, row, scale);
  if (x1 < scale.left - 5) return;
  const failed = trace.status(row) === ERROR;
  const wide = Math.max(failed ? LEAST_ERROR : 1.5, x1 - x0);
  const running = trace.isRunning(row);
  const colour = (pen.fillStyle = barColour(trace.hues[trace.name[row]!]!, theme));
  const open = trace.isUnfinished(row);
  // What has others below it is an outline, filled where the time is its own; a leaf is full.
  const outlined = own && !open && trace.tree.size[row]! > 1 && wide > 3;
  pen.globalAlpha = outlined ? (theme.dark ? 0.62 : 0.32) : running ? 0.6 : 1;
  if (open) fading(pen, x0, y + 5, wide);
  else pen.fillRect(x0, y + 5, wide, ROW - 10);
  pen.globalAlpha = 1;
  if (outlined) {
    selfTime(pen, trace, row, y, scale, x0, x1);
    pen.strokeStyle = colour;
    pen.lineWidth = 1;
    pen.strokeRect(x0 + 0.5, y + 5.5, wide - 1, ROW - 11);
  }
  if (running) {
    pen.strokeStyle = theme.accent;
    pen.lineWidth = 1;
    pen.setLineDash([4, 3]);
    pen.strokeRect(x0 + 0.5, y + 5.5, Math.max(1, wide - 1), ROW - 11);
    pen.setLineDash([]);
  }
  if (failed && !open) {
    pen.strokeStyle = theme.error;
    pen.lineWidth = 1.5;
    pen.strokeRect(x0 + 0.5, y + 5.5, Math.max(1, wide - 1), ROW - 11);
  }
  const events = own ? trace.eventsOf(row) : undefined;
  if (events) {
    pen.fillStyle = failed ? theme.error : theme.text;
    let last = -Infinity;
    for (const moment of events) {
      const x = Math.round(scale.x(moment));
      if (x < scale.left || x - last < 2) continue;
      pen.fillRect(x - 0.5, y + 3, 1.5, 5);
      last = x;
    }
  }
}

/** Before the bars of tasks, how long they waited: hatched where a worker started, a dashed line where they stood in a queue, arrows where
 * results of other workers came. Bars are painted over it. `step`: of so many one is looked at. Returns when the first was submitted. */
function waits(pen: Pen, theme: Theme, trace: Trace, rows: ArrayLike<number>, step: number, y: number, scale: Scale, queued: boolean): number {
  const found: Waited[] = [];
  let first = Infinity;
  for (let i = 0; i < rows.length; i += step) {
    const wait = waitedOf(trace, rows[i]!);
    const shown = wait && (queued || wait.ready > wait.from || wait.to > wait.fetch);
    if (shown) found.push(wait);
    first = Math.min(first, !shown ? trace.start[rows[i]!]! : queued || wait.ready > wait.from ? wait.from : wait.fetch);
  }
  if (!found.length) return first;
  const colour = barColour(trace.hues[trace.name[rows[0]!]!]!, theme);
  for (const what of queued ? [QUEUE, START, FETCH] : [START, FETCH]) {
    for (const [x0, x1] of together(found.map(({ from, ready, fetch, to }) => (what === START ? [from, ready] : what === QUEUE ? [ready, fetch] : [fetch, to])), scale)) {
      pen.globalAlpha = what === QUEUE ? 0.18 : 0.35;
      pen.fillStyle = colour;
      pen.fillRect(x0, y + 6, x1 - x0, ROW - 12);
      pen.globalAlpha = 0.75;
      pen.strokeStyle = theme.quiet;
      pen.lineWidth = 1;
      pen.beginPath();
      if (what === START) {
        hatch(pen, x0, y + 6, x1 - x0, ROW - 12);
      } else if (what === FETCH) {
        arrows(pen, x0, y + 7, x1);
      } else {
        pen.setLineDash([2, 3]);
        pen.moveTo(x0, y + ROW / 2);
        pen.lineTo(x1, y + ROW / 2);
      }
      pen.stroke();
      pen.setLineDash([]);
      // A moment each: submitted, and for the queue as soon as the worker had started.
      pen.fillStyle = theme.quiet;
      pen.fillRect(x0, y + 4, 1, ROW - 8);
      pen.globalAlpha = 1;
    }
  }
  return first;
}

const [QUEUE, START, FETCH] = [0, 1, 2];

/** As many heads of arrows as there is room for. */
function arrows(pen: Pen, x: number, y: number, until: number): void {
  for (; x + 5 < until; x += 6) {
    pen.moveTo(x + 1, y);
    pen.lineTo(x + 4, y + ROW / 2 - 7);
    pen.lineTo(x + 1, y + ROW - 14);
  }
}

/** Ranges of time in pixels, those that meet as one. */
function together(ranges: [from: number, to: number][], scale: Scale): [number, number][] {
  const found: [number, number][] = [];
  for (const [from, to] of ranges.sort((a, b) => a[0] - b[0])) {
    const [x0, x1] = [Math.max(scale.left - 10, scale.x(from)), Math.min(scale.right + 10, scale.x(to))];
    const last = found[found.length - 1];
    if (last && x0 <= last[1] + 1) last[1] = Math.max(last[1], x1);
    else if (x1 > x0) found.push([x0, x1]);
  }
  return found;
}

/** A bar without an end: nobody has seen it. */
function fading(pen: Pen, x: number, y: number, wide: number): void {
  const part = Math.min(64, wide / 2) / FADES;
  pen.globalAlpha = 0.5;
  pen.fillRect(x, y, wide - part * FADES, ROW - 10);
  for (let step = 0; step < FADES; step++) {
    pen.globalAlpha = 0.45 * (1 - step / FADES);
    pen.fillRect(x + wide - part * (FADES - step), y, part * 0.65, ROW - 10);
  }
  pen.globalAlpha = 1;
}

/** Where no child runs, the bar is full: the span's own time. */
function selfTime(pen: Pen, trace: Trace, row: number, y: number, scale: Scale, x0: number, x1: number): void {
  const children = trace.tree.of(row);
  let reached = x0;
  for (let k = 0; k < children.length; k++) {
    if (k > MAX_MEMBERS) break;
    const child = children[k]!;
    const from = Math.min(x1, scale.x(trace.start[child]!));
    if (from - reached >= 1) pen.fillRect(reached, y + 5, from - reached, ROW - 10);
    reached = Math.max(reached, Math.min(x1, scale.x(trace.endOf(child))));
  }
  if (x1 - reached >= 1) pen.fillRect(reached, y + 5, x1 - reached, ROW - 10);
}

/** The critical path along the lower edges of bars; of what a closed line hides, along that line's. */
function followed(pen: Pen, theme: Theme, trace: Trace, { lines, scroll }: WaterfallState, paths: readonly (readonly Step[])[], scale: Scale, height: number): void {
  /** Of repeated siblings that fold, by whose they are and their name. */
  const sibling = (row: number) => `${lines.tree.parent[row]}:${trace.name[row]}`;
  const found = new Map<number | string, number>();
  for (let i = 0; i < lines.count; i++) {
    const row = lines.row[i]!;
    found.set(lines.members[i] ? sibling(row) : row, AXIS + (i + 1) * ROW - scroll - 6.5);
  }
  pen.save();
  pen.beginPath();
  pen.rect(scale.left, AXIS, scale.width, height - AXIS);
  pen.clip();
  paintPath(pen, theme, paths, scale, (row) => {
    // What is closed may be deep: each row of a way up is looked at once.
    const way = [];
    let y: number | undefined;
    for (let at = row; at >= 0 && y === undefined; at = trace.tree.parent[at]!) {
      y = found.get(at) ?? found.get(sibling(at));
      way.push(at);
    }
    for (const each of way) found.set(each, y ?? NaN);
    return y ?? NaN;
  });
  pen.restore();
}

/** What stands beside a bar, with the amount if there is room: behind it; where there is no room before it and its wait; else in it, at its end, or
 * where it waits. */
function note(pen: Pen, theme: Theme, text: string, amount: string, from: number, start: number, end: number, y: number, scale: Scale, crossed: boolean): void {
  const { left, right } = scale;
  const [x0, x1] = [scale.x(from), scale.x(end)];
  const inside = scale.x(start) - 6;
  if (x1 >= left && x0 <= right && (text.length + amount.length) * 6.2 < Math.max(right - 14 - x1, x0 - 6 - left)) text += amount;
  // Of what is not in sight, where it is.
  if (x1 < left) text = `◂ ${text}`;
  else if (x0 > right) text = `${text} ▸`;
  const wide = text.length * 6.2;
  const edge = Math.min(x1, right);
  const [behind, before] = [x1 + 6 + wide < right - 8, x0 - wide - 6 > left];
  const inBar = edge - Math.max(scale.x(start), left) > wide + 12;
  const at = Math.max(left + 4, behind ? x1 + 6 : before ? Math.min(x0, right) - wide - 6 : inBar || inside - wide <= left ? edge - wide - 8 : Math.min(inside, right - 6) - wide);
  pen.font = `11px ${theme.font}`;
  if (behind || before ? crossed : !inBar) {
    // On the marks of a wait, or a line that goes through it, it could not be read.
    pen.fillStyle = theme.ground;
    pen.globalAlpha = 0.75;
    pen.fillRect(at - 3, y + 4, wide + 6, ROW - 8);
    pen.globalAlpha = 1;
  }
  pen.fillStyle = inBar && !behind && !before ? theme.text : theme.quiet;
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
