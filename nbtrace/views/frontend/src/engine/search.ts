// What is looked for: text anywhere in a span, or conditions on its columns.

import { type Condition, ConditionError, conditionsOf, holds, inDetails, looksLikeConditions } from "./conditions";
import type { DetailStore, Details } from "./details";
import type { Trace } from "./trace";

export type Query =
  | { kind: "text"; text: string }
  | { kind: "conditions"; conditions: Condition[] }
  | { kind: "error"; message: string };

/** Read what was typed. What looks like a condition is one, or an error; all else is text. */
export function parse(typed: string): Query {
  const text = typed.trim();
  if (!looksLikeConditions(text)) return { kind: "text", text: text.toLowerCase() };
  try {
    return { kind: "conditions", conditions: conditionsOf(text) };
  } catch (error) {
    if (error instanceof ConditionError) return { kind: "error", message: error.message };
    throw error;
  }
}

/** Whether a query needs details, which have to be unpacked. */
export function needsDetails(query: Query): boolean {
  if (query.kind === "text") return query.text.length > 1;
  return query.kind === "conditions" && query.conditions.some(inDetails);
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

