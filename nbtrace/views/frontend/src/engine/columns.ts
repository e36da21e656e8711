// What conditions ask about: the columns of nbtrace.spans(), read from what the browser has of a span.

import type { Details } from "./details";
import { type Whole, whole } from "./literals";
import type { Trace } from "./trace";
import { isMarked } from "./words";

export type Kind = "text" | "number" | "boolean" | "duration" | "moment" | "any";

/** A value; null where there is none, undefined where it is not known here. An object is an array, a map or bytes. */
export type Item = string | Whole | boolean | object | null | undefined;

/** A span that is asked about. */
export interface Spot {
  trace: Trace;
  row: number;
  details: Details | undefined;
}

export interface Column {
  kind: Kind;
  get: (at: Spot) => Item;
  /** Whether it stands in details, which have to be unpacked. */
  unpacked: boolean;
}

/** Which attributes there are. */
export interface Keys {
  known: ReadonlySet<string>;
  /** Whether there may be others: not all details are here. */
  open: boolean;
}

const STATUS = ["UNSET", "OK", "ERROR"];
const KINDS = ["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATES = ["ended", "running", "unfinished"];
/** Columns that hold one of a few words. */
export const VOCABULARIES = new Map([["status_code", STATUS], ["kind", KINDS], ["state", STATES]]);

const here = (kind: Kind, get: (trace: Trace, row: number) => Item): Column => ({ kind, get: ({ trace, row }) => get(trace, row), unpacked: false });
const inside = (kind: Kind, get: (details: Details) => Item): Column => ({ kind, get: ({ details }) => details && (get(details) ?? null), unpacked: true });

const ns = (ms: number) => Math.round(ms * 1e6);
const moment = (trace: Trace, ms: number) => (Number.isNaN(ms) ? null : whole(trace.zero + BigInt(ns(ms))));

const COLUMNS = new Map<string, Column>(Object.entries({
  name: here("text", (trace, row) => trace.nameOf(row)),
  duration: here("duration", ({ start, end }, row) => (Number.isNaN(end[row]!) ? null : ns(end[row]!) - ns(start[row]!))),
  status_code: here("text", (trace, row) => STATUS[trace.status(row)] ?? null),
  kind: here("text", (trace, row) => KINDS[trace.kindOf(row)] ?? null),
  cell: here("number", (trace, row) => trace.cells.get(trace.cell[row]!)?.[1] ?? null),
  start_time: here("moment", (trace, row) => moment(trace, trace.start[row]!)),
  end_time: here("moment", (trace, row) => moment(trace, trace.end[row]!)),
  state: here("text", (trace, row) => STATES[trace.isUnfinished(row) ? 2 : trace.isRunning(row) ? 1 : 0]!),
  trace_id: inside("text", ({ trace }) => trace),
  span_id: inside("text", ({ id }) => id),
  parent_span_id: inside("text", ({ parent }) => parent),
  status_message: inside("text", ({ message }) => message),
  service_name: inside("text", ({ resource }) => decoded(resource["service.name"])),
  scope_name: inside("text", ({ scope }) => scope[0]),
  process_pid: inside("number", ({ thread }) => thread?.[0]),
  thread_id: inside("number", ({ thread }) => decoded(thread?.[1])),
  thread_name: inside("text", ({ thread }) => thread?.[2]),
  event_count: inside("number", ({ events }) => events?.length ?? 0),
  link_count: inside("number", ({ links }) => links?.length ?? 0),
  dropped_attributes: inside("number", ({ dropped }) => dropped[0]),
  dropped_events: inside("number", ({ dropped }) => dropped[1]),
  dropped_links: inside("number", ({ dropped }) => dropped[2]),
}));
export const FIXED: readonly string[] = [...COLUMNS.keys()];

const ATTRIBUTE = "attributes.";

/** The column of a name, if there is one; `status` is status_code. */
export function columnOf(name: string, keys: Keys): [name: string, column: Column] | undefined {
  const full = name === "status" ? "status_code" : name;
  const fixed = COLUMNS.get(full);
  if (fixed) return [full, fixed];
  const key = attributeKey(name);
  if (key === undefined || !keys.known.has(key)) return undefined;
  return [name, attribute(key)];
}

export function attributeKey(name: string): string | undefined {
  return name.startsWith(ATTRIBUTE) && name.length > ATTRIBUTE.length ? name.slice(ATTRIBUTE.length) : undefined;
}

export function attribute(key: string): Column {
  return inside("any", ({ attributes }) => (Object.hasOwn(attributes, key) ? decoded(attributes[key]) : null));
}

/** Names that can be meant. */
export function namesOf(keys: Keys): string[] {
  return [...FIXED, "status", ...[...keys.known].map((key) => ATTRIBUTE + key)];
}

/** A value as Python has it: what JSON cannot hold came as marked text. */
function decoded(item: unknown): Item {
  if (!isMarked(item)) return item as Item;
  if (/^-?\d+$/.test(item.$)) return whole(BigInt(item.$));
  return item.$ === "nan" ? null : item.$ === "inf" ? Infinity : item.$ === "-inf" ? -Infinity : item;
}
