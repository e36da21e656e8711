// What is compared: two sides with one run or several each, and what has changed from one to the other.

import { calling } from "../engine/calls";
import { type Comparison, compare } from "../engine/compare";
import { executions } from "../engine/executions";
import type { Profile } from "../engine/profile";
import { type Choice, type Pair, type Run, chosen, described, latest, sides, upTo, works } from "../engine/runs";
import type { Trace } from "../engine/trace";
import type { Once } from "./once";
import type { Times } from "./times";

export class Comparing {
  /** What a person has chosen; until then what is compared follows new runs. */
  #picked: Pair | undefined;

  constructor(
    private readonly trace: Trace,
    private readonly profile: Profile,
    private readonly times: Times,
    private readonly once: Once,
    private readonly changed: () => void,
  ) {}

  begin(): void {
    this.#picked = undefined;
  }

  /** Follow the rows that have moved; what is gone cannot be compared. */
  follow(to: (index: number) => number): void {
    const moved = this.#picked?.map((choice) => ({ ...choice, row: to(choice.row) })) as Pair | undefined;
    this.#picked = moved?.some(({ row }, side) => row < 0 && this.#picked![side]!.row >= 0) ? undefined : moved;
  }

  /** Of what is known of the runs: samples tell what they called. */
  get version(): string {
    return `${this.trace.version}:${this.profile.version}`;
  }

  /** Executions of cells, in their order. */
  get runs(): Run[] {
    const { trace, profile } = this;
    return this.once.get("runs", this.version, () => calling(described(trace, executions(trace), this.times.spans), (cell) => profile.inside(cell)));
  }

  /** Those that have ended, by the work that they are runs of; what has run last comes last. */
  get works(): Map<string, Run[]> {
    return this.once.get("works", this.version, () => works(this.runs));
  }

  /** What stands on the two sides; undefined where nobody has chosen, and nothing has run twice. */
  get pair(): Pair | undefined {
    if (this.#picked) return this.#picked;
    return this.once.get("pair", this.version, () => latest(this.works));
  }

  /** The runs of the two sides: none where nothing is compared. */
  get sides(): [before: Run[], after: Run[]] {
    const { pair } = this;
    return this.once.get("sides", `${this.version}:${JSON.stringify(pair)}`, () => (pair ? chosen(this.works, pair) : [[], []]));
  }

  /** What stands on the two sides, for whoever keeps something of it. */
  get key(): string {
    return this.sides.map((runs) => runs.map(({ row }) => row).join()).join(":");
  }

  /** Whether the times mean something beside each other: what failed did not do the whole work. */
  get comparable(): boolean {
    const [before, after] = this.sides;
    return before.length > 0 && after.length > 0 && before.some(({ failed }) => failed) === after.some(({ failed }) => failed);
  }

  get result(): Comparison | undefined {
    if (!this.comparable) return undefined;
    return this.once.get("changes", `${this.trace.version}:${this.key}`, () => {
      const [before, after] = this.sides.map((runs) => runs.map(({ row }) => row)) as [number[], number[]];
      return compare(this.trace, before, after);
    });
  }

  /** Choose a side; the other stays as it is, or is what was chosen until something else is. The same on both is nothing to compare. */
  choose(side: 0 | 1, choice: Choice): void {
    const nothing: Choice = { row: -1, all: false };
    const next = (this.pair ?? [nothing, nothing]).map((old) => (old.row === choice.row && old.all === choice.all ? nothing : old)) as Pair;
    next[side] = choice;
    this.#picked = next;
    this.changed();
  }

  /** Compare a run with those before it. */
  look(run: Run): void {
    this.#picked = sides(upTo(this.works.get(run.work) ?? [], run.row));
    this.changed();
  }
}
