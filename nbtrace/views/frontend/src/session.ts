// What one inspector shows: its trace, the selection and the range that all views share. State that never leaves the
// browser, but for the id of the selected span.

import { criticalPath } from "./engine/criticalpath";
import { DetailStore, type Details } from "./engine/details";
import { LineRoom, type Lines, type Shape, lines } from "./engine/folding";
import { unpack } from "./engine/frames";
import { LaneRoom } from "./engine/lanes";
import { type Query, parse, search } from "./engine/search";
import { ERROR, Trace } from "./engine/trace";
import type { Model } from "./model";
import { DESCRIBE, DETAILS, type DetailsColumns, HAVE, HELLO } from "./protocol";
import type { Range } from "./pictures/canvas";

export const VIEWS = ["waterfall", "time", "heavy", "sandwich", "cells", "table", "errors", "compare"] as const;
export type View = (typeof VIEWS)[number];
export type Pill = "errors" | "slow" | "critical";

const SLOW_SHARE = 0.01;

export class Session {
  readonly trace = new Trace();
  readonly details = new DetailStore();
  view: View = "waterfall";
  selected = -1;
  range: Range = { from: 0, to: 1 };
  /** Root of the tree that is looked at; -1 for all, -2 for the latest. */
  scope = -2;
  collapsed = new Set<number>();
  unfolded = new Set<string>();
  typed = "";
  query: Query = { kind: "text", text: "" };
  pills = new Set<Pill>();
  matches: Uint8Array | undefined;
  found: number[] = [];
  searching = false;
  help = false;
  /** Names that the table has been clicked for, and the sandwich's. */
  name = -1;
  compared: [number, number] = [-1, -1];
  sort: { column: string; down: boolean } = { column: "total", down: true };
  scroll = 0;
  /** Paints so far, and how long the last took: for tests. */
  painted = { count: 0, ms: 0 };
  private fitted = true;
  private listeners = new Set<() => void>();
  private scheduled = false;
  private searches = 0;
  private cache = new Map<string, { key: string; value: unknown }>();

  constructor(readonly model: Model) {}

  // ── what comes in ─────────────────────────────────────────────────────────────────────────────────────────────────

  receive(data: DataView): void {
    const { header, columns } = unpack(data);
    if (header.kind === DETAILS) {
      const [rows, data] = columns as DetailsColumns;
      this.details.add(rows.slice(), data.slice(), (row) => this.trace.indexOf(row) >= 0);
      if (this.selected >= 0) this.changed();
      return;
    }
    if (header.kind === HAVE) {
      // Of an older answer that is on its way nothing is lacking: only what has arrived counts.
      if (header.rows !== this.trace.next || header.details !== this.details.received) this.miss();
      return;
    }
    const spans = header;
    if (!spans.reset && spans.first !== this.trace.next) return this.miss();
    if (spans.reset) {
      this.begin();
    } else if (this.missed) return; // the answer brings it
    const chosen = this.name;
    const moved = this.trace.append(spans, columns);
    if (moved) this.forget(columns[columns.length - 1] as Int32Array, moved);
    if (spans.reset || spans.renamed.some(([code]) => code === chosen)) this.name = -1;
    if (this.typed) this.searchAgain(spans.reset || !!moved);
    this.grown();
  }

  /** Something did not arrive: ask for everything, once. */
  private miss(): void {
    if (this.missed) return;
    this.missed = true;
    this.greet();
  }

  /** Tell the kernel that somebody looks, and what is here. */
  greet(): void {
    const [rows, details] = this.missed ? [0, 0] : [this.trace.next, this.details.received];
    this.model.send({ kind: HELLO, rows, details, code: true });
  }

  private missed = false;

  /** Everything comes anew: what was said of rows means nothing any more. */
  private begin(): void {
    this.details.clear();
    this.deselect();
    this.missed = false;
    this.asked = this.wanted = -1;
    if (this.scope >= 0) this.scope = -2;
    this.compared = [-1, -1];
    this.collapsed.clear();
    this.unfolded.clear();
    this.found = [];
    this.matches = undefined;
    this.shapeVersion++;
  }

