// The stacks of samples as paths of symbols: a tree in which frames that a person calls the same are one.

import type { Profile } from "./profile";
import { resized } from "./room";
import { NO_FRAME, type Symbols } from "./symbols";

/** Frames of a stack that are told apart; what is deeper counts as its last. */
export const MAX_DEPTH = 500;

export class Stacks {
  /** By sample: the innermost node of its path. */
  of: Int32Array = new Int32Array(0);
  count = 0;
  /** By node: the one from which it was called, -1 for an outermost one. A node stands behind it. */
  above = new Int32Array(0);
  symbol = new Int32Array(0);
  depth = new Int32Array(0);
  /** Nodes by what they are called from and their symbol: numbers from 1 on, at the place that both give or behind it. */
  #table = new Int32Array(2_048);
  /** By node of the profile: for which cell its node is known, and which that is. */
  #cellOf = new Int32Array(0);
  #nodeOf = new Int32Array(0);
  /** How many samples are taken in, and when the last of them was. */
  #known = 0;
  #last = 0;
  readonly #chain: number[] = [];

  constructor(
    private readonly profile: Profile,
    private readonly symbols: Symbols,
  ) {}

  clear(): void {
    this.count = this.#known = 0;
    this.#table.fill(0);
    this.#cellOf.fill(-1);
  }

  /** Take in what has come. */
  grow(): void {
    const { profile } = this;
    const { count, nodes } = profile;
    if (this.of.length < count) this.of = resized(this.of, Math.ceil(count * 1.25));
    if (this.#cellOf.length < nodes) {
      const size = Math.ceil(nodes * 1.25);
      this.#cellOf = resized(this.#cellOf, size).fill(-1, this.#cellOf.length);
      this.#nodeOf = resized(this.#nodeOf, size);
    }
    // Rows move only when the oldest are forgotten.
    if (this.#known > count || (this.#known && profile.time[this.#known - 1] !== this.#last)) this.#known = 0;
    const [of, cellOf, nodeOf] = [this.of, this.#cellOf, this.#nodeOf];
    const { node: innermost, cell: cells } = profile;
    for (let row = this.#known; row < count; row++) {
      const node = innermost[row]!;
      const cell = cells[row]!;
      of[row] = node < 0 ? this.#child(-1, this.symbols.word(NO_FRAME)) : cellOf[node] === cell ? nodeOf[node]! : this.#path(node, cell);
    }
    this.#known = count;
    this.#last = count ? profile.time[count - 1]! : 0;
  }

  /** Nodes in reading order: the place of each. What is called from a node stands right behind it. */
  ranks(): Int32Array {
    const { count, above } = this;
    const size = new Int32Array(count).fill(1);
    for (let node = count - 1; node >= 0; node--) if (above[node]! >= 0) size[above[node]!]! += size[node]!;
    const found = new Int32Array(count);
    const next = new Int32Array(count);
    let outermost = 0;
    for (let node = 0; node < count; node++) {
      const parent = above[node]!;
      const at = parent < 0 ? outermost : next[parent]!;
      if (parent < 0) outermost += size[node]!;
      else next[parent] = at + size[node]!;
      found[node] = at;
      next[node] = at + 1;
    }
    return found;
  }

  /** How many frames two stacks have in common, from the outermost on. */
  common(a: number, b: number): number {
    const { above, depth } = this;
    while (depth[a]! > depth[b]!) a = above[a]!;
    while (depth[b]! > depth[a]!) b = above[b]!;
    while (a !== b) {
      a = above[a]!;
      b = above[b]!;
    }
    return a < 0 ? 0 : depth[a]! + 1;
  }

  #path(node: number, cell: number): number {
    const { profile } = this;
    const chain = this.#chain;
    chain.length = 0;
    let at = node;
    while (at >= 0 && this.#cellOf[at] !== cell) {
      chain.push(at);
      const above = profile.above[at]!;
      at = above < at ? above : -1;
    }
    let here = at < 0 ? -1 : this.#nodeOf[at]!;
    for (let i = chain.length - 1; i >= 0; i--) {
      const each = chain[i]!;
      if (here < 0 || this.depth[here]! < MAX_DEPTH - 1) here = this.#child(here, this.symbols.of(profile.frame[each]!, cell));
      this.#cellOf[each] = cell;
      this.#nodeOf[each] = here;
    }
    return here;
  }

  #child(above: number, symbol: number): number {
    const table = this.#table;
    let at = this.#slot(above, symbol);
    while (table[at]) {
      const node = table[at]! - 1;
      if (this.above[node] === above && this.symbol[node] === symbol) return node;
      at = (at + 1) & (table.length - 1);
    }
    const node = this.count++;
    if (node >= this.above.length) {
      const size = Math.max(1024, this.above.length * 2);
      this.above = resized(this.above, size);
      this.symbol = resized(this.symbol, size);
      this.depth = resized(this.depth, size);
    }
    this.above[node] = above;
    this.symbol[node] = symbol;
    this.depth[node] = above < 0 ? 0 : this.depth[above]! + 1;
    table[at] = this.count;
    if (this.count * 2 > table.length) this.#rehash();
    return node;
  }

  #slot(above: number, symbol: number): number {
    return (Math.imul(above + 1, 0x9e3779b1) ^ Math.imul(symbol, 0x85ebca6b)) >>> (Math.clz32(this.#table.length) + 1);
  }

  #rehash(): void {
    this.#table = new Int32Array(this.#table.length * 2);
    for (let node = 0; node < this.count; node++) {
      let at = this.#slot(this.above[node]!, this.symbol[node]!);
      while (this.#table[at]) at = (at + 1) & (this.#table.length - 1);
      this.#table[at] = node + 1;
    }
  }
}
