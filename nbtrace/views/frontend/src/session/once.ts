/** Values that are made anew only when their key changes. */
export class Once {
  readonly #known = new Map<string, { key: string; value: unknown }>();

  get<T>(name: string, key: string, make: () => T): T {
    const known = this.#known.get(name);
    if (known?.key === key) return known.value as T;
    const value = make();
    this.#known.set(name, { key, value });
    return value;
  }

  /** Forget them all: what they were made of is here no more. */
  clear(): void {
    this.#known.clear();
  }
}
