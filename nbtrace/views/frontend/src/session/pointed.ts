// What the pointer is over, and where it is. Apart from all else that is drawn: a picture that were drawn anew with each move of the
// pointer would lag behind it.

import type { Tip } from "../engine/tip";

export class Pointed {
  tip: Tip | undefined;
  /** In the page's pixels. */
  x = 0;
  y = 0;
  /** Whether it is told only when the pointer rests. */
  late = false;
  #key = "";
  readonly #listeners = new Set<() => void>();

  listen(callback: () => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  /** The pointer is over something; `make` says what, and again once more of it is known. */
  over({ clientX, clientY }: { clientX: number; clientY: number }, key: string, make: () => Tip, more?: () => Promise<Tip | undefined>): void {
    [this.x, this.y] = [clientX, clientY];
    if (key !== this.#key) {
      this.#key = key;
      this.tip = make();
      void more?.().then((tip) => {
        if (!tip || this.#key !== key) return;
        this.tip = tip;
        this.#tell();
      });
    }
    this.#tell();
  }

  leave(): void {
    this.#key = "";
    this.late = false;
    if (!this.tip) return;
    this.tip = undefined;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
