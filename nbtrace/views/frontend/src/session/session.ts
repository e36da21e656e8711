// What one inspector shows: its trace, and what all views share: the view, the selection, what the pills leave over. State that
// never leaves the browser, but for the id of the selected span.

import { DetailStore, type Details } from "../engine/details";
import { LineRoom, type Lines, type Shape, lines } from "../engine/folding";
import { LaneRoom } from "../engine/lanes";
import { ERROR, Trace } from "../engine/trace";
import type { Model } from "../model";
import { DESCRIBE, type DoingInfo, type SpansHeader } from "../protocol";
import { Drawing } from "./drawing";
import { Finder } from "./finder";
import { Folds } from "./folds";
import { Once } from "./once";
import { type Heir, Receipt } from "./receipt";
import { Scope } from "./scope";
import { Zoom } from "./zoom";

export const VIEWS = ["waterfall", "time", "heavy", "sandwich", "cells", "table", "errors", "compare"] as const;
export type View = (typeof VIEWS)[number];
export type Pill = "errors" | "slow" | "critical";

export class Session implements Heir {
  readonly trace = new Trace();
  readonly details = new DetailStore();
  readonly once = new Once();
  readonly scope = new Scope(this.trace, this.once);
  readonly changed = () => this.drawing.changed();
  readonly finder = new Finder(this.trace, this.details, this.changed);
  readonly folds = new Folds(this.trace, this.changed);
  readonly zoom = new Zoom(() => this.scope.whole, this.changed);
  readonly drawing: Drawing = new Drawing(() => this.zoom.follow());
  readonly receipt: Receipt;
  /** What the cells that run are doing. */
  doing: DoingInfo[] = [];
  view: View = "waterfall";
  selected = -1;
  /** A row that the next paint scrolls to. */
  wanted = -1;
  pills = new Set<Pill>();
  help = false;
  /** Names that the table has been clicked for, and the sandwich's. */
  name = -1;
  compared: [number, number] = [-1, -1];
  sort: { column: string; down: boolean } = { column: "total", down: true };
  scroll = 0;
  /** Paints so far, and how long the last took: for tests. */
  painted = { count: 0, ms: 0 };
  readonly lanes = new LaneRoom();
  private readonly drawn = new LineRoom();
  /** The row whose details were asked for. */
  private asked = -1;

  constructor(readonly model: Model) {
    this.receipt = new Receipt(this.trace, this.details, (message) => model.send(message), this);
  }

  // ── what comes in ─────────────────────────────────────────────────────────────────────────────────────────────────

  begin(): void {
    this.doing = [];
    this.deselect();
    this.asked = this.wanted = -1;
    this.name = -1;
    this.compared = [-1, -1];
    this.scope.begin();
    this.folds.clear();
    this.finder.begin();
  }

  follow(moved: Int32Array): void {
    const to = (index: number) => (index < 0 ? index : (moved[index] ?? -1));
    if (this.selected >= 0 && to(this.selected) < 0) this.deselect();
    this.selected = to(this.selected);
    this.wanted = to(this.wanted);
    this.compared = this.compared.some((index) => index >= 0 && to(index) < 0) ? [-1, -1] : [to(this.compared[0]), to(this.compared[1])];
    this.scope.follow(to);
    this.folds.follow(to);
    this.finder.follow(to);
  }

  grown(header: SpansHeader, moved: boolean): void {
    if (header.renamed.some(([code]) => code === this.name)) this.name = -1;
    this.finder.again(header.reset || moved);
    this.drawing.grown();
  }

  described(): void {
    if (this.selected >= 0) this.changed();
  }

  busy(cells: DoingInfo[]): void {
    if (!cells.length && !this.doing.length) return;
    this.doing = cells;
    this.drawing.grown();
  }

  // ── what is shown ─────────────────────────────────────────────────────────────────────────────────────────────────