  /** Follow the rows that have moved; what was said of those that are gone goes too. */
  private forget(rows: Int32Array, moved: Int32Array): void {
    this.details.forget(rows);
    const to = (index: number) => (index < 0 ? index : (moved[index] ?? -1));
    if (this.selected >= 0 && to(this.selected) < 0) this.deselect();
    this.selected = to(this.selected);
    this.wanted = to(this.wanted);
    if (this.scope >= 0) this.scope = to(this.scope) < 0 ? -2 : to(this.scope);
    this.compared = this.compared.some((index) => index >= 0 && to(index) < 0) ? [-1, -1] : [to(this.compared[0]), to(this.compared[1])];
    this.collapsed = new Set([...this.collapsed].map(to).filter((index) => index >= 0));
    const unfolded = [...this.unfolded].map((key) => key.split(":").map(Number) as [number, number]);
    this.unfolded = new Set(unfolded.filter(([parent]) => parent < 0 || to(parent) >= 0).map(([parent, name]) => `${to(parent)}:${name}`));
    this.found = this.found.map(to).filter((index) => index >= 0);
    if (this.matches) {
      const marks = new Uint8Array(this.trace.count);
      for (const index of this.found) marks[index] = 1;
      this.matches = marks;
    }
    this.shapeVersion++;
  }

  /** Select nothing, and tell so: the selected span is here no more. */
  private deselect(): void {
    if (this.selected < 0) return;
    this.selected = -1;
    this.tell("");
  }

  /** Draw what is new, but spend no more than a quarter of the time on it: a million spans take their time. */
  private grown(): void {
    if (this.growing) return;
    this.growing = true;
    setTimeout(() => {
      this.growing = false;
      this.changed();
    }, Math.min(3_000, this.cost * 3));
  }

  private growing = false;
  private cost = 0;

  // ── what is shown ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Roots of the trees that are looked at; undefined for all. */
  get roots(): ReadonlySet<number> | undefined {
    const root = this.root;
    return root < 0 ? undefined : this.once("roots", `${root}`, () => new Set([root]));
  }

  /** The root that is looked at, -1 for all. */
  get root(): number {
    if (this.scope >= -1) return this.scope;
    return this.once("root", `${this.trace.version}`, () => {
      const { roots } = this.trace.tree;
      if (roots.length < 2) return -1;
      let busy = 0;
      let latest = roots[roots.length - 1]!;
      for (const row of roots) busy += this.trace.duration(row);
      const whole = this.trace.now - this.trace.start[roots[0]!]!;
      // Cells of milliseconds spread over an afternoon would be hairlines: then the latest that did something is shown.
      for (let i = roots.length - 1; i >= 0; i--) {
        if (this.trace.tree.size[roots[i]!]! > 1) {
          latest = roots[i]!;
          break;
        }
      }
      return busy > whole * 0.15 ? -1 : latest;
    });
  }

  get whole(): Range {
    return this.once("whole", `${this.trace.version}:${this.root}`, () => {
      const { trace } = this;
      const rows = this.root < 0 ? trace.tree.roots : [this.root];
      let from = Infinity;
      let to = -Infinity;
      for (const row of rows) from = Math.min(from, trace.start[row]!);
      if (this.root < 0) to = trace.now;
      else {
        const begin = trace.tree.place[this.root]!;
        for (let place = begin; place < begin + trace.tree.size[this.root]!; place++) to = Math.max(to, trace.endOf(trace.tree.order[place]!));
      }
      if (!(to > from)) return { from: Number.isFinite(from) ? from : 0, to: (Number.isFinite(from) ? from : 0) + 1 };
      return { from, to: to + (to - from) * 0.002 };
    });
  }

  get lines(): Lines {
    const only = this.filter;
    const key = `${this.trace.version}:${this.root}:${this.shapeVersion}:${[...this.pills]}:${this.searches}`;
    return this.once("lines", key, () => {
      const shape: Shape = { collapsed: this.collapsed, unfolded: this.unfolded, ...(only && { only }), ...(this.roots && { roots: this.roots }) };
      return lines(this.trace, shape, this.drawn);
    });
  }

  private drawn = new LineRoom();
  readonly lanes = new LaneRoom();

  /** Rows that the pills and a condition leave over; undefined for all. */
  get filter(): Uint8Array | undefined {
    const conditions = this.query.kind === "conditions" ? this.matches : undefined;
    if (!this.pills.size && !conditions) return undefined;
    const key = `${this.trace.version}:${this.root}:${[...this.pills]}:${this.searches}:${this.found.length}`;
    return this.once("filter", key, () => {
      const { trace } = this;
      const kept = new Uint8Array(trace.count).fill(1);
      const slow = this.pills.has("slow") ? this.slowest : undefined;
      const critical = this.pills.has("critical") ? this.critical : undefined;
      for (let row = 0; row < trace.count; row++) {
        if (this.pills.has("errors") && trace.status(row) !== ERROR) kept[row] = 0;
        if (slow && !slow[row]) kept[row] = 0;
        if (critical && !critical.has(row)) kept[row] = 0;
        if (conditions && !conditions[row]) kept[row] = 0;
      }
      return kept;
    });
  }

