// Conditions on the columns of spans: the part of `where=` (docs/conditions.md) that a person types most. Comparisons of a column
// with a value, isna() and notna(), joined by `and`. What is not read is an error, never another answer.

import type { Details } from "./details";
import type { Trace } from "./trace";

const STATUS = ["UNSET", "OK", "ERROR"];
const KINDS = ["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];

type Kind = "text" | "number" | "duration" | "moment" | "any";

const COLUMNS: Record<string, Kind> = {
  name: "text", duration: "duration", status_code: "text", kind: "text", cell: "number", start_time: "moment", end_time: "moment",
  trace_id: "text", span_id: "text", parent_span_id: "text", status_message: "text", service_name: "text", scope_name: "text",
  event_count: "number", link_count: "number", dropped_attributes: "number", dropped_events: "number", dropped_links: "number",
};
/** Columns that are at hand for every span; the others stand in its details. */
const AT_HAND = ["name", "duration", "status_code", "kind", "cell", "start_time", "end_time"];
const VALUES: Record<string, string[]> = { status_code: STATUS, kind: KINDS };
const UNITS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, min: 6e10, h: 3.6e12, d: 8.64e13 };

export interface Condition {
  column: string;
  operator: string;
  /** A duration in ns, a moment in ns since the epoch; undefined for isna() and notna(). */
  wanted?: string | number | boolean | bigint;
}

export class ConditionError extends Error {}

const COLUMN = /\s*(?:`([^`]+)`|([\p{L}_][\p{L}\p{N}_.\-/]*))/uy;
const MISSING = /\s*\.\s*(isna|notna)\(\s*\)/y;
const OPERATOR = /\s*(==|!=|>=|<=|>|<|=)/y;
const QUOTED = /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/sy;
const BARE = /\s*([^'"`()[\]{}&|=<>~]+?)\s*(?=&|$|\sand\s)/iy;
const AND = /\s+and\s+|\s*&\s*/iy;

/** Whether text is meant as conditions: it begins like one, or compares a column that there is. */
export function looksLikeConditions(text: string): boolean {
  if (/^(?:`[^`]+`|[\p{L}_][\p{L}\p{N}_.\-/]*)\s*(==|!=|>=|<=|>|<|=)\s*\S/u.test(text)) return true;
  const column = `(?:${Object.keys(COLUMNS).join("|")}|status|attributes\\.[\\p{L}\\p{N}_.\\-/]+)`;
  const before = new RegExp(`(?<![\\p{L}\\p{N}_.])${column}(?:\`?\\s*(?:[=<>~]|!=)|\\s+(?:not\\s+)?in\\s*[[(]|\\.(?:isna|notna|str)\\b)`, "u");
  return before.test(text) || new RegExp(`(?:[=<>]|!=)\\s*${column}\\s*$`, "u").test(text);
}

/** Read conditions, all of which are to hold. Throws ConditionError. */
export function conditionsOf(text: string): Condition[] {
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) at = pattern.lastIndex;
    return match;
  };
  const found: Condition[] = [];
  do {
    const named = take(COLUMN);
    const typed = named?.[1] ?? named?.[2] ?? "";
    const method = named?.[2] !== undefined && /\.(isna|notna)$/.test(typed);
    if (method) at -= typed.length - typed.lastIndexOf(".");
    const missing = take(MISSING)?.[1];
    const sign = missing ?? take(OPERATOR)?.[1];
    if (!sign) throw unread(text);
    const column = resolved(method ? typed.slice(0, typed.lastIndexOf(".")) : typed, text);
    if (missing) {
      found.push({ column, operator: missing });
      continue;
    }
    const quoted = take(QUOTED);
    const literal = quoted ? unescaped(quoted[1] ?? quoted[2]!) : take(BARE)?.[1];
    if (literal === undefined) throw unread(text);
    found.push({ column, operator: sign === "=" ? "==" : sign, wanted: valueOf(literal, !!quoted, column, text) });
  } while (take(AND));
  if (text.slice(at).trim()) throw unread(text);
  return found;
}

/** A name as a value that conditions read. */
export function quoted(name: string): string {
  return `'${name.replace(/[\\']/g, "\\$&")}'`;
}

function unread(text: string): ConditionError {
  return new ConditionError(`cannot read ${text.trim()}. The search reads comparisons with a value, joined by "and"; nbtrace.spans(where=…) reads more.`);
}

function resolved(typed: string, text: string): string {
  if (!typed) throw unread(text);
  const column = typed === "status" ? "status_code" : typed;
  if (column in COLUMNS || column.startsWith("attributes.")) return column;
  const near = Object.keys(COLUMNS).find((each) => each.startsWith(column.slice(0, 3)));
  throw new ConditionError(`no column ${column}. ${near ? `Did you mean ${near}?` : `Columns: ${Object.keys(COLUMNS).join(", ")}, attributes.KEY`}`);
}