  get lines(): Lines {
    const only = this.filter;
    const { collapsed, unfolded, version } = this.folds;
    const { roots } = this.scope;
    const key = `${this.trace.version}:${this.scope.root}:${version}:${[...this.pills]}:${this.finder.version}`;
    return this.once.get("lines", key, () => {
      const shape: Shape = { collapsed, unfolded, ...(only && { only }), ...(roots && { roots }) };
      return lines(this.trace, shape, this.drawn);
    });
  }

  /** Rows that the pills and a condition leave over; undefined for all. */
  get filter(): Uint8Array | undefined {
    const conditions = this.finder.query.kind === "conditions" ? this.finder.matches : undefined;
    if (!this.pills.size && !conditions) return undefined;
    const key = `${this.trace.version}:${this.scope.root}:${[...this.pills]}:${this.finder.version}`;
    return this.once.get("filter", key, () => {
      const { trace } = this;
      const kept = new Uint8Array(trace.count).fill(1);
      const slow = this.pills.has("slow") ? this.scope.slowest : undefined;
      const critical = this.pills.has("critical") ? this.scope.critical : undefined;
      for (let row = 0; row < trace.count; row++) {
        if (this.pills.has("errors") && trace.status(row) !== ERROR) kept[row] = 0;
        if (slow && !slow[row]) kept[row] = 0;
        if (critical && !critical.has(row)) kept[row] = 0;
        if (conditions && !conditions[row]) kept[row] = 0;
      }
      return kept;
    });
  }

  show(view: View): void {
    if (view === "sandwich" && this.name < 0) this.name = this.selected >= 0 ? this.trace.name[this.selected]! : -1;
    this.view = view;
    this.scroll = 0;
    this.changed();
  }

  toggle(pill: Pill): void {
    if (!this.pills.delete(pill)) this.pills.add(pill);
    this.scroll = 0;
    this.changed();
  }

  /** Look at a tree, at all, or at the latest. */
  focus(root: number): void {
    this.scope.chosen = root;
    this.scroll = 0;
    this.zoom.fit();
    this.changed();
  }

  // ── the selected span ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Go to the next match, or the one before. */
  step(by: 1 | -1): void {
    // A trace that a person has chosen is searched alone; the one that happened to be the latest is left for a match.
    const inScope = this.scope.chosen >= 0 ? this.finder.found.filter((row) => this.scope.has(row)) : this.finder.found;
    if (!inScope.length) return;
    const { place } = this.trace.tree;
    const here = this.selected < 0 ? -1 : place[this.selected]!;
    const next = by > 0 ? inScope.find((row) => place[row]! > here) : inScope.findLast((row) => place[row]! < here);
    this.select(next ?? (by > 0 ? inScope[0]! : inScope[inScope.length - 1]!), true);
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

  /** Select nothing, and tell so: the selected span is here no more. */
  private deselect(): void {
    if (this.selected < 0) return;
    this.selected = -1;
    this.tell("");
  }

  async describe(row: number): Promise<Details | undefined> {
    if (row < 0 || row >= this.trace.count) return undefined;
    const number = this.trace.row[row]!;
    // Once: a kernel that is busy would hear it again with each frame.
    if (!this.details.has(number) && this.asked !== number) this.model.send({ kind: DESCRIBE, row: (this.asked = number) });
    return this.details.get(number);
  }

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

  /** Open what a row stands in, and move the picture so that it can be seen. */
  private reveal(row: number): void {
    const { trace } = this;
    if (!this.scope.has(row)) this.scope.chosen = trace.tree.rootOf(row);
    this.folds.uncover(row);
    const { range } = this.zoom;
    const start = trace.start[row]!;
    const end = trace.endOf(row);
    const wide = range.to - range.from;
    if (end < range.from || start > range.to) this.zoom.to({ from: (start + end) / 2 - wide / 2, to: (start + end) / 2 + wide / 2 });
    this.wanted = row;
  }
}
