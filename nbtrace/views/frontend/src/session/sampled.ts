// The samples that are looked at, as pictures draw them: made anew when samples or spans have come.

import type { Merged } from "../engine/merge";
import type { Profile } from "../engine/profile";
import { type Sampled, addFrames, aroundFrame, place } from "../engine/sampled";
import { Stacks } from "../engine/stacks";
import { Symbols } from "../engine/symbols";
import { type SampledThread, threadsOf } from "../engine/threads";
import type { Trace } from "../engine/trace";
import type { Once } from "./once";
import type { Scope } from "./scope";
import type { Times } from "./times";

export class Samples {
  readonly symbols: Symbols;
  readonly #stacks: Stacks;

  constructor(
    private readonly trace: Trace,
    private readonly profile: Profile,
    private readonly scope: Scope,
    private readonly times: Times,
    private readonly once: Once,
  ) {
    this.symbols = new Symbols(trace, profile);
    this.#stacks = new Stacks(profile, this.symbols);
  }

  /** What was said of frames means nothing any more. */
  begin(): void {
    this.symbols.clear();
    this.#stacks.clear();
  }

  /** What the pictures depend on. */
  get version(): string {
    return `${this.profile.version}:${this.trace.version}:${this.scope.root}`;
  }

  /** The threads of the trees that are looked at. */
  get threads(): SampledThread[] {
    const { root } = this.scope;
    // While all is looked at, spans that come change nothing.
    if (root < 0) return this.once.get("threads", `${this.profile.version}:${this.trace.workers.size}`, () => (this.#grow(), threadsOf(this.profile, this.#stacks)));
    const { owner } = this.#sampled.placed;
    return this.once.get("threads", this.version, () => threadsOf(this.profile, this.#stacks, (row) => owner[row]! >= 0 && this.scope.has(owner[row]!)));
  }

  /** Put sampled frames below merged spans. */
  hang(top: Merged, at: readonly (Merged | undefined)[], outside: boolean): void {
    if (this.profile.count) addFrames(top, at, this.#sampled, outside);
  }

  /** Who calls a frame, and what it calls. */
  around(symbol: number): { callers: Merged; callees: Merged } {
    return aroundFrame(this.#sampled, symbol, this.scope.root < 0 ? undefined : (row) => this.scope.has(row));
  }

  /** Functions of the trees that are looked at: symbol, its own time, and with what it called, once where it calls itself. */
  functions(): [symbol: number, self: number, total: number][] {
    const { stacks, symbols, placed: { weight, owner } } = this.#sampled;
    const { above, symbol, count } = stacks;
    const whole = new Float64Array(count);
    const self = new Map<number, number>();
    const total = new Map<number, number>();
    const add = (to: Map<number, number>, node: number, ms: number) => to.set(symbol[node]!, (to.get(symbol[node]!) ?? 0) + ms);
    for (let row = 0; row < this.profile.count; row++) {
      if (!this.scope.has(owner[row]!)) continue;
      const node = stacks.of[row]!;
      whole[node]! += weight[row]!;
      add(self, node, weight[row]!);
    }
    // What is called stands behind what calls it.
    for (let node = count - 1; node >= 0; node--) {
      const outer = above[node]!;
      if (outer >= 0) whole[outer]! += whole[node]!;
      let at = outer;
      while (at >= 0 && symbol[at] !== symbol[node]) at = above[at]!;
      if (at < 0 && whole[node]) add(total, node, whole[node]!);
    }
    return [...total].flatMap(([each, ms]) => (symbols.isFrame(each) ? [[each, self.get(each) ?? 0, ms]] : []));
  }

  /** Symbols in which a text is found, by their number from the first on. */
  matches(text: string): Uint8Array {
    this.#grow();
    return this.once.get("symbols", `${this.symbols.count}:${this.trace.version}:${text}`, () => this.symbols.matches(text));
  }

  get #sampled(): Sampled {
    this.#grow();
    const { trace, profile, symbols, times } = this;
    const stacks = this.#stacks;
    return this.once.get("placed", `${profile.version}:${trace.version}`, () => (
      { trace, profile, symbols, stacks, placed: place(profile, trace, times.spans, (cell) => times.of(cell)) }
    ));
  }

  #grow(): void {
    this.once.get("stacks", `${this.profile.version}`, () => this.#stacks.grow());
  }
}
