// The time of each cell, allotted, and what follows from it: worked out when somebody looks, and again when more is known.

import { type Allotted, allot, cellSpans, ranOf } from "../engine/allotted";
import { type HotLine, type Hottest, hotLines, hottest } from "../engine/heat";
import type { Profile } from "../engine/profile";
import type { Trace } from "../engine/trace";
import type { Once } from "./once";

interface Known {
  key: string;
  time: Allotted;
  lines?: HotLine[];
  hottest?: { found: Hottest | undefined };
}

export class Times {
  readonly #known = new Map<number, Known>();

  constructor(
    private readonly trace: Trace,
    private readonly profile: Profile,
    private readonly once: Once,
  ) {}

  /** The indices of the spans of cells, by the number of the execution. */
  get spans(): ReadonlyMap<number, number> {
    return this.once.get("cell spans", `${this.trace.version}`, () => cellSpans(this.trace));
  }

  of(cell: number): Allotted {
    return this.#at(cell).time;
  }

  linesOf(cell: number): HotLine[] {
    const known = this.#at(cell);
    return (known.lines ??= hotLines(this.profile, known.time));
  }

  hottestOf(cell: number): Hottest | undefined {
    const known = this.#at(cell);
    return (known.hottest ??= { found: hottest(this.profile, known.time) }).found;
  }

  #at(cell: number): Known {
    const { profile } = this;
    const ran = ranOf(profile, this.trace, cell, this.spans.get(cell) ?? -1);
    const statements = profile.statements.get(cell);
    const last = statements?.[statements.length - 1]?.ended;
    const rows = profile.rowsOf(cell);
    const key = [ran.from, ran.to, rows[0], rows.length, statements?.length, last, profile.resources.get(cell)].join();
    const before = this.#known.get(cell);
    if (before?.key === key) return before;
    const known = { key, time: allot(profile, cell, ran) };
    this.#known.set(cell, known);
    return known;
  }

  /** Cells that are gone need no time. */
  forget(): void {
    this.#known.clear();
  }
}
