// The search: what was typed, and the rows that match.

import type { DetailStore } from "../engine/details";
import type { Keys } from "../engine/columns";
import { needsDetails, type Query, inCode, parse, search } from "../engine/search";
import { FIRST_SYMBOL } from "../engine/symbols";
import type { Trace } from "../engine/trace";

/** Spans, the last ones, whose details come unasked. */
const UNASKED = 100_000;

export class Finder {
  typed = "";
  query: Query = { kind: "text", text: "" };
  matches: Uint8Array | undefined;
  /** The rows that match, in reading order. */
  found: number[] = [];
  searching = false;
  /** Counts what was typed and what was found. */
  version = 0;
  #searches = 0;
  #stale = false;

  constructor(
    private readonly trace: Trace,
    private readonly details: DetailStore,
    private readonly changed: () => void,
    /** Finds text in functions, files and libraries, by the number of the symbol. */
    private readonly frames: (text: string) => Uint8Array,
  ) {}

  /** Which sampled frames have the text, by their number from the first symbol on; undefined if no text is looked for. */
  get symbols(): Uint8Array | undefined {
    return this.query.kind === "text" && this.query.text ? this.frames(this.query.text) : undefined;
  }

  /** The symbols that have it. */
  get functions(): number[] {
    const found: number[] = [];
    this.symbols?.forEach((has, i) => has && found.push(FIRST_SYMBOL + i));
    return found;
  }

  look(typed: string): void {
    this.typed = typed;
    this.query = parse(typed, this.#keys(false));
    this.found = [];
    this.matches = undefined;
    this.#stale = false;
    this.version++;
    const search = ++this.#searches;
    if (typed.trim() && this.query.kind !== "error") void this.#find(search);
    else this.searching = false;
    this.changed();
  }

  /** Search what has come too; what was found stays until that is known. Not while a search is at work, unless what it looks at
   * has moved: one that began anew with each frame would never end. */
  again(moved: boolean): void {
    if (!this.typed.trim()) return;
    const before = this.query;
    // A name that was refused is until it is known: spans come before their details, and the answer would flicker.
    this.query = parse(this.typed, this.#keys(before.kind === "error" && before.unknown));
    if (this.query.kind === "error") {
      if (before.kind === "error") return;
      this.#searches++;
      this.searching = false;
      this.begin();
      return this.changed();
    }
    if (this.searching && !moved) this.#stale = true;
    else void this.#find(++this.#searches, false);
  }

  /** Details have come: there may be other attributes, and more matches. */
  described(): void {
    if (this.query.kind === "error" || needsDetails(this.query)) this.again(false);
  }

  /** Which attributes there are. All are known where the details of all spans are here that come unasked. */
  #keys(closed: boolean): Keys {
    return { known: this.details.keys, open: !closed && this.details.size < Math.min(this.trace.count, UNASKED) };
  }

  begin(): void {
    this.found = [];
    this.matches = undefined;
    this.version++;
  }

  /** Follow the rows that have moved. */
  follow(to: (index: number) => number): void {
    this.found = this.found.map(to).filter((index) => index >= 0);
    if (this.matches) {
      const marks = new Uint8Array(this.trace.count);
      for (const index of this.found) marks[index] = 1;
      this.matches = marks;
    }
    this.version++;
  }

  async #find(number: number, show = true): Promise<void> {
    this.searching = true;
    this.#stale = false;
    const marks = new Uint8Array(this.trace.count);
    let all: number[] = [];
    const tell = () => {
      const { place } = this.trace.tree;
      this.matches = marks;
      this.found = all = all.sort((a, b) => place[a]! - place[b]!);
      this.version++;
      this.changed();
    };
    for await (const rows of search(this.query, this.trace, this.details)) {
      if (number !== this.#searches) return;
      for (const row of rows) marks[row] = 1;
      all = [...all, ...rows];
      if (show) tell();
    }
    if (number !== this.#searches) return;
    // Where nothing else has it, the code of cells may: a function that was sampled is a better answer.
    if (!all.length && this.query.kind === "text" && !this.functions.length) for (const row of (all = inCode(this.query.text, this.trace))) marks[row] = 1;
    this.searching = false;
    tell();
    if (this.#stale) this.again(true);
  }
}
