// What comes in from the kernel: frames in their order, and a greeting where one is missing. ../../../inspector/protocol.md is the page.

import type { DetailStore } from "../engine/details";
import { unpack } from "../engine/frames";
import type { Profile } from "../engine/profile";
import type { Trace } from "../engine/trace";
import { DETAILS, type DetailsColumns, DOING, type DoingInfo, HAVE, HELLO, type Hello, PROFILE, type SpansHeader } from "../protocol";

/** Who goes by what has come. */
export interface Heir {
  /** Everything comes anew: what was said of rows means nothing any more. */
  begin(): void;
  /** Spans are gone, and others stand elsewhere: where each index has gone, -1 for those that are gone. */
  follow(moved: Int32Array): void;
  /** Spans have come, or have changed. */
  grown(header: SpansHeader, moved: boolean): void;
  /** Details have come, `captioned` with what is shown in place of names. */
  described(captioned: boolean): void;
  /** Samples, statements or resources have come. */
  sampled(): void;
  /** What the cells that run are doing has changed. */
  busy(cells: DoingInfo[]): void;
}

export class Receipt {
  /** When something was heard last, by the clock of the page, in ms. */
  heard = performance.now();
  /** The latest moment known by the clock of the kernel, in ms since the epoch. */
  now = 0;
  #missed = false;

  constructor(
    private readonly trace: Trace,
    private readonly details: DetailStore,
    private readonly profile: Profile,
    private readonly send: (message: Hello) => void,
    private readonly heir: Heir,
  ) {}

  receive(data: DataView): void {
    const { header, columns } = unpack(data);
    this.heard = performance.now();
    if (header.kind === DOING) {
      this.now = header.now;
      return this.heir.busy(header.cells);
    }
    if (header.kind === DETAILS) {
      const [rows, data, captionRows, captions] = columns as DetailsColumns;
      this.details.add(rows.slice(), data.slice(), (row) => this.trace.indexOf(row) >= 0, header.keys);
      return this.heir.described(this.trace.caption(rows, header.captions, captionRows, captions));
    }
    if (header.kind === PROFILE) {
      if (this.#missed) return; // the answer brings it
      if (header.number !== this.profile.received) return this.#miss();
      this.profile.append(header, columns);
      return this.heir.sampled();
    }
    if (header.kind === HAVE) {
      // Of an older answer that is on its way nothing is lacking: only what has arrived counts.
      if (header.rows !== this.trace.next || header.details !== this.details.received || header.profiles !== this.profile.received) this.#miss();
      return;
    }
    if (!header.reset && header.first !== this.trace.next) return this.#miss();
    if (header.reset) {
      this.#missed = false;
      this.details.clear();
      this.profile.clear();
      this.heir.begin();
    } else if (this.#missed) return; // the answer brings it
    this.now = header.now;
    const moved = this.trace.append(header, columns);
    if (moved) {
      this.details.forget(columns[columns.length - 1] as Int32Array);
      this.heir.follow(moved);
    }
    this.heir.grown(header, !!moved);
  }

  /** Tell the kernel that somebody looks, and what is here. */
  greet(): void {
    const [rows, details, profiles] = this.#missed ? [0, 0, 0] : [this.trace.next, this.details.received, this.profile.received];
    this.send({ kind: HELLO, rows, details, profiles, code: true });
  }

  /** Something did not arrive: ask for everything, once. */
  #miss(): void {
    if (this.#missed) return;
    this.#missed = true;
    this.greet();
  }
}
