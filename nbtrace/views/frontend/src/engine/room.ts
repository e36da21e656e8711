// Memory for columns: of what is made anew with each update, and of what grows.

import type { Column } from "./frames";

/** Memory that is taken anew only when it does not fit: ten updates a second would leave more garbage than is collected. */
export class Room {
  #held = new ArrayBuffer(0);

  ints(length: number): Int32Array {
    return new Int32Array(this.#take(length * 4), 0, length);
  }

  floats(length: number): Float64Array {
    return new Float64Array(this.#take(length * 8), 0, length);
  }

  #take(bytes: number): ArrayBuffer {
    if (bytes > this.#held.byteLength || bytes * 4 < this.#held.byteLength - 65_536) this.#held = new ArrayBuffer(Math.ceil((bytes * 1.25) / 8) * 8);
    return this.#held;
  }
}

/** A column that holds so many, with as much of what it held as has room. */
export function resized<T extends Column>(column: T, size: number): T {
  const found = new (column.constructor as new (size: number) => T)(size);
  found.set(column.subarray(0, size) as never);
  return found;
}