  /** The slowest hundredth of the spans in scope, roots left out, at least one. */
  get slowest(): Uint8Array {
    return this.once("slowest", `${this.trace.version}:${this.root}`, () => {
      const { trace } = this;
      const rows = this.rowsInScope().filter((row) => trace.tree.depth[row]! > 0);
      rows.sort((a, b) => trace.duration(b) - trace.duration(a));
      const found = new Uint8Array(trace.count);
      for (const row of rows.slice(0, Math.max(1, Math.round(rows.length * SLOW_SHARE)))) found[row] = 1;
      return found;
    });
  }

  get critical(): ReadonlyMap<number, number> {
    return this.once("critical", `${this.trace.version}:${this.root}`, () =>
      criticalPath(this.trace, this.root < 0 ? this.trace.tree.roots : [this.root]),
    );
  }

  rowsInScope(): Int32Array {
    const { tree } = this.trace;
    if (this.root < 0) return tree.order.slice();
    const place = tree.place[this.root]!;
    return tree.order.slice(place, place + tree.size[this.root]!);
  }

  /** A value that is made anew only when its key changes. */
  once<T>(name: string, key: string, make: () => T): T {
    const known = this.cache.get(name);
    if (known?.key === key) return known.value as T;
    const value = make();
    this.cache.set(name, { key, value });
    return value;
  }

  // ── what a person does ────────────────────────────────────────────────────────────────────────────────────────────

  shapeVersion = 0;

  show(view: View): void {
    if (view === "sandwich" && this.name < 0) this.name = this.selected >= 0 ? this.trace.name[this.selected]! : -1;
    this.view = view;
    this.scroll = 0;
    this.changed();
  }

  look(typed: string): void {
    this.typed = typed;
    this.query = parse(typed);
    this.found = [];
    this.matches = undefined;
    this.stale = false;
    const search = ++this.searches;
    if (typed.trim() && this.query.kind !== "error") void this.find(search);
    else this.searching = false;
    this.changed();
  }

  /** Search what has come too; what was found stays until that is known. Not while a search is at work: one that began anew
   * with each frame would never end. */
  private searchAgain(now: boolean): void {
    if (this.query.kind === "error" || !this.typed.trim()) return;
    if (this.searching && !now) this.stale = true;
    else void this.find(++this.searches, false);
  }

  private stale = false;

