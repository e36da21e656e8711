// The words of a condition: analysis/where/tokens.py finds the same. Keys may hold dots, dashes, slashes and colons: the longest
// column that there is wins.

import { attribute, attributeKey, type Column, columnOf, type Keys, namesOf, VOCABULARIES } from "./columns";
import { takes } from "./kinds";
import { UNITS } from "./literals";
import { nearest } from "./nearest";

export class ConditionError extends Error {}

/** A name that is no column. */
export class UnknownColumnError extends ConditionError {}

export interface Token {
  kind: "text" | "number" | "unit" | "date" | "column" | "method" | "variable" | "constant" | "option" | "operator" | "wrong" | "end";
  /** Of a text: what stands between its quotes. Of an operator: as the parser knows it. */
  text: string;
  start: number;
  end: number;
  column?: Column;
  /** What is said of what is wrong, when whoever reads comes there. */
  error?: ConditionError;
}

const MAX_LENGTH = 10_000;
const KEYWORDS = /^(?:and|or|not|in|AND|OR|NOT|IN)$/;
/** What is said of what is not known. */
export const KNOWN = "this is not known. These are: == != < <= > >= and or not in ~ .isna() .notna() .str.contains('x') .str.startswith('x') .str.endswith('x')";
const CONSTANT = /^(?:True|true|TRUE|False|false|FALSE)$/;
const MISSING = /^(?:None|none|NONE|null|NULL|nan|NaN|NAN|NA|NaT|nil|undefined)$/;
const OTHERS = /^(?:i?like|between|contains|(?:start|end)swith|matches|is|if|else|lambda|for|while|await|yield|import|from|def|del|return)$/i;
const UNKNOWN = /^(?:[&|*/]{2}|[!=]==|<>|=[<>~]|!~?|:=|[\^;#?$@'"`])$/;
const OPERATORS: Record<string, string> = { "&": "and", "|": "or", "=": "==" };

/** White space as Python has it, and not what else JavaScript takes for some. */
const SPACE = "[\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const STOPS = "\\s\\x1c-\\x1f\\x85()\\[\\]{},<>=!&|~+*%^@'\"`;?$\\\\#";
const RUN = `[^\\p{Nd}${STOPS}\\-/.:][^${STOPS}]*`;
const NAME = "[\\p{L}_][\\p{L}\\p{N}_]*";
const TOKEN = new RegExp(
  `(?<space>${SPACE}+)|'(?<single>(?:\\\\.|[^'\\\\])*)'|"(?<double>(?:\\\\.|[^"\\\\])*)"|\`(?<quoted>[^\`]*)\`|@(?<variable>${NAME})` +
  `|(?<date>\\d{4}-\\d\\d-\\d\\d(?:T[\\d:.]+(?:Z|[+\\-][\\d:]+)?)?)(?![\\p{L}\\p{N}_\\-])` +
  `|(?<number>(?:\\d+(?:_\\d+)*(?:\\.\\d+)?|\\.\\d+)(?:[eE][+\\-]?\\d+)?)(?<unit>${NAME})?` +
  `|(?<run>${RUN})|===|!==|==|!=|<=|>=|<>|=<|=>|=~|!~|&&|\\|\\||\\*\\*|//|:=|.`, "suy");
const METHOD = new RegExp(`\\s*\\.\\s*(${NAME}(?:\\.${NAME})*)`, "uy");
const CALLED = /\s*\(/y;
const OPTION = /\s*=(?!=)/y;
const TIME = /\s+\d{1,2}:\d\d/y;
const ASKED = /\.(?:isna|notna|isnull|notnull|str|dt)(?![\p{L}\p{N}_]).*$/su;
const WORD = new RegExp(`^${NAME}`, "u");

/** What is wrong at a place of a text. */
export function wrong(text: string, start: number, end: number, reason: string): ConditionError {
  const piece = text.slice(start, end);
  return new ConditionError(`${piece ? `${piece.length > 60 ? piece.slice(0, 60) + "…" : piece}: ` : ""}${reason}`);
}

/** The words, and behind them one of the kind `end`. */
export function tokensOf(text: string, keys: Keys): Token[] {
  if (text.length > MAX_LENGTH) throw new ConditionError(`at most ${MAX_LENGTH} characters are read`);
  const found: Token[] = [];
  let at = 0;
  const meets = (pattern: RegExp, place: number) => ((pattern.lastIndex = place), pattern.exec(text));
  const add = (kind: Token["kind"], content: string, start: number, end: number, column?: Column) => void found.push({ kind, text: content, start, end, ...(column && { column }) });

  /** Add a column, and what is asked of it behind a dot. */
  const named = (name: string, start: number, end: number, open = false): number => {
    const key = open ? attributeKey(name) : undefined;
    const column = columnOf(name, keys) ?? (key !== undefined && ([name, attribute(key)] as const));
    if (!column) throw unknown(name);
    add("column", column[0], start, end, column[1]);
    const method = meets(METHOD, end);
    if (!method) return end;
    const behind = end + method[0].length;
    if (column[0].startsWith("attributes.") && !meets(CALLED, behind) && !ASKED.test(`.${method[1]}`)) throw unknown(text.slice(start, behind));
    add("method", method[1]!, behind - method[1]!.length, behind);
    return behind;
  };

  const longest = namesOf(keys).reduce((most, each) => Math.max(most, each.length), 0);

  /** Add what a run of letters begins with: the longest column, or a word of the grammar. */
  const worded = (run: string, start: number): number => {
    const called = !!meets(CALLED, start + run.length);
    const bare = ASKED.test(run) ? run.replace(ASKED, "") : called ? run.replace(/\.[^.]*$/, "") : run;
    // While keys are still to come, the whole may be one.
    if (keys.open && attributeKey(bare)) return named(bare, start, start + bare.length, true);
    for (let length = Math.min(called ? run.length - 1 : run.length, longest); length > 0; length--) {
      if ((length === run.length || ".-/:".includes(run[length]!)) && columnOf(run.slice(0, length), keys)) return named(run.slice(0, length), start, start + length);
    }
    const word = WORD.exec(run)?.[0] ?? run;
    const end = start + word.length;
    const last = found[found.length - 1];
    if (KEYWORDS.test(word)) add("operator", word.toLowerCase(), start, end);
    else if (CONSTANT.test(word)) add("constant", word.toLowerCase(), start, end);
    else if (UNITS.has(word) && last?.kind === "number") add("unit", word, start, end);
    else if (last?.text === "," && meets(OPTION, end)) add("option", word, start, end);
    else throw refused(run, word, start, called);
    return end;
  };

  const refused = (run: string, word: string, start: number, called: boolean): ConditionError => {
    const end = start + run.length;
    const say = (reason: string) => wrong(text, start, end, reason);
    const behind = text[end] ?? "";
    if ((/^['"]/.test(behind) && /^(?:[bfu]|r[bf]?|[bf]r)$/i.test(run)) || "‘’‚‛“”„‟«»‹›´".includes(run[0]!)) return say("text stands in ' or \", with nothing before them");
    if (MISSING.test(run)) return say("a missing value is asked for with .isna() or .notna()");
    if (run === word && OTHERS.test(run)) return say(KNOWN);
    if ((run === "attributes" && behind === "[") || (called && !run.includes("."))) return say(KNOWN);
    return unknown(run.replace(ASKED, "") || run);
  };

  /** What is said of a name that is no column: if a value is expected there, it may be one. */
  const unknown = (name: string): UnknownColumnError => {
    const [column, sign] = found.slice(-2);
    const listed = found.map(({ text }) => text).lastIndexOf("in");
    const asked = listed > 0 && found.slice(listed).every(({ kind, text }) => kind !== "operator" || "in[(,".includes(text)) ? found[listed - 1] : column;
    const value = asked?.column && (asked !== column || /^(?:[=!<>]=?|==|~)$/.test(sign?.text ?? ""));
    if (name === "index") return new UnknownColumnError("index is not known here: ask nbtrace.spans(where=…)");
    const near = nearest(name, namesOf(keys));
    const meant = !value ? "" : asked.column!.kind === "text" || asked.column!.kind === "any"
      ? ` Text is written in quotes: '${nearest(name, VOCABULARIES.get(asked.text) ?? [])[0] ?? name}'`
      : ` ${takes(asked.text, asked.column!.kind)}`;
    const failed = !value && /^(?:errors?|failed)$/i.test(name) ? " Write status == 'ERROR' for what failed" : "";
    const hint = near.length && !meant ? ` Did you mean ${near.join(" or ")}?` : "";
    return new UnknownColumnError(`there is no column ${name.slice(0, 80)}.${failed || hint || meant || ` Columns: ${namesOf(keys).slice(0, 20).join(", ")}, …`}`);
  };

  while (at < text.length) {
    const match = meets(TOKEN, at)!;
    const start = at;
    at += match[0].length;
    const { space, single, double, quoted, variable, date, number, unit, run } = match.groups!;
    try {
      if (number !== undefined) {
        add("number", number, start, start + number.length);
        if (unit !== undefined) add("unit", unit, start + number.length, at);
      } else if (run !== undefined) at = worded(run, start);
      else if (quoted !== undefined) at = named(quoted, start, at, keys.open);
      else if ((single ?? double) !== undefined) add("text", (single ?? double)!.replace(/\\(['"\\])/g, "$1"), start, at);
      else if (date !== undefined) {
        if (meets(TIME, at)) throw wrong(text, start, at, "a date with a time stands in quotes: '2026-01-31 12:00'");
        add("date", date, start, at);
      } else if (variable !== undefined) add("variable", variable, start, at);
      else if (space === undefined) {
        const sign = match[0];
        if (UNKNOWN.test(sign)) throw wrong(text, start, at, /['"`]/.test(sign) ? `the ${sign} is not closed` : KNOWN);
        add("operator", OPERATORS[sign] ?? sign, start, at);
      }
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error;
      found.push({ kind: "wrong", text: "", start, end: at, error });
      break;
    }
  }
  add("end", "", text.length, text.length);
  return found;
}
