// What some samples of a cell say: how much was computed and waited, which functions it was in, and what a line called.

import type { Allotted } from "./allotted";
import { during, innermostLine } from "./heat";
import { type Parts, add, nothing } from "./parts";
import type { Profile } from "./profile";

/** A function and the time it had by itself, without what it called. */
export interface HotFunction extends Parts {
  function: string;
  path: string;
  library: string;
  samples: number;
}

/** How the time of samples was spent, and the functions that have most of it. `rows`: places in `time.rows`. */
export function inside(profile: Profile, time: Allotted, rows: Iterable<number>): { all: Parts; functions: HotFunction[]; samples: number } {
  const all = nothing();
  const functions = new Map<string, HotFunction>();
  let samples = 0;
  for (const i of rows) {
    const at = time.rows[i]!;
    const node = profile.node[at]!;
    if (node < 0) continue;
    samples++;
    const weight = time.weight[i]!;
    add(all, profile, at, weight);
    const frame = profile.frame[node]!;
    const key = `${profile.functionOf[frame]}:${profile.fileOf[frame]}`;
    let found = functions.get(key);
    if (!found) functions.set(key, (found = { function: profile.functionName(frame), path: profile.path(frame), library: profile.library(frame), samples: 0, ...nothing() }));
    add(found, profile, at, weight);
    found.samples++;
  }
  return { all, functions: [...functions.values()].sort((a, b) => b.total - a.total), samples };
}

/** A frame below a line, merged over samples: a line of a cell's code, or a function of a file. */
export interface Call extends Parts {
  /** Of a line of a cell's code, the number of the execution; 0 for a function of a file. */
  code: number;
  line: number;
  function: string;
  path: string;
  library: string;
  time: number;
  samples: number;
  /** What stands there, where that is known of a person's own file. */
  source: string;
  calls: Call[];
}

/** The library of files that belong to none: analysis/profiles/libraries.py. */
const YOURS = "your files";

/** What a line called, and what that called: the heaviest first. `code`: the number of the execution whose line it is. */
export function callsOf(profile: Profile, time: Allotted, code: number, line: number): Call[] {
  interface Node extends Call {
    below: Map<string, Node>;
    /** The last tick that counted, and how much: at a tick the longest of its threads, not all of them. */
    tick: number;
    longest: number;
  }
  const top = new Map<string, Node>();
  const isHere = (frame: number) => profile.isNotebook(frame) && profile.lineOf[frame] === line && profile.ran(profile.fileOf[frame]!, time.cell) === code;
  for (let i = 0; i < time.rows.length; i++) {
    const at = time.rows[i]!;
    if (!during(profile, time, at)) continue;
    const way: number[] = [];
    // Below the outermost time that the line is on the stack: what calls itself counts once.
    let length = -1;
    for (let node = profile.node[at]!; node >= 0; node = profile.above[node]!) {
      const frame = profile.frame[node]!;
      if (isHere(frame)) length = way.length;
      way.push(frame);
    }
    if (length <= 0) continue;
    let below = top;
    for (let k = length - 1; k >= 0; k--) {
      const frame = way[k]!;
      const whose = profile.isNotebook(frame) ? profile.ran(profile.fileOf[frame]!, time.cell) : 0;
      // Of a person's own files the line is worth knowing, of others the function.
      const own = !whose && profile.library(frame) === YOURS;
      const key = own ? `o${profile.fileOf[frame]}:${profile.lineOf[frame]}` : whose ? `${whose}:${profile.lineOf[frame]}` : `f${profile.functionOf[frame]}:${profile.fileOf[frame]}`;
      let found = below.get(key);
      if (!found) {
        found = {
          code: whose, line: whose || own ? profile.lineOf[frame]! : profile.firstLineOf[frame]!, source: own ? profile.fileText(frame) : "", function: profile.functionName(frame), path: profile.path(frame),
          library: profile.library(frame), time: 0, samples: 0, calls: [], below: new Map(), tick: NaN, longest: 0, ...nothing(),
        };
        below.set(key, found);
      }
      if (profile.time[at] !== found.tick) [found.tick, found.longest] = [profile.time[at]!, 0];
      found.time += Math.max(0, time.weight[i]! - found.longest);
      found.longest = Math.max(found.longest, time.weight[i]!);
      found.samples++;
      add(found, profile, at, time.weight[i]!);
      below = found.below;
    }
  }
  const listed = (nodes: Map<string, Node>): Call[] =>
    [...nodes.values()].sort((a, b) => b.time - a.time).map(({ below, tick: _tick, longest: _longest, ...call }) => ({ ...call, calls: listed(below) }));
  return listed(top);
}

/** The samples that have a line on their stack: places in `time.rows`. */
export function samplesAt(profile: Profile, time: Allotted, code: number, line: number): number[] {
  const known = new Map<number, boolean>();
  const has = (node: number): boolean => {
    if (node < 0) return false;
    let found = known.get(node);
    if (found === undefined) {
      const here = innermostLine(profile, node);
      const frame = here < 0 ? -1 : profile.frame[here]!;
      found = here >= 0 && ((profile.lineOf[frame] === line && profile.ran(profile.fileOf[frame]!, time.cell) === code) || has(profile.above[here]!));
      known.set(node, found);
    }
    return found;
  };
  const rows: number[] = [];
  for (let i = 0; i < time.rows.length; i++) if (has(profile.node[time.rows[i]!]!)) rows.push(i);
  return rows;
}
