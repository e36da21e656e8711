// Sampled frames: paler than spans, in the type of code, coloured by library; and textures for what computes elsewhere, or waits.

import { FIRST_SYMBOL, type Symbols } from "../engine/symbols";
import { type Mode, NATIVE, WAITING } from "../engine/parts";
import type { SampledThread } from "../engine/threads";
import type { Timeline } from "../engine/timeline";
import { count } from "../engine/words";
import { AXIS, LANE, type Pen, type Range, hatch, label, outline } from "./canvas";
import { type Theme, frameColourAt, frameColours } from "./colours";
import { Scale } from "./scale";

/** Textures stand at the foot of a box, below its words. */
const LINES = [14, 16];
const FOOT = 3;
/** Boxes that are narrower have no texture. */
const TEXTURED = 8;
/** What is narrower is drawn together with its neighbours. */
const NARROW = 4;
const LABELLED = 30;
/** The same while a hand zooms or pans, and each frame of the screen counts. */
const NARROW_MOVING = 10;
const LABELLED_MOVING = 90;

/** Textures and labels of boxes, drawn together when all boxes are: a path for each texture costs less than one for each box. */
export class Finish {
  readonly #native: number[] = [];
  readonly #waiting: number[] = [];
  readonly #labels: { text: string; x: number; y: number; wide: number; colour: string }[] = [];

  /** Have a texture drawn into a box. */
  texture(mode: Mode, x: number, y: number, wide: number, tall: number): void {
    if (wide < TEXTURED) return;
    if (mode === NATIVE) this.#native.push(x, y + tall - FOOT, wide, FOOT);
    else if (mode === WAITING) this.#waiting.push(x, y, wide);
  }

  /** Have a label written into a box. */
  label(text: string, x: number, y: number, wide: number, colour: string): void {
    this.#labels.push({ text, x, y, wide, colour });
  }

