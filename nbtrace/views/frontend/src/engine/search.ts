// What is looked for: text anywhere in a span, or a condition on its columns.

import { executions } from "./executions";
import { attributeKey, columnOf, type Keys, namesOf, type Spot } from "./columns";
import { type Condition, ConditionError, conditionOf, UnknownColumnError } from "./conditions";
import type { DetailStore, Details } from "./details";
import { nearest } from "./nearest";
import type { Trace } from "./trace";
import { plain } from "./words";

export type Query =
  | { kind: "text"; text: string }
  | ({ kind: "conditions" } & Condition)
  /** `unknown`: for a name that is no column. */
  | { kind: "error"; message: string; unknown: boolean };

const ANY: Keys = { known: new Set(), open: true };

/** Read what was typed. What is a condition, or begins like one, is one or an error; all else is text. */
export function parse(typed: string, keys: Keys = ANY): Query {
  const text = typed.trim();
  try {
    if (text) return { kind: "conditions", ...conditionOf(text, keys) };
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error;
    if (text.length <= MOST && meansCondition(text, keys)) return { kind: "error", message: plain(error.message, 400), unknown: error instanceof UnknownColumnError };
  }
  return { kind: "text", text: (/^"([^"]+)"$/.exec(text)?.[1] ?? text).toLowerCase() };
}

/** What is longer was not typed. */
const MOST = 4_000;

const NAME = "(?:`([^`]*)`?|([\\p{L}_][\\p{L}\\p{N}_.\\-/:]*?))";
const ASKED = "(\\s*\\.\\s*(?:isna|notna|str)\\b|\\.\\w+\\(|\\s*[=!<>~|&]|\\s+(?:and|or|is(?=\\s+(?:not\\s+)?(?:none|null|nan|true|false|\\d|['\"])))\\b|\\s+(?:not\\s+)?in\\s*(?:[\\[(@]|$)|\\s+not\\s*$|\\s*[-+*/%](?![=>])(?=.*[=<>]))";
const COMPARED = "(\\s*(?:==?|!=|[<>]=?)\\s*(?:$|['\"]|[-\\d.]+\\s*[a-zµ]*\\s*(?:$|[)&|]|and\\b|or\\b)|(?:true|false)\\s*$))";
const BEFORE = "(?:\\(|~|-|\\bnot\\b|\\s)*";
const VALUE = "(?:'(?:\\\\.|[^'\\\\])*'|\"(?:\\\\.|[^\"\\\\])*\"|[\\d.-]+\\s*[a-zµ]*)\\s*(?:==?|!=|[<>]=?|(?:not\\s+)?in\\b)\\s*";
const KNOWN = new RegExp(`^${BEFORE}${NAME}${ASKED}`, "isu");
const UNKNOWN = new RegExp(`^${BEFORE}${NAME}${COMPARED}`, "isu");
const BEHIND = new RegExp(`^${BEFORE}${VALUE}${NAME}(?=$|[\\s)=!<>&|])`, "isu");
/** What other languages have, and no text does behind the name of a column. */
const FOREIGN = new RegExp(`^${BEFORE}${NAME}\\s+(?:like|between|contains|startswith|endswith|matches)\\b\\s*\\(?['"\\d]`, "isu");
const BARE = new RegExp(`^${NAME}\\s*(?:==?|!=|[<>]=?)\\s*\\S`, "su");
const JOINED = new RegExp(`(?:\\b(?:and|or)\\b|[&|])${BEFORE}${NAME}\\s*(?:[=<>~]|!=|\\.(?:isna|notna|str)\\b)`, "giu");

/** Whether text that is no condition was meant as one: it begins with a column and an operator, or with a name that is compared with a
 * value; or such a part is joined to it. A sentence that a column occurs in is text. */
function meansCondition(text: string, keys: Keys): boolean {
  const named = (match: RegExpExecArray | RegExpMatchArray | null) => match?.[1] ?? match?.[2] ?? "";
  const column = (name: string) => name !== "" && (columnOf(name, keys) !== undefined || attributeKey(name) !== undefined || name === "index");
  const near = (name: string) => nearest(name, namesOf({ known: new Set(), open: false }), 0.34).length > 0;
  if (column(named(KNOWN.exec(text))) || column(named(FOREIGN.exec(text)))) return true;
  // The key of an attribute, without what stands before it: that can be said.
  if (keys.known.has(named(BARE.exec(text)))) return true;
  const unknown = UNKNOWN.exec(text);
  if (unknown && (near(named(unknown)) || !/=\s*$|[<>]\s*$/.test(unknown[0]))) return true;
  const behind = named(BEHIND.exec(text));
  return column(behind) || (behind !== "" && near(behind)) || [...text.matchAll(JOINED)].some((match) => column(named(match)));
}

/** Whether a query needs details, which have to be unpacked. */
export function needsDetails(query: Query): boolean {
  if (query.kind === "text") return query.text.length > 1;
  return query.kind === "conditions" && query.unpacked;
}

/** Whether a span matches, as far as its columns tell; `details` where they are at hand. */
export function matches(query: Query, trace: Trace, row: number, details?: Details): boolean {
  if (query.kind === "error") return false;
  if (query.kind === "text") {
    if (!query.text) return false;
    if (trace.nameOf(row).toLowerCase().includes(query.text) || trace.titleOf(row).toLowerCase().includes(query.text)) return true;
    if (!details) return false;
    return textOf(details).includes(query.text);
  }
  return query.test({ trace, row, details }) === true;
}

const texts = new WeakMap<Details, string>();

function textOf(details: Details): string {
  let text = texts.get(details);
  if (text === undefined) {
    const { attributes, events, message, id, trace } = details;
    text = [JSON.stringify(attributes), events ? JSON.stringify(events) : "", message ?? "", id, trace].join("\n").toLowerCase();
    texts.set(details, text);
  }
  return text;
}

/** The cells in whose code a text stands. */
export function inCode(text: string, trace: Trace): number[] {
  return executions(trace).filter((row) => trace.cells.get(trace.cell[row]!)?.[4].toLowerCase().includes(text));
}

/** Find the rows that match: those that columns tell at once, the others as details are unpacked. */
export async function* search(query: Query, trace: Trace, details: DetailStore): AsyncGenerator<number[]> {
  const found: number[] = [];
  // Names are few and spans many: each name is looked at once.
  const named = query.kind === "text" && query.text ? trace.names.map((name) => name.toLowerCase().includes(query.text)) : undefined;
  const spot: Spot = { trace, row: 0, details: undefined };
  for (let row = 0; row < trace.count; row++) {
    spot.row = row;
    if (named ? !named[trace.name[row]!] : query.kind === "conditions" ? !query.test(spot) : !matches(query, trace, row)) continue;
    found.push(row);
  }
  yield found;
  if (!needsDetails(query)) return;
  const known = new Set(found);
  for await (const chunk of details.all()) {
    const more: number[] = [];
    for (const [number, each] of chunk) {
      const row = trace.indexOf(number);
      if (row >= 0 && !known.has(row) && matches(query, trace, row, each)) more.push(row);
    }
    if (more.length) yield more;
  }
}
