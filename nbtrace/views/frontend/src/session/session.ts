// What one inspector shows: its trace, and what all views share: the view, the selection, what the pills leave over. State that
// never leaves the browser, but for the id of the selected span.

import { DetailStore, type Details } from "../engine/details";
import { LineRoom, type Lines, type Shape, lines } from "../engine/folding";
import type { Groups } from "../engine/grouping";
import { LaneRoom } from "../engine/lanes";
import { Profile } from "../engine/profile";
import { statistics } from "../engine/statistics";
import { type Tip, inLine } from "../engine/tip";
import type { Range } from "../engine/steps";
import { ERROR, Trace } from "../engine/trace";
import type { Model } from "../model";
import { DESCRIBE, type DoingInfo, type SpansHeader } from "../protocol";
import { Code } from "./code";
import { Comparing } from "./comparing";
import { Drawing } from "./drawing";
import { Finder } from "./finder";
import { Folds } from "./folds";
import { Grouping } from "./grouping";
import { Idle } from "./idle";
import { type Notice, after, within } from "./moves";
import { Once } from "./once";
import { Pointed } from "./pointed";
import { type Heir, Receipt } from "./receipt";
import { Samples } from "./sampled";
import { Scope } from "./scope";
import { Times } from "./times";
import { Zoom } from "./zoom";

export const VIEWS = ["waterfall", "code", "time", "heavy", "sandwich", "cells", "table", "errors", "compare"] as const;
export type View = (typeof VIEWS)[number];
export type Pill = "errors" | "slow" | "critical";

