// What is looked for: text anywhere in a span, or conditions on its columns in the words of `where=`. Knows no DOM.

import type { DetailStore, Details } from "./details";
import type { Trace } from "./trace";

const STATUS = ["UNSET", "OK", "ERROR"];
const KINDS = ["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
/** Columns that are at hand for every span; the others stand in its details. */
const AT_HAND = ["name", "duration", "status_code", "kind", "cell", "start_time", "end_time"];
const COLUMNS = [
  ...AT_HAND, "trace_id", "span_id", "parent_span_id", "status_message", "service_name", "scope_name", "event_count", "link_count",
  "dropped_attributes", "dropped_events", "dropped_links",
];
const UNITS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, min: 6e4, h: 3.6e6 };

interface Condition {
  column: string;
  operator: string;
  wanted: string | number | boolean;
}

export type Query =
  | { kind: "text"; text: string }
  | { kind: "conditions"; conditions: Condition[] }
  | { kind: "error"; message: string };

const CONDITION = /^([A-Za-z_][\w.\-/]*)\s*(==|!=|>=|<=|>|<|=)\s*(.+)$/;

/** Read what was typed. What looks like a condition is one, and an unknown column is an error; all else is text. */
export function parse(typed: string): Query {
  const parts = typed.trim().split(/\s+and\s+/i);
  if (!CONDITION.test(parts[0] ?? "")) return { kind: "text", text: typed.trim().toLowerCase() };
  const conditions: Condition[] = [];
  for (const part of parts) {
    const match = CONDITION.exec(part);
    if (!match) return { kind: "error", message: `cannot read ${part}` };
    const [, typedColumn, sign, text] = match as unknown as [string, string, string, string];
    // As where= reads them.
    const column = typedColumn === "status" ? "status_code" : typedColumn;
    const operator = sign === "=" ? "==" : sign;
    if (!COLUMNS.includes(column) && !column.startsWith("attributes.")) {
      const near = COLUMNS.find((each) => each.startsWith(column.slice(0, 3)));
      return { kind: "error", message: `no column ${column}. ${near ? `Did you mean ${near}?` : `Columns: ${COLUMNS.join(", ")}, attributes.KEY`}` };
    }
    const wanted = literal(text, column);
    if (column.endsWith("_time") && Number.isNaN(wanted)) return { kind: "error", message: `${column} takes a moment, as in ${column} > '2026-01-31 12:00'` };
    if (column === "duration" && typeof wanted !== "number") return { kind: "error", message: "duration takes a time, as in duration > '100ms'" };
    conditions.push({ column, operator, wanted });
  }
  return { kind: "conditions", conditions };
}

function literal(text: string, column: string): string | number | boolean {
  const quoted = /^(['"])(.*)\1$/.exec(text.trim());
  const bare = quoted ? quoted[2]! : text.trim();
  if (column === "duration") {
    const time = /^(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|min|h)$/.exec(bare);
    return time ? Number(time[1]) * UNITS[time[2]!]! : bare;
  }
  if (column.endsWith("_time")) return Date.parse(`${bare.replace(" ", "T")}${/T| /.test(bare) ? "Z" : "T00:00Z"}`);
  if (quoted) return bare;
  if (/^(true|false)$/i.test(bare)) return bare.toLowerCase() === "true";
  return bare !== "" && !Number.isNaN(Number(bare)) ? Number(bare) : bare;
}

/** Whether a query needs details, which have to be unpacked. */
export function needsDetails(query: Query): boolean {
  if (query.kind === "text") return query.text.length > 1;
  return query.kind === "conditions" && query.conditions.some(({ column }) => !AT_HAND.includes(column));
}

/** Whether a span matches, as far as its columns tell; `details` where they are at hand. */
export function matches(query: Query, trace: Trace, row: number, details?: Details): boolean {
  if (query.kind === "error") return false;
  if (query.kind === "text") {
    if (!query.text) return false;
    if (trace.nameOf(row).toLowerCase().includes(query.text)) return true;
    if (!details) return false;
    return textOf(details).includes(query.text);
  }
  return query.conditions.every((condition) => holds(condition, trace, row, details));
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

function holds({ column, operator, wanted }: Condition, trace: Trace, row: number, details?: Details): boolean {
  let found: unknown;
  if (column === "name") found = trace.nameOf(row);
  else if (column === "duration") found = Number.isNaN(trace.end[row]!) ? undefined : trace.duration(row);
  else if (column === "status_code") found = STATUS[trace.status(row)];
  else if (column === "kind") found = KINDS[trace.kindOf(row)];
  else if (column === "cell") found = trace.cells.get(trace.cell[row]!)?.[1];
  else if (column === "start_time") found = Number(trace.zero / 1000n) / 1000 + trace.start[row]!;
  else if (column === "end_time") found = Number.isNaN(trace.end[row]!) ? undefined : Number(trace.zero / 1000n) / 1000 + trace.end[row]!;
  else if (details) found = fromDetails(column, details);
  if (found === undefined || found === null) return operator === "!=" && !!details;
  if (operator === "==") return found === wanted;
  if (operator === "!=") return found !== wanted;
  if (typeof found !== typeof wanted) return false;
  const [a, b] = [found as number, wanted as number];
  return operator === ">" ? a > b : operator === "<" ? a < b : operator === ">=" ? a >= b : a <= b;
}

function fromDetails(column: string, details: Details): unknown {
  const { trace, id, parent, message, resource, scope, events, links, dropped, attributes } = details;
  const known: Record<string, unknown> = {
    trace_id: trace, span_id: id, parent_span_id: parent, status_message: message, service_name: resource["service.name"], scope_name: scope[0],
    event_count: events?.length ?? 0, link_count: links?.length ?? 0, dropped_attributes: dropped[0], dropped_events: dropped[1], dropped_links: dropped[2],
  };
  return column in known ? known[column] : attributes[column.slice("attributes.".length)];
}

/** Find the rows that match: those that columns tell at once, the others as details are unpacked. */
export async function* search(query: Query, trace: Trace, details: DetailStore): AsyncGenerator<number[]> {
  const found: number[] = [];
  const known = new Set<number>();
  // Names are few and spans many: each name is looked at once.
  const named = query.kind === "text" && query.text ? trace.names.map((name) => name.toLowerCase().includes(query.text)) : undefined;
  for (let row = 0; row < trace.count; row++) {
    if (named ? !named[trace.name[row]!] : !matches(query, trace, row)) continue;
    found.push(row);
    known.add(row);
  }
  yield found;
  if (!needsDetails(query)) return;
  for await (const chunk of details.all()) {
    const more: number[] = [];
    for (const [number, each] of chunk) {
      const row = trace.indexOf(number);
      if (row >= 0 && !known.has(row) && matches(query, trace, row, each)) more.push(row);
    }
    if (more.length) yield more;
  }
}