  private async find(number: number, show = true): Promise<void> {
    this.searching = true;
    this.stale = false;
    const marks = new Uint8Array(this.trace.count);
    let all: number[] = [];
    const tell = () => {
      const { place } = this.trace.tree;
      this.matches = marks;
      this.found = all = all.sort((a, b) => place[a]! - place[b]!);
      this.cache.delete("lines");
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
    if (this.stale) this.searchAgain(true);
  }

  /** Go to the next match, or the one before. */
  step(by: 1 | -1): void {
    // A trace that a person has chosen is searched alone; the one that happened to be the latest is left for a match.
    const inScope = this.scope >= 0 ? this.found.filter((row) => this.inScope(row)) : this.found;
    if (!inScope.length) return;
    const { place } = this.trace.tree;
    const here = this.selected < 0 ? -1 : place[this.selected]!;
    const next = by > 0 ? inScope.find((row) => place[row]! > here) : inScope.findLast((row) => place[row]! < here);
    this.select(next ?? (by > 0 ? inScope[0]! : inScope[inScope.length - 1]!), true);
  }

  inScope(row: number): boolean {
    const root = this.root;
    if (root < 0) return true;
    const { place, size } = this.trace.tree;
    return place[row]! >= place[root]! && place[row]! < place[root]! + size[root]!;
  }

  toggle(pill: Pill): void {
    if (!this.pills.delete(pill)) this.pills.add(pill);
    this.scroll = 0;
    this.changed();
  }

  select(row: number, reveal = false): void {
    this.selected = row;
    this.asked = -1;
    if (row >= 0 && reveal) this.reveal(row);
    this.changed();
    if (row < 0) return this.tell("");
    const number = this.trace.row[row]!;
    void this.describe(row).then((details) => {
      if (details && this.trace.indexOf(number) === this.selected) this.tell(details.id);
    });
  }

  async describe(row: number): Promise<Details | undefined> {
    if (row < 0 || row >= this.trace.count) return undefined;
    const number = this.trace.row[row]!;
    // Once: a kernel that is busy would hear it again with each frame.
    if (!this.details.has(number) && this.asked !== number) this.model.send({ kind: DESCRIBE, row: (this.asked = number) });
    return this.details.get(number);
  }

  private asked = -1;

  /** What is known of a span, if it is at hand. */
  detailsOf(index: number): Promise<Details | undefined> {
    return this.details.get(this.trace.row[index]!);
  }

  /** Select the span that the kernel names. */
  async selectId(id: string): Promise<void> {
    if (!id) return this.selected >= 0 ? this.select(-1) : undefined;
    if (this.selected >= 0 && (await this.detailsOf(this.selected))?.id === id) return;
    for await (const chunk of this.details.all()) {
      for (const [row, details] of chunk) if (details.id === id && this.trace.indexOf(row) >= 0) return this.select(this.trace.indexOf(row), true);
    }
  }

  private tell(id: string): void {
    if (this.model.get("selection") === id) return;
    this.model.set("selection", id);
    this.model.save_changes();
  }

  /** Open everything above a row, and its group, and move the picture so that it can be seen. */
  reveal(row: number): void {
    const { trace } = this;
    if (!this.inScope(row)) this.scope = trace.tree.rootOf(row);
    for (let at = row; at >= 0; at = trace.tree.parent[at]!) {
      if (at !== row) this.collapsed.delete(at);
      this.unfolded.add(`${trace.tree.parent[at]}:${trace.name[at]}`);
    }
    this.shapeVersion++;
    const start = trace.start[row]!;
    const end = trace.endOf(row);
    const wide = this.range.to - this.range.from;
    if (end < this.range.from || start > this.range.to) {
      this.zoom({ from: (start + end) / 2 - wide / 2, to: (start + end) / 2 + wide / 2 });
    }
    this.wanted = row;
  }

  /** A row that the next paint scrolls to. */
  wanted = -1;

  open(row: number, open: boolean): void {
    if (open) this.collapsed.delete(row);
    else this.collapsed.add(row);
    this.shapeVersion++;
    this.changed();
  }

  unfold(row: number): void {
    this.unfolded.add(`${this.trace.tree.parent[row]}:${this.trace.name[row]}`);
    this.shapeVersion++;
    this.changed();
  }

  openAll(open: boolean): void {
    const { trace } = this;
    this.collapsed.clear();
    this.unfolded.clear();
    if (!open) for (const row of this.rowsInScope()) if (trace.tree.size[row]! > 1 && trace.tree.depth[row]! > 0) this.collapsed.add(row);
    this.shapeVersion++;
    this.changed();
  }

  focus(root: number): void {
    this.scope = root;
    this.scroll = 0;
    this.fit();
    this.changed();
  }

  fit(): void {
    this.range = { ...this.whole };
    this.fitted = true;
  }

  zoom(range: Range): void {
    const whole = this.whole;
    const wide = Math.min(Math.max(range.to - range.from, 1e-4), whole.to - whole.from);
    const from = Math.min(Math.max(range.from, whole.from), whole.to - wide);
    this.range = { from, to: from + wide };
    this.fitted = wide >= (whole.to - whole.from) * 0.999;
    this.changed();
  }

  /** Zoom by a factor around a share of the width. */
  zoomBy(factor: number, at = 0.5): void {
    const { from, to } = this.range;
    const wide = (to - from) * factor;
    const fixed = from + (to - from) * at;
    this.zoom({ from: fixed - wide * at, to: fixed + wide * (1 - at) });
  }

  pan(share: number): void {
    const by = (this.range.to - this.range.from) * share;
    this.zoom({ from: this.range.from + by, to: this.range.to + by });
  }

  // ── who is told ───────────────────────────────────────────────────────────────────────────────────────────────────

  listen(callback: () => void): () => void {
    this.listeners.add(callback);
    return () => this.listeners.delete(callback);
  }

  /** Have everything drawn anew with the next frame of the screen. */
  changed(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      const began = performance.now();
      // What was looked at may be forgotten by now.
      if (this.fitted || this.range.to < this.whole.from) this.fit();
      for (const listener of this.listeners) listener();
      // Preact draws after this; what was drawn is known with the next frame.
      requestAnimationFrame(() => (this.cost = performance.now() - began - 16));
    });
  }
}
