// The waterfall in lanes: spans that have a value in common stand below a line of their own, as trees.

import type { Details } from "./details";
import type { Trace } from "./trace";
import { Tree } from "./tree";
import { Wall } from "./wall";
import { plain, value } from "./words";

/** So many groups have a line of their own; the values of the smaller ones share one. */
export const MAX_GROUPS = 200;

/** Longer in ms than any recording: what is put so much earlier comes first. */
const EARLIER = 1e13;

/** Codes of what is no value: nothing is known of the span yet; it has none; one of the many that share a line. */
export const UNKNOWN = 0;
export const NONE = 1;
export const OTHERS = 2;

const ATTRIBUTE = "attributes.";

/** A value: what tells it from others, what people call it, and what tells two of one name apart. */
export type Named = [key: string, name: string, more: string];

/** The value of a span by what its details say; undefined if it has none. */
export function valueOf(details: Details, by: string): Named | undefined {
  const [process, thread, name] = details.thread;
  if (by === "thread") return thread === null && name === null ? undefined : [JSON.stringify(details.thread), name ?? `thread ${thread}`, `${value(thread)}, process ${value(process)}`];
  if (by === "process") return process === null ? undefined : [`${process}`, "", `process ${process % 2 ** 32}`];
  if (by === "trace") return [details.trace, "", details.trace.slice(0, 8)];
  const key = by.slice(ATTRIBUTE.length);
  // What every object has is no attribute.
  const item = Object.hasOwn(details.attributes, key) ? details.attributes[key] : undefined;
  if (item === undefined || item === null) return undefined;
  return [JSON.stringify(item), value(item, 80) || '""', typeof item];
}

/** Values with a number for each, which it keeps. */
export class Values {
  readonly known: Named[] = [["", "(not known yet)", ""], ["", "(none)", ""], ["", "other values", ""]];
  readonly #codes = new Map<string, number>();

  codeOf(named: Named | undefined): number {
    if (!named) return NONE;
    const found = this.#codes.get(named[0]);
    if (found !== undefined) return found;
    this.#codes.set(named[0], this.known.length);
    return this.known.push(named) - 1;
  }
}

export interface Group {
  code: number;
  name: string;
  spans: number;
  /** How many of them are tasks. */
  tasks: number;
  /** For how long one of its spans or more ran. */
  total: number;
  /** The spans that are all of that, by their start: others lie within them. */
  rows: Int32Array;
}

/** Spans by groups. The lines of groups are numbered on from those of spans in the tree; elsewhere, as spans come and groups
 * with them, the line of a group is known by its code: -2 and downwards. */
export class Groups {
  readonly groups: Group[] = [];
  readonly tree: Tree;
  readonly #slots = new Map<number, number>();

