// Patterns of conditions: those that Python's re, JavaScript and RE2 share, as analysis/where/patterns.py says, found in a time that
// grows with the text alone. JavaScript's own engine goes back, and hangs the page on (a+)+b.

const MAX_PATTERN = 1_000;
const MAX_REPEAT = 1_000;
const MAX_STEPS = 20_000;
/** States that are kept; where there are more, they are found anew. */
const MAX_STATES = 1_000;

const TOKEN = /\\(?:x[0-9a-fA-F]{2}|.)?|\{\d*,?\d*\}|./suy;
const COUNT = /^\{(\d{1,4})(,?)(\d{0,4})\}$/;
/** In RE2's words: Python and JavaScript know more spaces. */
const CLASSES = new Map([["d", "0-9"], ["w", "A-Za-z0-9_"], ["s", "\\t\\n\\f\\r "]]);
const CONTROLS = new Map([["t", "\t"], ["n", "\n"], ["r", "\r"], ["f", "\f"], ["v", "\v"]]);
const IN_WORD = /^[A-Za-z0-9_]$/;

type Accepts = (letter: string) => boolean;

/** What stands in a place of a text: a letter, the beginning, an end, an edge of a word; without both it goes on in two places. */
interface Step {
  accepts?: Accepts;
  edge?: string;
  to: number;
  or?: number;
}

interface Part {
  /** Adds its steps to the program. */
  emit: () => void;
  /** How often what is innermost is repeated. */
  times: number;
  /** Whether a sign of repetition may follow. */
  repeats: boolean;
}

interface State {
  steps: Set<number>;
  /** The letter before; undefined at the beginning. */
  before: string | undefined;
  next: Map<string, State | true>;
}

export class PatternError extends Error {}

