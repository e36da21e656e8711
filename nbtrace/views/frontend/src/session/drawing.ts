// When everything is drawn anew.

export class Drawing {
  readonly #listeners = new Set<() => void>();
  #scheduled = false;
  #growing = false;
  /** How long the last drawing took, in ms. */
  #cost = 0;

  /** `before` is called before each drawing. */
  constructor(private readonly before: () => void) {}

  listen(callback: () => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  /** Have everything drawn anew with the next frame of the screen. */
  changed(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      const began = performance.now();
      this.before();
      for (const listener of this.#listeners) listener();
      // Preact draws after this; what was drawn is known with the next frame.
      requestAnimationFrame(() => (this.#cost = performance.now() - began - 16));
    });
  }

  /** Draw what is new, but spend no more than a quarter of the time on it: a million spans take their time. */
  grown(): void {
    if (this.#growing) return;
    this.#growing = true;
    setTimeout(() => {
      this.#growing = false;
      this.changed();
    }, Math.min(3_000, this.#cost * 3));
  }
}
