// What a person calls a frame of a stack, and one number for it, in the same space as the numbers of spans' names. A frame of a
// file is its function, wherever in it the thread was; one of the notebook's code is its line: as nbtrace/analysis/profiles/flames.py.

import { hue } from "./colour";
import type { Profile } from "./profile";
import { resized } from "./room";
import type { Trace } from "./trace";

/** From here on numbers are those of symbols; below, of names of spans. */
export const FIRST_SYMBOL = 2 ** 24;

export const NO_FRAME = "no Python frame";

/** Where it is written. */
interface Symbol {
  /** One of its frames; -1 for what is no frame, as a thread. */
  frame: number;
  /** Number of the execution whose code it is, 0 for a file's. */
  ran: number;
  /** What it is called, if it is no frame. */
  word: string;
  hue: number;
}

export class Symbols {
  readonly #all: Symbol[] = [];
  readonly #known = new Map<string, number>();
  /** By frame, for those of files. */
  #ofFile = new Int32Array(0);
  readonly #ofNotebook = new Map<number, number>();
  readonly #hues = new Map<string, number>();
  readonly #sources = new Map<number, { source: string; lines: string[] }>();

  constructor(
    readonly trace: Trace,
    readonly profile: Profile,
  ) {}

  clear(): void {
    this.#all.length = 0;
    for (const map of [this.#known, this.#ofNotebook, this.#sources]) map.clear();
    this.#ofFile.fill(0);
  }

  get count(): number {
    return this.#all.length;
  }

  /** The symbol of a frame, in a sample of a cell: which cell's code it is can depend on that. */
  of(frame: number, cell: number): number {
    const { profile } = this;
    if (frame < this.#ofFile.length && this.#ofFile[frame]) return this.#ofFile[frame]!;
    const ran = profile.isNotebook(frame) ? profile.ran(profile.fileOf[frame]!, cell) : 0;
    const key = frame * 2 ** 24 + ran;
    const known = ran ? this.#ofNotebook.get(key) : undefined;
    if (known !== undefined) return known;
    const firstLine = profile.isModule(frame) ? 0 : profile.firstLineOf[frame]!;
    const where = `${profile.functionOf[frame]}|${profile.fileOf[frame]}|${firstLine}`;
    const found = this.#number(ran ? `${where}|${ran}|${profile.lineOf[frame]}` : where, () => ({ frame, ran, word: "", hue: ran ? 0 : this.#hueOf(profile.library(frame)) }));
    if (ran) this.#ofNotebook.set(key, found);
    else {
      if (frame >= this.#ofFile.length) this.#ofFile = resized(this.#ofFile, Math.max(1024, frame + 1, this.#ofFile.length * 2));
      this.#ofFile[frame] = found;
    }
    return found;
  }

  /** The symbol of what is no frame, but stands among them. */
  word(text: string): number {
    return this.#number(`=${text}`, () => ({ frame: -1, ran: 0, word: text, hue: 0 }));
  }

  isFrame(name: number): boolean {
    return (this.#all[name - FIRST_SYMBOL]?.frame ?? -1) >= 0;
  }

  /** What a name of spans or a symbol reads. */
  text(name: number): string {
    if (name < FIRST_SYMBOL) return this.trace.names[name] ?? "";
    const symbol = this.#all[name - FIRST_SYMBOL];
    if (!symbol) return "";
    const { frame, ran, word } = symbol;
    if (frame < 0) return word;
    const { profile } = this;
    if (!ran) return profile.functionName(frame);
    const line = profile.lineOf[frame]!;
    const place = line > 0 ? `${this.#cell(ran)} line ${line}` : this.#cell(ran);
    if (!profile.isModule(frame)) return `${profile.functionName(frame)} · ${place}`;
    const code = this.#code(ran, line);
    return code ? `${place}  ${code}` : place;
  }

  /** The function; of the code of a cell itself there is none. */
  function(name: number): string {
    const frame = this.#frame(name);
    return frame < 0 ? "" : this.profile.functionName(frame);
  }

  /** Where it is written: path or cell, and line. */
  place(name: number): string {
    const frame = this.#frame(name);
    if (frame < 0 || this.profile.isCut(frame)) return "";
    const ran = this.#all[name - FIRST_SYMBOL]!.ran;
    if (ran) return `${this.#cell(ran)} line ${this.profile.lineOf[frame]}`;
    const line = this.profile.isModule(frame) ? 0 : this.profile.firstLineOf[frame]!;
    return line > 0 ? `${this.profile.path(frame)}:${line}` : this.profile.path(frame);
  }

  library(name: number): string {
    const frame = this.#frame(name);
    return frame < 0 || this.profile.isCut(frame) ? "" : this.profile.library(frame);
  }

  /** The number of its colour: that of the name of a span, and of the library of a frame. */
  hue(name: number): number {
    return name < FIRST_SYMBOL ? (this.trace.hues[name] ?? 1) : (this.#all[name - FIRST_SYMBOL]?.hue ?? 0);
  }

  /** Which symbols have a text in their function, file or library; by their number from `FIRST_SYMBOL` on. */
  matches(text: string): Uint8Array {
    const wanted = text.toLowerCase();
    return Uint8Array.from(this.#all, (_, i) => {
      const name = FIRST_SYMBOL + i;
      return Number(this.isFrame(name) && `${this.text(name)}\n${this.place(name)}\n${this.library(name)}`.toLowerCase().includes(wanted));
    });
  }

  #frame(name: number): number {
    return this.#all[name - FIRST_SYMBOL]?.frame ?? -1;
  }

  #number(key: string, make: () => Symbol): number {
    let found = this.#known.get(key);
    if (found === undefined) {
      found = FIRST_SYMBOL + this.#all.push(make()) - 1;
      this.#known.set(key, found);
    }
    return found;
  }

  #hueOf(library: string): number {
    let found = this.#hues.get(library);
    if (found === undefined) this.#hues.set(library, (found = hue(library)));
    return found;
  }

  #cell(ran: number): string {
    return `cell [${this.trace.cells.get(ran)?.[1] ?? this.profile.countOf(ran) ?? " "}]`;
  }

  /** What stands on a line of a cell. */
  #code(ran: number, line: number): string {
    const source = this.trace.cells.get(ran)?.[4] ?? "";
    let known = this.#sources.get(ran);
    if (known?.source !== source) this.#sources.set(ran, (known = { source, lines: source.split("\n") }));
    return (known!.lines[line - 1] ?? this.profile.lineText(ran, line)).trim();
  }
}
