// The search: what was typed, and the rows that match.

import type { DetailStore } from "../engine/details";
import { type Query, parse, search } from "../engine/search";
import type { Trace } from "../engine/trace";

export class Finder {
  typed = "";
  query: Query = { kind: "text", text: "" };
  matches: Uint8Array | undefined;
  /** The rows that match, in reading order. */
  found: number[] = [];
  searching = false;
  /** Counts what was typed and what was found. */
  version = 0;
  private searches = 0;
  private stale = false;

  constructor(
    private readonly trace: Trace,
    private readonly details: DetailStore,
    private readonly changed: () => void,
  ) {}

  look(typed: string): void {
    this.typed = typed;
    this.query = parse(typed);
    this.found = [];
    this.matches = undefined;
    this.stale = false;
    this.version++;
    const search = ++this.searches;
    if (typed.trim() && this.query.kind !== "error") void this.find(search);
    else this.searching = false;
    this.changed();
  }

  /** Search what has come too; what was found stays until that is known. Not while a search is at work, unless what it looks at
   * has moved: one that began anew with each frame would never end. */
  again(moved: boolean): void {
    if (this.query.kind === "error" || !this.typed.trim()) return;
    if (this.searching && !moved) this.stale = true;
    else void this.find(++this.searches, false);
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

  private async find(number: number, show = true): Promise<void> {
    this.searching = true;
    this.stale = false;
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
      if (number !== this.searches) return;
      for (const row of rows) marks[row] = 1;
      all = [...all, ...rows];
      if (show) tell();
    }
    if (number !== this.searches) return;
    this.searching = false;
    tell();
    if (this.stale) this.again(true);
  }
}
