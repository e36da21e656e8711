// Conditions on the columns of spans: the language of `where=` (docs/conditions.md), read as analysis/where/parser.py reads it. What
// is not read is an error, never another answer.

import { type Item, type Keys, type Spot } from "./columns";
import { agreed, among, comparison, counted, example, literal, Mismatch, negated, type Operand, takes, type Test } from "./kinds";
import { durationOf, LIMIT, UNITS, whole } from "./literals";
import { finder, PatternError } from "./patterns";
import { ConditionError, KNOWN, type Token, tokensOf, wrong } from "./tokens";

export { ConditionError, UnknownColumnError } from "./tokens";

export interface Condition {
  test: Test;
  /** Whether details, which have to be unpacked, decide. */
  unpacked: boolean;
}

/** A part of the condition, and where it stands in the text: a value in each row, or a yes or no. */
type Piece = { start: number; end: number } & ({ operand: Operand; test?: undefined } | { test: Test; operand?: undefined });

/** Texts of which it is remembered whether something is found in them. */
const MAX_SEEN = 10_000;
const MAX_DEPTH = 50;
const MAX_ARITHMETIC = 100;

const [OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN] = [1, 2, 3, 4, 5, 6, 7];
const COMPARISONS = ["==", "!=", "<", "<=", ">", ">="];
const POWERS = new Map([
  ["or", OR], ["and", AND], ...[...COMPARISONS, "in", "not", "~"].map((sign) => [sign, COMPARISON] as const), ["+", SUM], ["-", SUM], ["*", PRODUCT], ["/", PRODUCT], ["%", PRODUCT],
] as [string, number][]);
const METHODS = /^(?:isna|notna|str\.(?:contains|startswith|endswith))$/;
const COLUMN = "a column is missing";
const TEXT = "a text in quotes stands here, and behind it case=False or regex=False for .str.contains";
const TOO_LONG = "the condition is too long or too deep";
const LIST = "a list stands behind in: name in ['a', 'b']";

/** A name as a value that conditions read. */
export function quoted(name: string): string {
  return `'${name.replace(/[\\']/g, "\\$&")}'`;
}

