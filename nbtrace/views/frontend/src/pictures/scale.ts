// Moments to pixels and back, over time that may be folded; the axis, its marks and the breaks, which are drawn as such. Knows no DOM.

import { about, momentText, multiples, stepOf, written } from "../engine/ticks";
import { STRAIGHT, type Stretch, type Timeline } from "../engine/timeline";
import { AXIS, HATCH, type Pen, type Range, hatch } from "./canvas";
import type { Theme } from "./colours";

const LETTER = 6.3;

/** A part of the time on a part of a picture's width. */
export class Scale {
  /** Pixels for each ms of shown time. */
  readonly perMs: number;
  readonly #first: number;
  /** The piece of the timeline that was asked for last, in pixels: pictures ask for each of their spans. */
  #low = NaN;
  #high = NaN;
  #anchor = 0;
  #base = 0;
  #slope = 0;

  constructor(
    readonly range: Range,
    readonly left: number,
    readonly width: number,
    readonly timeline: Timeline = STRAIGHT,
  ) {
    this.#first = timeline.shown(range.from);
    this.perMs = width / Math.max(timeline.shown(range.to) - this.#first, 1e-9);
  }

  get right(): number {
    return this.left + this.width;
  }

  x(moment: number): number {
    if (!(moment >= this.#low && moment < this.#high)) this.#seek(moment);
    return this.#base + (moment - this.#anchor) * this.#slope;
  }

  #seek(moment: number): void {
    const { from, to, slope } = this.timeline.piece(moment);
    [this.#low, this.#high, this.#slope] = [from, to, slope * this.perMs];
    // Counted from where the picture begins: from the first moment of all, a nanosecond of an afternoon would be lost in rounding.
    this.#anchor = Math.min(Math.max(from, this.range.from), to);
    this.#base = this.left + (this.timeline.shown(this.#anchor) - this.#first) * this.perMs;
  }

  /** The moment at a pixel. */
  at(x: number): number {
    return this.timeline.moment(this.#first + (x - this.left) / this.perMs);
  }

  /** The stretches in sight in which nothing ran, and where they are drawn. */
  stretches(): { stretch: Stretch; from: number; to: number }[] {
    return this.timeline.within(this.range).map((stretch) => ({ stretch, from: Math.max(this.left, this.x(stretch.from)), to: Math.min(this.right, this.x(stretch.to)) }));
  }
}

/** What is written on an axis: from where to where. */
export interface Label {
  text: string;
  x: number;
  end: number;
  /** How long a break is, rather than a moment. */
  length?: boolean;
}

/** The marks of an axis, times counted from `origin`: where lines stand, and what is written. Between two breaks the times are those of the
 * clock; where there is no room for a label there is none. */
export function marks(scale: Scale, origin: number): { lines: number[]; labels: Label[] } {
  const { range, left, right } = scale;
  const step = stepOf(110 / scale.perMs);
  const breaks = scale.stretches().filter(({ stretch }) => stretch.folded);
  const lines: number[] = [];
  const labels: Label[] = [];
  const lengths: Label[] = [];
  for (const { stretch, from, to } of breaks) {
    const text = about(stretch.to - stretch.from);
    const half = (text.length * LETTER + 6) / 2;
    const middle = Math.min(Math.max((from + to) / 2, left + half), right - half);
    if (middle - half >= (lengths[lengths.length - 1]?.end ?? left)) lengths.push({ text, x: middle - half, end: middle + half, length: true });
  }
  let reached = left;
  const write = (text: string, x: number, end: number) => {
    const next = lengths.find((each) => each.end > reached);
    const free = { text, x, end: x + text.length * LETTER + 4 };
    if (x < reached || free.end > Math.min(end, next ? next.x : right) || labels[labels.length - 1]?.text === text) return false;
    labels.push(free);
    reached = free.end;
    return true;
  };
  for (let i = 0; i <= breaks.length; i++) {
    const from = i ? breaks[i - 1]!.stretch.to : range.from;
    const to = i < breaks.length ? breaks[i]!.stretch.from : range.to;
    if (!(to > from)) continue;
    const [x0, x1] = [scale.x(from), scale.x(to)];
    const end = i < breaks.length ? x1 : right;
    for (const length of lengths) if (length.x < x0 + 4 && length.end > reached) reached = length.end;
    const start = Math.max(reached, x0 + 4);
    const found = multiples({ from: from - origin, to: to - origin }, step);
    for (const each of found) lines.push(Math.round(scale.x(each + origin)) + 0.5);
    const { offset, texts } = found.length ? written(found, step) : { offset: "", texts: [] };
    const before = labels.length;
    // Differences say nothing without what they are added to, nor that without them.
    if (!offset || write(offset, start, end)) texts.forEach((text, k) => write(text, Math.round(scale.x(found[k]! + origin)) + 4.5, end));
    if (offset && labels.length === before + 1) {
      labels.pop();
      reached = start;
    }
    // Behind a break the clock stands elsewhere: that is said even where no mark has room.
    if (labels.length === before) write(momentText(from - origin, step), start, end);
  }
  return { lines, labels: [...labels, ...lengths].sort((a, b) => a.x - b.x) };
}

/** Draw the axis at the top, times counted from `origin`, with lines through the picture below it. */
export function axis(pen: Pen, theme: Theme, scale: Scale, origin: number, height: number): void {
  pen.save();
  pen.beginPath();
  pen.rect(scale.left, 0, scale.width, height);
  pen.clip();
  pen.font = `11px ${theme.font}`;
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  const { lines, labels } = marks(scale, origin);
  pen.fillStyle = theme.line;
  for (const x of lines) pen.fillRect(x, 0, 1, height);
  paintBreaks(pen, theme, scale, height);
  for (const { text, x, end, length } of labels) {
    if (length) {
      pen.fillStyle = theme.ground;
      pen.fillRect(x, 4, end - x, AXIS - 8);
    }
    pen.fillStyle = length ? theme.text : theme.quiet;
    pen.fillText(text, length ? x + 3 : x, AXIS / 2);
  }
  pen.restore();
}

/** Hatch the breaks; of stretches that were opened again the upper edge tells that they can be folded. */
export function paintBreaks(pen: Pen, theme: Theme, scale: Scale, height: number): void {
  pen.save();
  for (const { stretch, from, to } of scale.stretches()) {
    const tall = stretch.folded ? height : Math.min(height, 4);
    pen.fillStyle = theme.raised;
    pen.fillRect(from, 0, to - from, tall);
    pen.strokeStyle = theme.quiet;
    pen.lineWidth = 1;
    pen.globalAlpha = 0.3;
    pen.beginPath();
    if (stretch.folded) {
      for (const x of [from, to]) {
        pen.moveTo(Math.round(x) + 0.5, 0);
        pen.lineTo(Math.round(x) + 0.5, height);
      }
    }
    if (to - from >= HATCH) hatch(pen, from, 0, to - from, tall);
    pen.stroke();
    pen.globalAlpha = 1;
  }
  pen.restore();
}
