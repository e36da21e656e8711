// What all pictures share: the part of a canvas that is drawn on, boxes with labels. Knows no DOM.

import type { Range } from "../engine/steps";
import { plain } from "../engine/words";
import type { Theme } from "./colours";

/** The part of CanvasRenderingContext2D that is used; tests bring their own. */
export type Pen = Pick<
  CanvasRenderingContext2D,
  | "fillStyle" | "strokeStyle" | "lineWidth" | "font" | "textBaseline" | "textAlign" | "globalAlpha"
  | "fillRect" | "strokeRect" | "fillText" | "beginPath" | "moveTo" | "lineTo" | "stroke" | "fill" | "closePath"
  | "save" | "restore" | "rect" | "clip" | "setLineDash"
>;

export type { Range };

export const ROW = 22;
export const LANE = 18;
export const AXIS = 22;
export const TEXT = 12;

const WIDTH_OF_LETTER = 6.6;
/** From one diagonal to the next. */
export const HATCH = 6;

/** Draw text cut to a width. Measuring each label would cost more than all else: letters count as equally wide. */
export function label(pen: Pen, text: string, x: number, y: number, width: number): void {
  const letters = Math.floor(width / WIDTH_OF_LETTER);
  if (letters < 2) return;
  pen.fillText(plain(text, letters), x, y);
}

/** A name with its number behind it, where both fit. */
export function numbered(name: string, number: string, width: number): string {
  return (name.length + number.length + 2) * WIDTH_OF_LETTER <= width ? `${name}  ${number}` : name;
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

/** Diagonals that go on from box to box. */
export function hatch(pen: Pen, x: number, y: number, wide: number, tall: number): void {
  for (let sum = Math.ceil((x + y) / HATCH) * HATCH; sum < x + wide + y + tall; sum += HATCH) {
    const from = Math.max(x, sum - y - tall);
    const to = Math.min(x + wide, sum - y);
    pen.moveTo(from, sum - from);
    pen.lineTo(to, sum - to);
  }
}

/** A frame around a box in a lane. */
export function outline(pen: Pen, colour: string, x: number, y: number, wide: number, line: number): void {
  pen.strokeStyle = colour;
  pen.lineWidth = line;
  pen.strokeRect(x + line / 2, y + 1 + line / 2, Math.max(1, wide - line - 0.6), LANE - 2 - line);
}
