// Which time in which nothing ran is folded, of the trees that are looked at.

import type { Profile } from "../engine/profile";
import { STRAIGHT, type Stretch, Timeline, pausesOf } from "../engine/timeline";
import type { Trace } from "../engine/trace";
import type { Once } from "./once";
import type { Scope } from "./scope";

export class Idle {
  folded = true;
  /** Whether waits inside a trace are folded as well. */
  waits = false;
  /** Where stretches begin that a person has opened, or closed again while all others are open. */
  readonly #turned = new Set<number>();
  /** Counts what a person has folded and opened. */
  version = 0;

  constructor(
    private readonly trace: Trace,
    private readonly profile: Profile,
    private readonly scope: Scope,
    private readonly once: Once,
    private readonly changed: () => void,
  ) {}

  /** What the timeline depends on. */
  get key(): string {
    return `${this.trace.version}:${this.profile.version}:${this.scope.root}:${this.version}`;
  }

  get timeline(): Timeline {
    return this.once.get("timeline", this.key, () => {
      const { trace, scope } = this;
      if (!trace.count) return STRAIGHT;
      const pauses = pausesOf(trace, scope.rows(), this.waits, scope.root < 0 ? this.profile : undefined);
      const { whole } = scope;
      const end = scope.root < 0 ? Math.min(trace.now, whole.to) : whole.to;
      return new Timeline(pauses.map((each) => ({ ...each, folded: this.folded !== this.#turned.has(each.from) })), whole, end);
    });
  }

  /** Fold all, or open all. */
  toggle(): void {
    this.#now(!this.folded, this.waits);
  }

  /** Fold the waits inside a trace too, or those between cells alone. */
  toggleWaits(): void {
    this.#now(true, !this.waits);
  }

  /** Open one, or fold it again. */
  turn({ from }: Stretch): void {
    if (!this.#turned.delete(from)) this.#turned.add(from);
    this.version++;
    this.changed();
  }

  begin(): void {
    this.#turned.clear();
    this.version++;
  }

  #now(folded: boolean, waits: boolean): void {
    [this.folded, this.waits] = [folded, waits];
    this.begin();
    this.changed();
  }
}