/** Whether a pattern is found somewhere in a text. Throws PatternError for one that not all three read alike. */
export function finder(pattern: string, caseful: boolean): (text: string) => boolean {
  const flags = caseful ? "u" : "iu";
  const program: Step[] = [];
  let at = 0;
  if ([...pattern].length > MAX_PATTERN) throw tooLarge();
  const whole = either();
  if (at < pattern.length) throw unwritten(")");
  whole.emit();
  return runner(program);

  function add(step: Omit<Step, "to"> = {}): Step {
    if (program.length >= MAX_STEPS) throw tooLarge();
    program.push({ to: program.length + 1, ...step });
    return program[program.length - 1]!;
  }

  function take(): string {
    TOKEN.lastIndex = at;
    const piece = TOKEN.exec(pattern)![0];
    at += piece.length;
    return piece;
  }

  function either(): Part {
    const parts = [row()];
    while (pattern[at] === "|" && ++at) parts.push(row());
    return {
      times: Math.max(...parts.map(({ times }) => times)), repeats: true,
      emit: () => {
        const ends = parts.slice(1).map((_, i) => {
          const split = add();
          parts[i]!.emit();
          const end = add();
          split.or = program.length;
          return end;
        });
        parts[parts.length - 1]!.emit();
        for (const end of ends) end.to = program.length;
      },
    };
  }

  function row(): Part {
    const parts: Part[] = [];
    while (at < pattern.length && !"|)".includes(pattern[at]!)) {
      const piece = take();
      const count = /^(?:[*+?]$|\{.)/s.test(piece);
      const last = parts[parts.length - 1];
      if (!count) parts.push(single(piece));
      else if (!last?.repeats) throw foreign(piece);
      else parts[parts.length - 1] = repeated(last, piece);
    }
    return { times: Math.max(1, ...parts.map(({ times }) => times)), repeats: true, emit: () => parts.forEach(({ emit }) => emit()) };
  }

  function single(piece: string): Part {
    if (piece === "(") {
      if (pattern.startsWith("?:", at)) at += 2;
      else if (pattern[at] === "?") throw foreign(piece + pattern.slice(at, at + 2));
      const inner = either();
      if (pattern[at++] !== ")") throw unwritten("(");
      return inner;
    }
    if ("^$".includes(piece) || /^\\b$/i.test(piece)) return { times: 1, repeats: false, emit: () => void add({ edge: piece }) };
    if ("{}]".includes(piece)) throw unwritten(piece);
    if (piece === "[") return one(among());
    if (piece === ".") return one((letter) => letter !== "\n");
    const meant = escaped(piece);
    return one(typeof meant === "string" ? between(meant, meant) : meant);
  }

  function one(accepts: Accepts): Part {
    return { times: 1, repeats: true, emit: () => void add({ accepts }) };
  }

  /** The set that an escape stands for, or the character. */
  function escaped(piece: string): Accepts | string {
    if (piece[0] !== "\\") return piece;
    const name = piece.slice(1);
    const inside = CLASSES.get(name.toLowerCase());
    if (inside) {
      const accepts = letters(inside);
      return CLASSES.has(name) ? accepts : (letter) => !accepts(letter);
    }
    if (name.length === 3) return String.fromCharCode(parseInt(name.slice(1), 16));
    if (!CONTROLS.has(name) && !/^[^\w\x80-\u{10ffff}]$/u.test(name)) throw foreign(piece);
    return CONTROLS.get(name) ?? name;
  }

  /** One letter can be given to the engine of JavaScript, which knows what is upper and lower case. */
  function letters(inside: string): Accepts {
    const only = new RegExp(`^[${inside}]$`, flags);
    return (letter) => only.test(letter);
  }

  function between(low: string, high: string): Accepts {
    const [from, to] = [low, high].map((each) => each.codePointAt(0)!);
    if (from! > to!) throw foreign(`${low}-${high}`);
    return letters(`\\u{${from!.toString(16)}}-\\u{${to!.toString(16)}}`);
  }

  /** Read a set of characters, whose [ is read. */
  function among(): Accepts {
    const accepts: Accepts[] = [];
    const not = pattern[at] === "^" && !!++at;
    if (pattern[at] === "]") throw unwritten("]");
    while (pattern[at] !== "]") {
      const low = member();
      const range = pattern[at] === "-" && pattern[at + 1] !== "]" && typeof low === "string";
      if (range) member();
      const high = range ? member() : low;
      if (typeof high !== "string" && range) throw foreign(`${low}-`);
      accepts.push(typeof low === "string" ? between(low, high as string) : low);
    }
    at++;
    return (letter) => accepts.some((each) => each(letter)) !== not;
  }

  function member(): Accepts | string {
    if (at >= pattern.length) throw unwritten("[");
    if (/^(?:\[[:.=]|--|&&|~~|\|\|)/.test(pattern.slice(at, at + 2))) throw foreign(pattern.slice(at, at + 2));
    if (pattern[at] === "\\") return escaped(take());
    const letter = String.fromCodePoint(pattern.codePointAt(at)!);
    at += letter.length;
    return letter;
  }

  function repeated(part: Part, piece: string): Part {
    const match = COUNT.exec(piece);
    const least = match ? Number(match[1]) : Number(piece === "+");
    const most = match ? (!match[2] ? least : match[3] ? Number(match[3]) : Infinity) : piece === "?" ? 1 : Infinity;
    const times = part.times * Math.max(1, most === Infinity ? least : most);
    if ((piece[0] === "{" && !match) || times > MAX_REPEAT || most < least) throw foreign(piece);
    if (pattern[at] === "?") at++; // the lazy form finds the same
    if (pattern[at] === "+") throw foreign("+");
    return {
      times, repeats: false,
      emit: () => {
        for (let i = 0; i < least; i++) part.emit();
        const splits: Step[] = [];
        for (let i = least; i < (most === Infinity ? least + 1 : most); i++) {
          const begin = program.length;
          splits.push(add());
          part.emit();
          if (most === Infinity) add().to = begin;
        }
        for (const split of splits) split.or = program.length;
      },
    };
  }
}

function unwritten(sign: string): PatternError {
  return new PatternError(`write \\${sign} for the character ${sign}, or close what it opens`);
}

function foreign(piece: string): PatternError {
  return new PatternError(`${piece} has no meaning here, or is not known to Python, JavaScript and RE2 alike`);
}

function tooLarge(): PatternError {
  return new PatternError("the pattern is too large here");
}

/** All ways through the program are gone at once, letter by letter. Where they lead from what was reached is found once. */
function runner(program: Step[]): (text: string) => boolean {
  const known = new Map<string, State>();
  const state = (steps: Set<number>, before: string): State => {
    const key = `${IN_WORD.test(before)}:${[...steps]}`;
    let found = known.get(key);
    if (!found) {
      if (known.size > MAX_STATES) known.clear(), first.next.clear();
      known.set(key, (found = { steps, before, next: new Map() }));
    }
    return found;
  };
  /** Go one letter further; none is the end. */
  const go = (from: State, letter: string): State | true => {
    const inside = [from.before, letter].map((each) => !!each && IN_WORD.test(each));
    const edges: Record<string, boolean> = { "^": from.before === undefined, $: !letter, "\\b": inside[0] !== inside[1], "\\B": inside[0] === inside[1] };
    const reached = new Set<number>();
    const open = [0, ...from.steps];
    const seen = new Set<number>();
    while (open.length) {
      const place = open.pop()!;
      if (place === program.length) return true;
      if (seen.has(place)) continue;
      seen.add(place);
      const { accepts, edge, to, or } = program[place]!;
      if (accepts) {
        if (letter && accepts(letter)) reached.add(to);
      } else if (edge === undefined || edges[edge]) {
        open.push(to);
        if (or !== undefined) open.push(or);
      }
    }
    return state(reached, letter);
  };
  const first: State = { steps: new Set(), before: undefined, next: new Map() };
  return (text) => {
    let here: State | true = first;
    for (const letter of text) {
      let next: State | true | undefined = here.next.get(letter);
      if (next === undefined) here.next.set(letter, (next = go(here, letter)));
      if (next === true) return true;
      here = next;
    }
    return go(here, "") === true;
  };
}
