// The part of the time that is shown, and what was shown before: a person goes back and forward in it as in a browser.

import type { Timeline } from "../engine/timeline";
import type { Range } from "../pictures/canvas";
import { LATEST } from "./scope";

/** What follows a move of a hand within so many ms goes on with it: a turn of the wheel is one step, not a hundred. */
const PAUSE = 400;
const MOST_STEPS = 100;

/** What was shown: a change of the trees that are looked at is a step as well. */
interface Step {
  range: Range;
  fitted: boolean;
  /** As of a scope. */
  chosen: number;
}

export class Zoom {
  range: Range = { from: 0, to: 1 };
  #fitted = true;
  /** What was chosen when that was shown; NaN before anything was. */
  #chosen = NaN;
  #past: Step[] = [];
  #future: Step[] = [];
  #moved = [-Infinity, -Infinity];
  /** Whether the last step is a move of a hand that may go on. */
  #flows = false;
  #held = false;

  /** `returned`: told when other trees are looked at again. */
  constructor(
    private readonly scope: { readonly whole: Range; chosen: number },
    private readonly idle: { readonly timeline: Timeline },
    private readonly changed: () => void,
    private readonly returned: () => void,
  ) {}

  fit(): void {
    this.#go({ ...this.scope.whole }, true, false);
  }

  /** Whether a hand is at it: it has moved twice just now. */
  get moving(): boolean {
    return performance.now() - this.#moved[0]! < 120;
  }

  /** Before each drawing: what was fitted still fits, what was looked at may be forgotten by now, and other trees may be looked at. */
  follow(): void {
    const { whole, chosen } = this.scope;
    if (Number.isNaN(this.#chosen)) this.#chosen = chosen;
    if (this.#chosen !== chosen) this.#go(this.#fitted ? { ...whole } : this.#clamped(this.range), this.#fitted, false);
    if (this.#fitted || this.range.to < whole.from) [this.range, this.#fitted] = [{ ...whole }, true];
  }

  to(range: Range): void {
    this.#show(range, false);
  }

  /** By a factor around a share of the width. */
  by(factor: number, at = 0.5): void {
    const { from, to } = this.shown;
    const wide = (to - from) * factor;
    const fixed = from + (to - from) * at;
    this.toShown({ from: fixed - wide * at, to: fixed + wide * (1 - at) });
  }

  pan(share: number): void {
    const { from, to } = this.shown;
    this.toShown({ from: from + (to - from) * share, to: to + (to - from) * share });
  }

  /** What is shown, as time is shown: folded. */
  get shown(): Range {
    const { timeline } = this.idle;
    return { from: timeline.shown(this.range.from), to: timeline.shown(this.range.to) };
  }

  /** Move on to a range of shown time, by hand. */
  toShown({ from, to }: Range): void {
    const { timeline } = this.idle;
    this.#show({ from: timeline.moment(from), to: timeline.moment(to) }, true);
  }

  /** Have something in sight, as large as it is. */
  reveal({ from, to }: Range): void {
    if (to >= this.range.from && from <= this.range.to) return;
    const { timeline } = this.idle;
    const { from: first, to: last } = this.shown;
    const middle = (timeline.shown(from) + timeline.shown(to)) / 2;
    this.to({ from: timeline.moment(middle - (last - first) / 2), to: timeline.moment(middle + (last - first) / 2) });
  }

  // ── what was shown before ─────────────────────────────────────────────────────────────────────────────────────────

  /** A hand takes hold of the picture: until it lets go, all is one step. */
  hold(): void {
    [this.#held, this.#flows] = [true, false];
  }

  release(): void {
    this.#held = this.#flows = false;
  }

  /** Whether there is anything to go back to, or forward. */
  can(by: 1 | -1): boolean {
    return (by < 0 ? this.#past : this.#future).length > 0;
  }

  travel(by: 1 | -1): void {
    const [steps, others] = by < 0 ? [this.#past, this.#future] : [this.#future, this.#past];
    const step = steps.pop();
    if (!step) return;
    others.push(this.#step);
    const elsewhere = step.chosen !== this.#chosen;
    this.scope.chosen = this.#chosen = step.chosen;
    [this.#fitted, this.#flows] = [step.fitted, false];
    this.range = step.fitted ? { ...this.scope.whole } : this.#clamped(step.range);
    if (elsewhere) this.returned();
    this.changed();
  }

  /** Follow the rows that have moved: steps to trees that are gone are gone. */
  forget(to: (index: number) => number): void {
    const moved = ({ chosen, ...rest }: Step) => (chosen < 0 ? { ...rest, chosen } : to(chosen) < 0 ? [] : { ...rest, chosen: to(chosen) });
    this.#past = this.#past.flatMap(moved);
    this.#future = this.#future.flatMap(moved);
    if (this.#chosen >= 0) this.#chosen = to(this.#chosen) < 0 ? LATEST : to(this.#chosen);
  }

  begin(): void {
    this.#past = [];
    this.#future = [];
    this.#chosen = NaN;
  }

  get #step(): Step {
    return { range: this.range, fitted: this.#fitted, chosen: this.#chosen };
  }

  #show(range: Range, flows: boolean): void {
    const { whole } = this.scope;
    const { timeline } = this.idle;
    const next = this.#clamped(range);
    const part = (timeline.shown(next.to) - timeline.shown(next.from)) / (timeline.shown(whole.to) - timeline.shown(whole.from));
    this.#go(next, part >= 0.999, flows || this.#held);
    this.#moved = [this.#moved[1]!, performance.now()];
    this.changed();
  }

  #go(range: Range, fitted: boolean, flows: boolean): void {
    const goesOn = flows && this.#flows && (this.#held || performance.now() - this.#moved[1]! < PAUSE);
    const { chosen } = this.scope;
    if (range.from === this.range.from && range.to === this.range.to && chosen === this.#chosen) return void (this.#fitted = fitted);
    if (!goesOn && !Number.isNaN(this.#chosen)) {
      this.#past = [...this.#past, this.#step].slice(-MOST_STEPS);
      this.#future = [];
    }
    [this.range, this.#fitted, this.#flows, this.#chosen] = [range, fitted, flows, chosen];
  }

  /** The part of a range that there is; at least a tenth of a microsecond. */
  #clamped(range: Range): Range {
    const { whole } = this.scope;
    const { timeline } = this.idle;
    const [first, last] = [timeline.shown(whole.from), timeline.shown(whole.to)];
    const [begin, end] = [timeline.shown(range.from), timeline.shown(range.to)];
    const wide = Math.min(Math.max(end - begin, 1e-4), last - first);
    const from = Math.min(Math.max(begin, first), last - wide);
    return { from: timeline.moment(from), to: timeline.moment(from + wide) };
  }
}