export class Session implements Heir {
  readonly trace = new Trace();
  readonly details = new DetailStore();
  readonly profile = new Profile((cell) => this.trace.cells.get(cell)?.[5], (process) => this.trace.processName(process));
  readonly once = new Once();
  readonly scope = new Scope(this.trace, this.once, () => Number(this.model.get("_opener")) || 0);
  readonly changed = () => this.drawing.changed();
  readonly times = new Times(this.trace, this.profile, this.once);
  readonly comparing = new Comparing(this.trace, this.profile, this.times, this.once, this.changed);
  readonly code = new Code(this.trace, this.scope, this.times, this.changed);
  readonly samples = new Samples(this.trace, this.profile, this.scope, this.times, this.once);
  readonly finder = new Finder(this.trace, this.details, this.changed, (text) => this.samples.matches(text));
  readonly grouping = new Grouping(this.trace, this.details, this.scope, this.once, () => this.drawing.grown());
  readonly folds = new Folds(this.trace, () => this.groups, () => this.filtering, this.changed);
  readonly pointed = new Pointed();
  readonly idle = new Idle(this.trace, this.profile, this.scope, this.once, this.changed);
  readonly zoom = new Zoom(this.scope, this.idle, this.changed, () => this.#elsewhere());
  readonly drawing: Drawing = new Drawing(() => this.zoom.follow());
  readonly receipt: Receipt;
  /** What the cells that run are doing. */
  doing: DoingInfo[] = [];
  view: View = "waterfall";
  /** Whether a person has chosen the view. */
  #seen = false;
  /** What is known of the sampled frame that was chosen last. */
  told = { name: -1, text: "" };
  /** What the last key did not find. */
  notice: Notice = { text: "", at: "" };
  selected = -1;
  /** A row that the next paint scrolls to. */
  wanted = -1;
  /** Whether a hand has just chosen a part of the time, which the next paint shows something of. */
  brushed = false;
  /** Whether the next paint moves to a box of the frame that is `name`. */
  wantedFrame = false;
  pills = new Set<Pill>();
  help = false;
  /** Whether the lanes of CPU and memory are shown. */
  meters = true;
  /** Whether flame graphs show sampled frames. */
  frames = true;
  /** Names that the table has been clicked for, and the sandwich's; of spans or of sampled frames. */
  name = -1;
  sort: { column: string; down: boolean } = { column: "total", down: true };
  /** The Cells view's; by nothing else than their order to begin with. */
  cellSort: { column: "cell" | "duration" | "cpu" | "memory" | "hottest"; down: boolean } = { column: "cell", down: false };
  scroll = 0;
  /** Paints so far, and how long the last took: for tests. */
  painted = { count: 0, ms: 0 };
  readonly lanes = new LaneRoom();
  readonly #drawn = new LineRoom();
  /** The row whose details were asked for. */
  #asked = -1;

  constructor(readonly model: Model) {
    this.receipt = new Receipt(this.trace, this.details, this.profile, (message) => model.send(message), this);
  }

  // ── what comes in ─────────────────────────────────────────────────────────────────────────────────────────────────

  begin(): void {
    this.doing = [];
    this.once.clear();
    this.#deselect();
    this.#asked = this.wanted = -1;
    this.name = -1;
    this.comparing.begin();
    this.scope.begin();
    this.idle.begin();
    this.zoom.begin();
    this.samples.begin();
    this.folds.clear();
    this.grouping.begin();
    this.finder.begin();
    this.times.forget();
    this.code.look(0);
  }

  follow(moved: Int32Array): void {
    const to = (index: number) => (index < 0 ? index : (moved[index] ?? -1));
    if (this.selected >= 0 && to(this.selected) < 0) this.#deselect();
    this.selected = to(this.selected);
    this.wanted = to(this.wanted);
    this.comparing.follow(to);
    this.profile.keep((cell) => this.trace.cells.has(cell));
    this.times.forget();
    this.scope.follow(to);
    this.zoom.forget(to);
    this.folds.follow(to);
    this.grouping.forget();
    this.finder.follow(to);
  }

  grown(header: SpansHeader, moved: boolean): void {
    if (header.renamed.some(([code]) => code === this.name)) this.name = -1;
    this.finder.again(header.reset || moved);
    this.drawing.grown();
  }

  described(captioned = false): void {
    this.grouping.described();
    this.finder.described();
    if (captioned) this.drawing.grown();
    if (this.selected >= 0 || this.view === "code") this.changed();
  }

  sampled(): void {
    // Where nobody has made a span, the code says what bars cannot.
    if (!this.#seen && this.view === "waterfall" && this.profile.count && !this.#instrumented) this.view = "code";
    this.drawing.grown();
  }

  /** Whether there are spans besides those of cells. */
  get #instrumented(): boolean {
    return this.once.get("instrumented", `${this.trace.version}`, () => {
      const cells = new Set(this.times.spans.values());
      for (let row = 0; row < this.trace.count; row++) if (!cells.has(row)) return true;
      return false;
    });
  }

  busy(cells: DoingInfo[]): void {
    if (!cells.length && !this.doing.length) return;
    this.doing = cells;
    this.drawing.grown();
  }

  // ── what is shown ─────────────────────────────────────────────────────────────────────────────────────────────────

  get lines(): Lines {
    const only = this.filter;
    const { groups, folds } = this;
    const { roots } = this.scope;
    const key = `${this.trace.version}:${this.scope.root}:${folds.version}:${[...this.pills]}:${this.finder.version}:${this.grouping.version}`;
    return this.once.get("lines", key, () => {
      const shape: Shape = { collapsed: folds.closed, unfolded: folds, ...(only && { only, repeats: this.filtering === "critical:" }), ...(roots && { roots }), ...(groups && { groups }) };
      return lines(this.trace, shape, this.#drawn);
    });
  }

  /** What the lines of the waterfall are grouped by, if they are. */
  get groups(): Groups | undefined {
    return this.grouping.groups;
  }

  group(by: string): void {
    this.folds.regroup();
    this.scroll = 0;
    this.grouping.choose(by);
    this.changed();
  }

  /** What is filtered by, empty for nothing. */
  get filtering(): string {
    const { query, matches, typed } = this.finder;
    const conditions = query.kind === "conditions" && matches ? typed : "";
    return this.pills.size || conditions ? `${[...this.pills]}:${conditions}` : "";
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
    if (view === "sandwich" && this.name < 0) this.name = this.selected >= 0 ? this.trace.name[this.selected]! : this.heaviest;
    this.view = view;
    this.#seen = true;
    this.scroll = 0;
    this.changed();
  }

  /** The name whose spans have the most time of their own, cells left out where there are others; -1 for none. */
  private get heaviest(): number {
    const cells = new Set([...this.times.spans.values()]);
    const inside = (row: number) => this.scope.has(row) && !cells.has(row);
    return statistics(this.trace, inside).sort((a, b) => b.self - a.self)[0]?.name ?? -1;
  }

  toggle(pill: Pill): void {
    if (!this.pills.delete(pill)) this.pills.add(pill);
    this.scroll = 0;
    this.changed();
  }

  /** Choose a sampled frame, of which this is known. */
  call(name: number, tip: Tip): void {
    this.name = name;
    this.told = { name, text: inLine(tip) };
    this.changed();
  }

  toggleFrames(): void {
    this.frames = !this.frames;
    this.changed();
  }

  /** Look at a tree, at all, or at the latest; at a part of the time, or at all of it. */
  focus(root: number, range?: Range): void {
    this.scope.chosen = root;
    this.#elsewhere();
    if (range) this.zoom.to(range);
    else this.zoom.fit();
    this.changed();
  }

  /** Other trees are looked at. */
  #elsewhere(): void {
    if (this.selected >= 0 && !this.scope.has(this.selected)) this.#deselect();
    this.code.follow();
    this.scroll = 0;
  }

  /** Look at a line of a cell's code. */
  showLine(cell: number, line: number): void {
    this.code.lead(cell, line);
    this.show("code");
  }

  /** Look at a cell: its trace, or in the trace of a whole run its part of the time. */
  look(row: number): void {
    const root = this.trace.tree.rootOf(row);
    if (root === row) return this.focus(root);
    this.focus(root, { from: this.trace.start[row]!, to: this.trace.endOf(row) });
    this.select(row, true);
  }

  // ── the selected span ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Go to the next match, or the one before. */
  step(by: 1 | -1): void {
    // A trace that a person has chosen is searched alone; the one that happened to be the latest is left for a match.
    const next = after(this, within(this, this.finder.found, this.scope.chosen >= 0), by);
    if (next === undefined) return this.#stepFrames(by);
    this.select(next, true);
  }

  /** Go to the next function that was found, where no span was: a picture that has sampled frames shows it. */
  #stepFrames(by: 1 | -1): void {
    const { functions } = this.finder;
    if (!functions.length || !this.frames) return;
    const here = functions.indexOf(this.name);
    this.name = functions[here < 0 ? (by > 0 ? 0 : functions.length - 1) : (here + by + functions.length) % functions.length]!;
    if (!["time", "heavy", "sandwich"].includes(this.view)) this.view = "time";
    this.wantedFrame = this.view === "time";
    this.changed();
  }