/** Read a condition. Throws ConditionError, UnknownColumnError for a name. */
export function conditionOf(text: string, keys: Keys): Condition {
  const tokens = tokensOf(text, keys);
  let at = 0;
  let depth = 0;
  let signs = 0;
  let unpacked = false;

  const piece = expression(0);
  if (token().kind !== "end") throw leftOver(piece);
  return { test: asked(piece), unpacked };

  // ── single words ────────────────────────────────────────────────────────────────────────────────────────────────────

  function token(): Token {
    const { error } = tokens[at]!;
    if (error) throw error;
    return tokens[at]!;
  }

  function is(...signs: string[]): boolean {
    return token().kind === "operator" && signs.includes(token().text);
  }

  function expect(sign: string, reason: string): Token {
    if (!is(sign)) throw said(token(), reason);
    return tokens[at++]!;
  }

  function said(place: { start: number; end: number }, reason: string): ConditionError {
    return wrong(text, place.start, place.end, reason);
  }

  /** Apply a rule of kinds.ts: its errors get their place. */
  function checked<T>(rule: () => T, places: { start: number; end: number }[]): T {
    try {
      return rule();
    } catch (error) {
      throw error instanceof Mismatch ? said(places[error.side]!, error.message) : error;
    }
  }

  // ── expressions ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Read what binds at least as tightly as `power`. */
  function expression(power: number): Piece {
    let left = prefix(power);
    while (token().kind === "operator" && (POWERS.get(token().text) ?? -1) >= power) {
      const sign = token().text;
      if (sign === "or" || sign === "and") left = joined(left, sign);
      else if (COMPARISONS.includes(sign)) left = compared(left);
      else if (sign === "~") left = (at++, texts(left, "~", expression(SUM), left.start));
      else if (sign === "in" || sign === "not") left = contained(left);
      else left = calculated(left);
    }
    return left;
  }

  function prefix(power: number): Piece {
    const { start } = token();
    const begin = at;
    let odd = false;
    for (; is("not", "~"); at++, odd = !odd) if (power > NOT) throw said(token(), "( is missing before it");
    if (at > begin) {
      const inner = expression(NOT);
      const test = asked(inner);
      return { test: odd ? not(test) : test, start, end: inner.end };
    }
    for (; is("-"); at++) odd = !odd;
    if (at > begin) {
      const inner = expression(SIGN);
      const operand = valued(inner);
      return { operand: odd ? checked(() => negated(operand), [inner, inner]) : operand, start, end: inner.end };
    }
    return is("(") ? parenthesis() : single();
  }

  function parenthesis(): Piece {
    const start = tokens[at++]!;
    if (++depth > MAX_DEPTH) throw said(start, TOO_LONG);
    const inner = expression(0);
    if (token().kind === "end") throw new ConditionError("the ( is not closed");
    if (!is(")")) throw is(",") ? said(token(), LIST) : leftOver(inner);
    const { end } = tokens[at++]!;
    depth--;
    return { ...inner, start: start.start, end };
  }

  function single(): Piece {
    const found = token().kind === "column" ? column() : value();
    if (found) return found;
    if (token().kind === "end") throw new ConditionError("something is missing at the end. Write for example duration > 100ms");
    throw said(token(), is("[") ? LIST : "a column, a value or a condition is missing before it");
  }

  function joined(left: Piece, sign: "and" | "or"): Piece {
    const tests = [asked(left)];
    let { end } = left;
    while (is(sign)) {
      at++;
      const right = expression(POWERS.get(sign)! + 1);
      tests.push(asked(right));
      end = right.end;
    }
    const test = together(tests, sign === "or");
    return { test, start: left.start, end };
  }

  /** Read a comparison, or a chain of them: 1 < x <= 3. */
  function compared(left: Piece): Piece {
    const { start } = left;
    const tests: Test[] = [];
    while (is(...COMPARISONS)) {
      const sign = tokens[at++]!;
      if (is("[")) throw said(sign, LIST);
      const right = expression(SUM);
      const [one, other] = [valued(left), valued(right)];
      const pair = checked(() => agreed(one, other), [left, right]);
      if (!one.asks && !other.asks) throw said({ start: left.start, end: right.end }, COLUMN);
      tests.push(comparison(sign.text, ...pair));
      left = right;
    }
    return { test: tests.length === 1 ? tests[0]! : together(tests, false), start, end: left.end };
  }

  function calculated(left: Piece): Piece {
    const sign = tokens[at++]!;
    if (++signs > MAX_ARITHMETIC) throw said(sign, TOO_LONG);
    const right = expression(POWERS.get(sign.text)! + 1);
    const [one, other] = [valued(left), valued(right)];
    return { operand: checked(() => counted(sign.text, one, other), [left, right]), start: left.start, end: right.end };
  }

  function contained(left: Piece): Piece {
    const negative = tokens[at++]!.text === "not";
    if (negative) expect("in", LIST);
    const operand = valued(left);
    if (token().kind === "column") throw said(token(), LIST);
    if (!operand.asks) throw said(left, COLUMN);
    const [pieces, end] = list();
    const values = pieces.map((each): Item => checked(() => agreed(operand, valued(each)), [left, each])[1].value);
    const test = among(operand, values);
    return { test: negative ? not(test) : test, start: left.start, end };
  }

  // ── values and columns ──────────────────────────────────────────────────────────────────────────────────────────────

  function value(): Piece | undefined {
    const { kind, text: content, start, end } = token();
    if (kind === "text" || kind === "date") {
      if (/\p{Cs}/u.test(content)) throw said(token(), KNOWN);
      at++;
      return { operand: literal("text", content), start, end };
    }
    if (kind === "constant") return at++, { operand: literal("boolean", content === "true"), start, end };
    if (kind === "variable") throw said(token(), `the browser has no variables of Python's`);
    return kind === "number" ? number() : undefined;
  }

  /** Read a number, or a duration: 100ms, 1h 30min. */
  function number(): Piece {
    const { text: digits, start } = token();
    let { end } = tokens[at++]!;
    if (token().kind !== "unit") {
      const bare = digits.replaceAll("_", "");
      const exact = /^\d{1,39}$/.test(bare) ? BigInt(bare) : LIMIT;
      const found = exact < LIMIT ? whole(exact) : Number(bare);
      if (found === Infinity) throw said({ start, end }, TOO_LONG);
      return { operand: literal("number", found), start, end };
    }
    while (token().kind === "unit") {
      const unit = tokens[at++]!;
      if (!UNITS.has(unit.text)) throw said(unit, "the units are ns, us, ms, s, min, h, d");
      end = unit.end;
      if (tokens[at]!.kind === "number" && tokens[at + 1]!.kind === "unit") at++;
    }
    const found = durationOf(text.slice(start, end).replaceAll("_", ""));
    if (found === undefined) throw said({ start, end }, TOO_LONG);
    return { operand: literal("duration", found), start, end };
  }

  /** Read ['a', 'b'] or ('a', 'b'); return the values, and where they end. */
  function list(): [Piece[], number] {
    const start = token();
    if (start.kind === "variable") value();
    const closing = is("[") ? "]" : is("(") ? ")" : "";
    if (!closing) throw said(start, LIST);
    at++;
    const found: Piece[] = [];
    while (!is(closing)) {
      const sign = is("-") && tokens[at++];
      const each = value();
      if (!each) throw token().kind === "end" ? new ConditionError(`${closing} is missing`) : said(token(), LIST);
      found.push(sign ? { operand: checked(() => negated(valued(each)), [each, each]), start: sign.start, end: each.end } : each);
      if (!is(closing)) expect(",", token().kind === "end" ? `${closing} is missing` : `a comma or ${closing} is missing before it`);
    }
    return [found, tokens[at++]!.end];
  }

  function column(): Piece {
    const { text: name, column: found, start, end } = tokens[at++]!;
    unpacked ||= found!.unpacked;
    const { kind, get } = found!;
    const here: Piece = { operand: { kind, get, column: name, asks: true }, start, end };
    return token().kind === "method" ? method(here, get) : here;
  }

  /** Read what is asked of a column: .isna(), .str.contains('x') … */
  function method(here: Piece, get: (at: Spot) => Item): Piece {
    const asks = tokens[at++]!;
    if (!METHODS.test(asks.text)) throw said(asks, KNOWN);
    expect("(", "() is missing behind it");
    if (asks.text.endsWith("na")) {
      const { end } = expect(")", ") is missing, with nothing before it");
      const test: Test = (spot) => {
        const found = get(spot);
        return found === undefined ? undefined : (found === null) === (asks.text === "isna");
      };
      return { test, start: here.start, end };
    }
    const content = value();
    if (!content) throw said(token(), TEXT);
    const options: Record<string, boolean> = { case: true, regex: true };
    while (is(",")) {
      at++;
      const option = tokens[at]!;
      if (option.kind === "end") throw new ConditionError(TEXT);
      at++;
      const given = is("==") && tokens[at + 1]!.kind === "constant";
      if (!given || asks.text !== "str.contains" || !(option.text === "case" || option.text === "regex")) {
        throw said(option, TEXT);
      }
      options[option.text] = tokens[at + 1]!.text === "true";
      at += 2;
    }
    const { end } = expect(")", TEXT);
    return texts(here, asks.text === "str.contains" && options["regex"] ? "~" : asks.text.slice(4), content, here.start, end, options["case"]);
  }

  /** What is asked of a text. */
  function texts(left: Piece, how: string, right: Piece, start: number, end = right.end, caseful = true): Piece {
    const { column: name, kind, get } = valued(left);
    const wanted = valued(right).value;
    if (name === undefined) throw said(left, COLUMN);
    if (kind !== "text" && kind !== "any") throw said(left, `only text has .str and ~. ${takes(name, kind)}`);
    if (typeof wanted !== "string") throw said(right, TEXT);
    try {
      const finds = how === "~" ? finder(wanted, caseful) : literally(how, wanted, caseful);
      // Names are few and spans many: each text is looked at once.
      const seen = new Map<string, boolean>();
      const test: Test = (spot) => {
        const item = get(spot);
        if (typeof item !== "string") return undefined;
        let found = seen.get(item);
        if (found === undefined && seen.size < MAX_SEEN) seen.set(item, (found = finds(item)));
        return found ?? finds(item);
      };
      return { test, start, end };
    } catch (error) {
      throw error instanceof PatternError ? said(right, error.message) : error;
    }
  }

  // ── what a piece is taken for ───────────────────────────────────────────────────────────────────────────────────────

  function valued(found: Piece): Operand {
    if (found.operand) return found.operand;
    throw said(found, "a value is needed, and this is a condition");
  }

  function asked(found: Piece): Test {
    if (found.test) return found.test;
    const { column: name, kind, get, asks } = found.operand!;
    if (name !== undefined && kind === "any") {
      return (spot) => {
        const item = get(spot);
        return typeof item === "boolean" ? item : undefined;
      };
    }
    throw said(found, `it gives no yes or no per row. Compare it, as in ${example(name ?? (asks ? text.slice(found.start, found.end) : "name"), asks ? kind : "text")}`);
  }

  function leftOver(before: Piece): ConditionError {
    if (token().kind === "operator") return said(token(), /[)\]]/.test(token().text) ? "it closes nothing" : KNOWN);
    return said(token(), before.operand ? "a comparison is missing before it: == != < <= > >= in ~" : "`and` or `or` is missing before it");
  }
}

function not(test: Test): Test {
  return (spot) => {
    const met = test(spot);
    return met === undefined ? undefined : !met;
  };
}

/** Of several tests, one that is `decides` decides for all; else one that is unknown leaves it unknown. */
function together(tests: Test[], decides: boolean): Test {
  return (spot) => {
    let known = true;
    for (const test of tests) {
      const met = test(spot);
      if (met === decides) return decides;
      known &&= met !== undefined;
    }
    return known ? !decides : undefined;
  };
}

/** A text without signs can be given to the engine of JavaScript, which knows what is upper and lower case. */
function literally(how: string, wanted: string, caseful: boolean): (text: string) => boolean {
  const pattern = new RegExp(`${how === "startswith" ? "^" : ""}${wanted.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")}${how === "endswith" ? "$" : ""}`, caseful ? "u" : "iu");
  return (text) => pattern.test(text);
}