/** What stands in quotes: a backslash before a quote or a backslash takes its meaning away, any other is itself. */
function unescaped(text: string): string {
  return text.replace(/\\([\\'"])/g, "$1");
}

function valueOf(literal: string, quoted: boolean, column: string, text: string): string | number | boolean | bigint {
  const kind = COLUMNS[column] ?? "any";
  if (kind === "duration") return durationOf(literal);
  if (kind === "moment") return momentOf(literal, column);
  const number = !quoted && literal !== "" && !Number.isNaN(Number(literal)) ? Number(literal) : undefined;
  const truth = !quoted && /^(true|false)$/i.test(literal) ? literal.toLowerCase() === "true" : undefined;
  if (kind === "number") {
    if (number === undefined) throw new ConditionError(`${column} takes a number, as in ${column} > 1`);
    return number;
  }
  if (kind === "any" && (number ?? truth) !== undefined) return (number ?? truth)!;
  // A word without quotes is taken for one, if it can be nothing else.
  const word = /^[\p{L}_][\p{L}\p{N}_\-]*$/u.test(literal) && !/^(none|not|in|or|is)$/i.test(literal) && !(literal in COLUMNS);
  if (!quoted && !word) throw number === undefined && truth === undefined ? unread(text) : new ConditionError(`${column} takes a text, as in ${column} == 'x'`);
  const values = VALUES[column];
  if (values && !values.includes(literal)) throw new ConditionError(`${column} is one of ${values.join(", ")}`);
  return literal;
}

function durationOf(text: string): number {
  const parts = [...text.matchAll(/\s*(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|min|h|d)(?![a-zµ])/gy)];
  if (!parts.length || parts.map(([part]) => part).join("").length !== text.trimEnd().length) {
    throw new ConditionError("duration takes a time, as in duration > '100ms'");
  }
  return parts.reduce((sum, [, number, unit]) => sum + Math.round(Number(number) * UNITS[unit!]!), 0);
}

/** Nanoseconds since the epoch; UTC if nothing else is said. */
function momentOf(text: string, column: string): bigint {
  const match = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s*(Z|[+-]\d\d:?\d\d)?)?$/.exec(text.trim());
  const ms = match ? Date.parse(`${match[1]}T${match[2] ?? "00:00"}:${match[3] ?? "00"}${match[5] ?? "Z"}`) : NaN;
  if (Number.isNaN(ms)) throw new ConditionError(`${column} takes a moment, as in ${column} > '2026-01-31 12:00'`);
  return BigInt(ms) * 1_000_000n + BigInt((match![4] ?? "").padEnd(9, "0"));
}

/** Whether details, which have to be unpacked, decide. */
export function inDetails({ column }: Condition): boolean {
  return !AT_HAND.includes(column);
}

/** Whether a span meets a condition; without its details it meets none on what stands there. A value that is missing meets
 * none either, but isna(). */
export function holds(condition: Condition, trace: Trace, row: number, details?: Details): boolean {
  const { column, operator, wanted } = condition;
  if (inDetails(condition) && !details) return false;
  const found = details && inDetails(condition) ? fromDetails(column, details) : atHand(column, trace, row);
  if (operator === "isna") return found === undefined || found === null;
  if (found === undefined || found === null) return false;
  if (operator === "notna") return true;
  const other = typeof wanted === "bigint" ? Number(wanted - trace.zero) : wanted;
  if (operator === "==") return found === other;
  if (operator === "!=") return found !== other;
  if (typeof found !== typeof other || typeof found === "boolean") return false;
  const [a, b] = [found as number, other as number];
  return operator === ">" ? a > b : operator === "<" ? a < b : operator === ">=" ? a >= b : a <= b;
}

/** Times in ns, moments since the trace's zero. */
function atHand(column: string, trace: Trace, row: number): unknown {
  const ended = !Number.isNaN(trace.end[row]!);
  if (column === "name") return trace.nameOf(row);
  if (column === "duration") return ended ? Math.round(trace.duration(row) * 1e6) : undefined;
  if (column === "status_code") return STATUS[trace.status(row)];
  if (column === "kind") return KINDS[trace.kindOf(row)];
  if (column === "cell") return trace.cells.get(trace.cell[row]!)?.[1];
  if (column === "start_time") return Math.round(trace.start[row]! * 1e6);
  return ended ? Math.round(trace.end[row]! * 1e6) : undefined;
}

function fromDetails(column: string, details: Details): unknown {
  const { trace, id, parent, message, resource, scope, events, links, dropped, attributes } = details;
  const known: Record<string, unknown> = {
    trace_id: trace, span_id: id, parent_span_id: parent, status_message: message, service_name: resource["service.name"], scope_name: scope[0],
    event_count: events?.length ?? 0, link_count: links?.length ?? 0, dropped_attributes: dropped[0], dropped_events: dropped[1], dropped_links: dropped[2],
  };
  return column in known ? known[column] : attributes[column.slice("attributes.".length)];
}
