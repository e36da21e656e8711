// The part of the time that is shown.

import type { Range } from "../pictures/canvas";

export class Zoom {
  range: Range = { from: 0, to: 1 };
  private fitted = true;

  /** `whole`: all of the time that can be shown. */
  constructor(
    private readonly whole: () => Range,
    private readonly changed: () => void,
  ) {}

  fit(): void {
    this.range = { ...this.whole() };
    this.fitted = true;
  }

  /** Before each drawing: what was fitted still fits, and what was looked at may be forgotten by now. */
  follow(): void {
    if (this.fitted || this.range.to < this.whole().from) this.fit();
  }

  to(range: Range): void {
    const whole = this.whole();
    const wide = Math.min(Math.max(range.to - range.from, 1e-4), whole.to - whole.from);
    const from = Math.min(Math.max(range.from, whole.from), whole.to - wide);
    this.range = { from, to: from + wide };
    this.fitted = wide >= (whole.to - whole.from) * 0.999;
    this.changed();
  }

  /** By a factor around a share of the width. */
  by(factor: number, at = 0.5): void {
    const { from, to } = this.range;
    const wide = (to - from) * factor;
    const fixed = from + (to - from) * at;
    this.to({ from: fixed - wide * at, to: fixed + wide * (1 - at) });
  }

  pan(share: number): void {
    const by = (this.range.to - this.range.from) * share;
    this.to({ from: this.range.from + by, to: this.range.to + by });
  }
}
