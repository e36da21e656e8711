// What the waterfall is grouped by, and what is known of the spans' values so far.

import type { DetailStore } from "../engine/details";
import { cellSpans } from "../engine/allotted";
import { Groups, NONE, OTHERS, UNKNOWN, Values, valueOf } from "../engine/grouping";
import type { Trace } from "../engine/trace";
import type { Once } from "./once";
import type { Scope } from "./scope";

/** Keys of attributes that are told apart at most. */
const MAX_KEYS = 1_000;

/** One way through all details, for one thing to group by. */
class Reading {
  readonly values = new Values();
  /** By the row that the kernel knows a span by. */
  readonly codes = new Map<number, number>();
  readonly seen = new WeakSet<object>();
  readonly keys = new Map<string, number>();
}

export class Grouping {
  /** thread, process, trace, cell, or `attributes.` and a key; empty for no groups. */
  by = "";
  /** Keys of attributes, the most frequent first. */
  keys: string[] = [];
  version = 0;
  #reading = new Reading();
  #busy = false;
  /** Whether more has come since this reading of it began. */
  #stale = false;
  #wanted = false;

  constructor(
    private readonly trace: Trace,
    private readonly details: DetailStore,
    private readonly scope: Scope,
    private readonly once: Once,
    private readonly changed: () => void,
  ) {}

  choose(by: string): void {
    this.by = by;
    this.begin();
    this.look();
    this.changed();
  }

  /** Somebody wants to know the values, or what there is to group by. */
  look(): void {
    this.#wanted = true;
    void this.#read();
  }

  /** Details have come. */
  described(): void {
    if (this.#wanted) void this.#read();
  }

  begin(): void {
    this.#reading = new Reading();
    this.version++;
  }

  /** Rows are gone: their values are kept no longer. */
  forget(): void {
    const { codes } = this.#reading;
    for (const row of codes.keys()) if (this.trace.indexOf(row) < 0) codes.delete(row);
  }

  /** How many spans are known to have what there is to group by; empty where nobody has looked, or all have it. */
  having(by: string): number[] {
    return [this.#reading.keys.get(by.slice(11)) ?? []].flat();
  }

  get groups(): Groups | undefined {
    if (!this.by) return undefined;
    return this.once.get("groups", `${this.trace.version}:${this.scope.root}:${this.version}`, () => {
      const { trace, scope } = this;
      const reading = this.#reading;
      const codes = new Int32Array(trace.count);
      for (let row = 0; row < trace.count; row++) {
        codes[row] = !scope.has(row) ? -1 : this.by === "cell" ? reading.values.codeOf(this.#cellOf(row)) : (reading.codes.get(trace.row[row]!) ?? UNKNOWN);
      }
      // A lane by an attribute has all that its spans did: what has no value of its own belongs to what called it.
      if (this.by.startsWith("attributes.")) {
        for (const row of trace.tree.order) {
          const above = trace.tree.parent[row]!;
          if (codes[row] === NONE && above >= 0 && codes[above]! > NONE) codes[row] = codes[above]!;
        }
      }
      const kernels = new Set<number>();
      if (this.by === "process") for (const row of cellSpans(trace).values()) if (codes[row]! > OTHERS) kernels.add(codes[row]!);
      return new Groups(trace, codes, reading.values, kernels, this.by === "process");
    });
  }

  #cellOf(row: number): [string, string, string] | undefined {
    const cell = this.trace.cells.get(this.trace.cell[row]!);
    return cell && [`${cell[0]}`, `[${cell[1] ?? " "}] ${cell[4].trim().split("\n")[0]}`, ""];
  }

  async #read(): Promise<void> {
    this.#stale = true;
    if (this.#busy) return;
    this.#busy = true;
    while (this.#stale) {
      this.#stale = false;
      const by = this.by;
      const reading = this.#reading;
      for await (const chunk of this.details.all(reading.seen)) {
        if (reading !== this.#reading) {
          this.#stale = true;
          break;
        }
        for (const [row, each] of chunk) {
          for (const key in each.attributes) {
            const { keys } = reading;
            if (keys.size < MAX_KEYS || keys.has(key)) keys.set(key, (keys.get(key) ?? 0) + 1);
          }
          if (by) reading.codes.set(row, reading.values.codeOf(valueOf(each, by)));
        }
        this.version++;
        this.changed();
      }
    }
    this.keys = [...this.#reading.keys].sort((a, b) => b[1] - a[1]).map(([key]) => key);
    this.#busy = false;
    this.changed();
  }
}