  select(row: number, reveal = false): void {
    this.selected = row;
    this.#asked = -1;
    if (row >= 0) this.code.follow();
    if (row >= 0 && reveal) this.#reveal(row);
    this.changed();
    if (row < 0) return this.#tell("");
    const number = this.trace.row[row]!;
    void this.describe(row).then((details) => {
      if (details && this.trace.indexOf(number) === this.selected) this.#tell(details.id);
    });
  }

  /** Select nothing, and tell so: the selected span is here no more. */
  #deselect(): void {
    if (this.selected < 0) return;
    this.selected = -1;
    this.#tell("");
  }

  async describe(row: number): Promise<Details | undefined> {
    if (row < 0 || row >= this.trace.count) return undefined;
    const number = this.trace.row[row]!;
    // Once: a kernel that is busy would hear it again with each frame.
    if (!this.details.has(number) && this.#asked !== number) this.model.send({ kind: DESCRIBE, row: (this.#asked = number) });
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

  #tell(id: string): void {
    if (this.model.get("selection") === id) return;
    this.model.set("selection", id);
    this.model.save_changes();
  }

  /** Open what a row stands in, and move the picture so that it can be seen. */
  #reveal(row: number): void {
    const { trace } = this;
    if (!this.scope.has(row)) this.scope.chosen = trace.tree.rootOf(row);
    this.folds.uncover(row);
    this.zoom.reveal({ from: trace.start[row]!, to: trace.endOf(row) });
    this.wanted = row;
  }
}