  /** `codes`: of each span, -1 for one that is left out. */
  constructor(
    private readonly trace: Trace,
    codes: Int32Array,
    values: Values,
    /** Codes of processes that ran cells: they come first. */
    kernels: ReadonlySet<number> = new Set(),
    /** Whether it is processes that are grouped: they are called as their workers are, once that is known. */
    private readonly processes = false,
  ) {
    const n = trace.count;
    const sizes = new Int32Array(values.known.length);
    for (let row = 0; row < n; row++) if (codes[row]! >= 0) sizes[codes[row]!]!++;
    const many = Array.from(sizes.keys()).filter((code) => code > OTHERS && sizes[code]);
    const others = many.sort((a, b) => sizes[b]! - sizes[a]!).slice(MAX_GROUPS);
    const shared = values.known.map((_, code) => code);
    for (const code of others) shared[code] = OTHERS;
    const slots = new Int32Array(sizes.length).fill(-1);
    const slot = (code: number) => {
      if (slots[code]! >= 0) return slots[code]!;
      this.#slots.set(code, (slots[code] = this.groups.length));
      return this.groups.push({ code, name: code === OTHERS ? `${others.length.toLocaleString("en-US")} other values` : "", spans: 0, tasks: 0, total: 0, rows: new Int32Array(0) }) - 1;
    };
    // A span hangs below the nearest of its group above it: of each group, the last one on the way down is remembered.
    const { order, depth } = trace.tree;
    const group = new Int32Array(n);
    const above = new Int32Array(n);
    const nearest = new Int32Array(sizes.length).fill(-1);
    const way = new Int32Array(n);
    let deep = 0;
    for (let place = 0; place < n; place++) {
      const row = order[place]!;
      while (deep > depth[row]!) {
        const left = way[--deep]!;
        if (group[left]! >= 0) nearest[group[left]!] = above[left]!;
      }
      way[deep++] = row;
      const at = (group[row] = codes[row]! < 0 ? -1 : slot(shared[codes[row]!]!));
      above[row] = at < 0 ? -1 : nearest[at]!;
      if (at < 0) continue;
      nearest[at] = row;
    }
    const all = n + this.groups.length;
    const start = new Float64Array(all).fill(Infinity);
    const parent = new Int32Array(all).fill(-1);
    const names = new Int32Array(this.groups.length).fill(-1);
    for (let row = 0; row < n; row++) {
      start[row] = trace.start[row]!;
      const at = group[row]!;
      if (at < 0) continue;
      this.groups[at]!.spans++;
      if (trace.waitOf(row)) this.groups[at]!.tasks++;
      parent[row] = above[row]! < 0 ? n + at : above[row]!;
      // What is no value comes last, and among such the one that is not known yet.
      const { code } = this.groups[at]!;
      if (code > OTHERS) start[n + at] = Math.min(start[n + at]!, start[row]! - (kernels.has(code) ? EARLIER : 0));
      if (names[at]! < 0 || start[row]! < start[names[at]!]!) names[at] = row;
    }
    this.tree = new Tree({ count: all, start, parent, endOf: () => -Infinity }); // nobody asks it for self times
    this.tree.grow();
    this.#sumUp(above, group);
    for (const group of this.groups) if (kernels.has(group.code)) group.name = `kernel ${values.known[group.code]![0]}`;
    this.#name(values, names);
  }

  /** What the line of a span or a group is known by, from its place in the tree. */
  idOf(node: number): number {
    return node < this.trace.count ? node : -2 - this.groups[node - this.trace.count]!.code;
  }

  groupOf(id: number): Group {
    return this.groups[this.#slots.get(-2 - id)!]!;
  }

  /** Spans that lie within the one they hang below add nothing to the time in which one or more of a group ran. */
  #sumUp(above: Int32Array, group: Int32Array): void {
    const { trace, tree } = this;
    const outliving: number[][] = this.groups.map(() => []);
    for (let row = 0; row < trace.count; row++) {
      const over = above[row]!;
      if (over >= 0 && (trace.start[row]! < trace.start[over]! || trace.endOf(row) > trace.endOf(over))) outliving[group[row]!]!.push(row);
    }
    this.groups.forEach((each, at) => {
      const below = tree.of(trace.count + at);
      each.rows = outliving[at]!.length ? Int32Array.from([...below, ...outliving[at]!]).sort((a, b) => trace.start[a]! - trace.start[b]!) : below;
      const wall = new Wall();
      for (const row of each.rows) wall.add(trace.start[row]!, trace.endOf(row));
      each.total = wall.total;
    });
  }

  #name(values: Values, first: Int32Array): void {
    const called = new Map<string, number>();
    this.groups.forEach((group, at) => {
      const [key, name] = values.known[group.code]!;
      group.name ||= (this.processes && group.code > OTHERS ? this.trace.processName(Number(key)) : name) || this.trace.nameOf(first[at]!);
      called.set(group.name, (called.get(group.name) ?? 0) + 1);
    });
    for (const group of this.groups) {
      const more = values.known[group.code]![2];
      group.name = plain(called.get(group.name)! > 1 && more ? `${group.name} (${more})` : group.name, 100);
    }
  }
}