  draw(pen: Pen, theme: Theme): void {
    pen.save();
    pen.strokeStyle = theme.text;
    pen.lineWidth = 1;
    if (this.#native.length) {
      pen.globalAlpha = theme.dark ? 0.5 : 0.45;
      pen.beginPath();
      for (let i = 0; i < this.#native.length; i += 4) hatch(pen, this.#native[i]!, this.#native[i + 1]!, this.#native[i + 2]!, this.#native[i + 3]!);
      pen.stroke();
    }
    if (this.#waiting.length) {
      pen.globalAlpha = theme.dark ? 0.32 : 0.26;
      pen.beginPath();
      for (let i = 0; i < this.#waiting.length; i += 3) {
        for (const down of LINES) {
          const y = Math.round(this.#waiting[i + 1]! + down) + 0.5;
          pen.moveTo(this.#waiting[i]!, y);
          pen.lineTo(this.#waiting[i]! + this.#waiting[i + 2]!, y);
        }
      }
      pen.stroke();
    }
    pen.restore();
    pen.font = FONT;
    for (const { text, x, y, wide, colour } of this.#labels) {
      pen.fillStyle = colour;
      label(pen, middle(text, Math.floor((wide - 8) / LETTER)), x + 4, y + LANE / 2 - 1.5, wide - 8);
    }
  }
}

const LETTER = 6.6;

/** Of a name that is too long both ends: of functions that begin alike the ends differ. */
function middle(text: string, letters: number): string {
  if (text.length <= letters || letters < 5 || text.includes(" ")) return text;
  const end = Math.floor((letters - 1) / 2);
  return `${text.slice(0, letters - 1 - end)}…${text.slice(-end)}`;
}

/** Code is written as code. */
const FONT = "11px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

/** Where the boxes of threads stand: below a line with the thread's title, by their depth. */
export interface Place {
  thread: number;
  depth: number;
  box: number;
}

export interface ThreadState {
  range: Range;
  /** How time is folded; without one it is not. */
  timeline?: Timeline;
  scroll: number;
  /** How many lanes of spans stand above. */
  above: number;
  hovered: Place | undefined;
  selectedName: number;
  /** By symbol, from the first on; undefined if nothing is looked for. */
  matches: Uint8Array | undefined;
  /** Whether it is drawn anew in a moment, as it is being moved: then the large counts. */
  moving: boolean;
}

/** How many lanes threads take, their titles included. */
export function lanesOf(threads: readonly SampledThread[]): number {
  return threads.reduce((sum, thread) => sum + 1 + thread.depth, 0);
}

/** The lane of a box, counted as those of spans are. */
export function laneAt(threads: readonly SampledThread[], place: Place, above: number): number {
  return above + lanesOf(threads.slice(0, place.thread)) + 1 + place.depth;
}

/** The box at a moment of a lane. */
export function placeAt(threads: readonly SampledThread[], lane: number, moment: number, slack: number): Place | undefined {
  let first = 0;
  for (let thread = 0; thread < threads.length; thread++) {
    const here = threads[thread]!;
    if (lane <= first + here.depth) {
      const depth = lane - first - 1;
      const box = here.at(depth, moment, slack);
      return box < 0 ? undefined : { thread, depth, box };
    }
    first += 1 + here.depth;
  }
  return undefined;
}

/** Draw the stacks of threads below the lanes of spans; returns how many rectangles that were. */
export function paintThreads(pen: Pen, theme: Theme, symbols: Symbols, threads: readonly SampledThread[], state: ThreadState, width: number, height: number): number {
  const { range, matches, moving } = state;
  const narrow = moving ? NARROW_MOVING : NARROW;
  const scale = new Scale(range, 0, width, state.timeline);
  const finish = new Finish();
  const colours = frameColours(theme);
  const marked: [colour: string, x: number, y: number, wide: number, line: number][] = [];
  let drawn = 0;
  pen.save();
  pen.beginPath();
  pen.rect(0, AXIS, width, height - AXIS);
  pen.clip();
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  let top = Math.round(AXIS + state.above * LANE - state.scroll);
  threads.forEach((thread, number) => {
    const y0 = top;
    top += (1 + thread.depth) * LANE;
    if (top < AXIS || y0 > height) return;
    pen.font = `11px ${theme.font}`;
    pen.fillStyle = theme.line;
    pen.fillRect(0, Math.round(y0) + 1, width, 1);
    pen.fillStyle = theme.quiet;
    label(pen, `${thread.title} · ${count(thread.rows.length, "sample")}`, 4, y0 + LANE / 2 + 1.5, width - 8);
    for (let depth = Math.max(0, Math.floor((AXIS - y0) / LANE) - 1); depth < thread.depth; depth++) {
      const y = y0 + (1 + depth) * LANE;
      if (y > height) break;
      const end = thread.offset[depth + 1]!;
      // Neighbours of a colour that are narrow are drawn as one.
      let [colour, from, to] = ["", 0, 0];
      const flush = () => {
        if (to <= from) return;
        pen.fillStyle = colour;
        pen.fillRect(from, y, to - from, LANE - 1);
        drawn++;
        to = from = 0;
      };
      for (let box = thread.after(depth, range.from); box < end; ) {
        const start = thread.start(box);
        if (start >= range.to) break;
        const x0 = scale.x(start);
        const x1 = scale.x(thread.end(box));
        const symbol = thread.symbol(box);
        const mode = thread.mode(box);
        const found = matches?.[symbol - FIRST_SYMBOL];
        // Of what is narrow neighbours are one: by their library.
        const fill = colours[frameColourAt(symbols.hue(symbol), matches && !found ? WAITING : mode, x1 - x0 < narrow ? 0 : symbol)]!;
        if (x1 - x0 < narrow) {
          const pixel = Math.max(0, Math.floor(x0 / narrow) * narrow);
          if (fill !== colour || pixel > to) flush();
          if (to <= from) from = pixel;
          colour = fill;
          to = pixel + narrow;
          box = Math.max(box + 1, thread.after(depth, scale.at(to), box));
          continue;
        }
        flush();
        // Whole pixels: an edge within one costs more to draw, and is blurred.
        const left = Math.max(0, Math.round(x0));
        const wide = Math.min(width, Math.round(x1)) - left;
        pen.fillStyle = fill;
        pen.fillRect(left, y, wide > 4 ? wide - 1 : wide, LANE - 1);
        drawn++;
        if (!moving && (!matches || found)) finish.texture(mode, left, y, wide - 1, LANE - 1);
        const isHovered = state.hovered?.thread === number && state.hovered.box === box;
        if (found) marked.push([theme.dark ? "#ffe27a" : "#8a6d00", left, y, wide, 1.5]);
        if (isHovered || symbol === state.selectedName) marked.push([theme.accent, left, y, wide, symbol === state.selectedName ? 2 : 1]);
        if (wide > (moving ? LABELLED_MOVING : LABELLED)) finish.label(symbols.text(symbol), left, y, wide - 1, matches && !found ? theme.quiet : theme.text);
        box++;
      }
      flush();
    }
  });
  finish.draw(pen, theme);
  for (const [colour, x, y, wide, line] of marked) outline(pen, colour, x, y - 1, wide, line);
  pen.restore();
  return drawn;
}
