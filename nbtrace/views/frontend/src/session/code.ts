// The cell whose code is looked at, and the lines that are open.

import { ERROR, type Trace } from "../engine/trace";
import type { DoingInfo } from "../protocol";
import type { Scope } from "./scope";
import type { Times } from "./times";

/** What a cell is chosen by, from the surest to the last resort. */
export interface Chosen {
  selected: number;
  doing: DoingInfo[];
}

export class Code {
  /** Open lines: `${code}:${line}`. */
  open = new Set<string>();
  /** The execution that a person has chosen here; 0 for none. */
  #chosen = 0;
  /** The line that a person was led to; 0 for none. */
  line = 0;

  constructor(
    private readonly trace: Trace,
    private readonly scope: Scope,
    private readonly times: Times,
    private readonly changed: () => void,
  ) {}

  /** Look at an execution. */
  look(cell: number): void {
    if (cell === this.#chosen) return;
    this.#chosen = cell;
    this.line = 0;
    this.open.clear();
    this.changed();
  }

  /** Look at a line of an execution. */
  lead(cell: number, line: number): void {
    this.look(cell);
    this.line = line;
    this.changed();
  }

  /** A span was selected: its cell is the one to look at. */
  follow(): void {
    this.#chosen = this.line = 0;
    this.open.clear();
  }

  /** The number of the execution to be shown, 0 for none: the one that was chosen, that of the selected span, one that runs, that of
   * the trace that is looked at; of all traces the last that failed, or took a tenth of what the longest did, as it has run last. */
  cell({ selected, doing }: Chosen): number {
    const { trace } = this;
    const known = (cell: number) => trace.cells.has(cell);
    if (this.#chosen && known(this.#chosen)) return this.#chosen;
    if (selected >= 0 && this.scope.has(selected) && known(trace.cell[selected]!)) return trace.cell[selected]!;
    for (const [cell] of doing) if (known(cell)) return cell;
    const { root } = this.scope;
    if (root >= 0 && known(trace.cell[root]!)) return trace.cell[root]!;
    const all = [...this.times.spans].filter(([cell, row]) => known(cell) && (root < 0 || this.scope.has(row)));
    let longest = 0;
    for (const [, row] of all) longest = Math.max(longest, trace.duration(row));
    const [found = 0] = all.findLast(([, row]) => trace.status(row) === ERROR || trace.duration(row) >= longest / 10) ?? [...trace.cells.keys()].slice(-1);
    const work = trace.cells.get(found)?.[2];
    return all.findLast(([cell]) => trace.cells.get(cell)![2] === work)?.[0] ?? found;
  }

  toggle(code: number, line: number): void {
    const key = `${code}:${line}`;
    if (!this.open.delete(key)) this.open.add(key);
    this.changed();
  }

  isOpen(code: number, line: number): boolean {
    return this.open.has(`${code}:${line}`);
  }
}
