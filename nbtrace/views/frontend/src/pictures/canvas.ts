// What all pictures share: the part of a canvas that is drawn on, a time axis, boxes with labels. Knows no DOM.

import { duration, plain } from "../engine/words";
import type { Theme } from "./colours";

/** The part of CanvasRenderingContext2D that is used; tests bring their own. */
export type Pen = Pick<
  CanvasRenderingContext2D,
  | "fillStyle" | "strokeStyle" | "lineWidth" | "font" | "textBaseline" | "textAlign" | "globalAlpha"
  | "fillRect" | "strokeRect" | "fillText" | "beginPath" | "moveTo" | "lineTo" | "stroke" | "fill" | "closePath"
  | "save" | "restore" | "rect" | "clip" | "setLineDash"
>;

/** A range of time in ms. */
export interface Range {
  from: number;
  to: number;
}

export const ROW = 22;
export const LANE = 18;
export const AXIS = 22;
export const TEXT = 12;

/** Steps of an axis with about `wanted` marks: 1, 2 or 5 times a power of ten. */
export function ticks(range: Range, wanted: number): number[] {
  const span = range.to - range.from;
  if (!(span > 0)) return [];
  const rough = span / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const found: number[] = [];
  for (let at = Math.ceil(range.from / step) * step; at <= range.to && found.length < 100; at += step) found.push(at);
  return found;
}

/** Draw the axis at the top, times counted from `origin`, with lines through the picture below it. */
export function axis(pen: Pen, theme: Theme, range: Range, origin: number, left: number, width: number, height: number): void {
  pen.save();
  pen.beginPath();
  pen.rect(left, 0, width, height);
  pen.clip();
  pen.font = `11px ${theme.font}`;
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  for (const at of ticks({ from: range.from - origin, to: range.to - origin }, width / 110)) {
    const x = Math.round(left + ((at + origin - range.from) / (range.to - range.from)) * width) + 0.5;
    pen.fillStyle = theme.line;
    pen.fillRect(x, 0, 1, height);
    pen.fillStyle = theme.quiet;
    pen.fillText(at === 0 ? "0" : duration(at), x + 4, AXIS / 2);
  }
  pen.restore();
}

const WIDTH_OF_LETTER = 6.6;

/** Draw text cut to a width. Measuring each label would cost more than all else: letters count as equally wide. */
export function label(pen: Pen, text: string, x: number, y: number, width: number): void {
  const letters = Math.floor(width / WIDTH_OF_LETTER);
  if (letters < 2) return;
  pen.fillText(plain(text, letters), x, y);
}

/** A mark that tells an error without its colour: a cross. */
export function cross(pen: Pen, theme: Theme, x: number, y: number, size = 3.5): void {
  pen.strokeStyle = theme.error;
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(x - size, y - size);
  pen.lineTo(x + size, y + size);
  pen.moveTo(x + size, y - size);
  pen.lineTo(x - size, y + size);
  pen.stroke();
}
