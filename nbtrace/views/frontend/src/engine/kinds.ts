// What can be compared and counted with what in a condition, and what comes of it: analysis/where/kinds.py and mask.py say the same.

import { type Item, type Kind, type Spot, VOCABULARIES } from "./columns";
import { LIMIT, durationOf, momentOf, type Whole, whole } from "./literals";
import { nearest } from "./nearest";
import { round } from "./words";

/** What has a value in each row. */
export interface Operand {
  kind: Kind;
  get: (at: Spot) => Item;
  /** The name of a column. */
  column?: string;
  /** What was written. */
  value?: Item;
  /** Whether a column is in it. */
  asks: boolean;
}

/** Whether a condition is true in a row; undefined where that is unknown, as with a missing value. */
export type Test = (at: Spot) => boolean | undefined;

/** Two operands that do not go together; `side` is to blame. */
export class Mismatch extends Error {
  constructor(reason: string, readonly side: 0 | 1 = 1) {
    super(reason);
  }
}

const TAKES: Record<Kind, [what: string, example: string]> = {
  text: ["a text", "== 'x'"], number: ["a number", "> 3"], boolean: ["True or False", "== True"],
  duration: ["a time", "> 100ms"], moment: ["a moment", "> '2026-01-31 12:00'"], any: ["a number, a text, True or False", "== 'x'"],
};
const COUNTED = new Map<string, Kind>([
  ["duration+duration", "duration"], ["duration-duration", "duration"], ["duration/duration", "number"], ["duration*number", "duration"],
  ["number*duration", "duration"], ["duration/number", "duration"], ["moment+duration", "moment"], ["moment-duration", "moment"],
  ["duration+moment", "moment"], ["moment-moment", "duration"], ...[..."+-*/%"].map((sign): [string, Kind] => [`number${sign}number`, "number"]),
]);
const SUMS: Record<string, (a: number, b: number) => number> = {
  "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => (b ? a / b : NaN),
  // It takes the sign of the right side.
  "%": (a, b) => (!b ? NaN : a % b && a % b < 0 !== b < 0 ? (a % b) + b : a % b),
};

export function literal(kind: Kind, value: Item): Operand {
  return { kind, value, get: () => value, asks: false };
}

/** What a column, or a part that is counted, is compared with. */
export function takes(name: string, kind: Kind): string {
  return `${name} takes ${TAKES[kind][0]}, as in ${example(name, kind)}`;
}

export function example(name: string, kind: Kind): string {
  const words = VOCABULARIES.get(name);
  return `${name} ${words ? `== '${words[words.length - 1]}'` : TAKES[kind][1]}`;
}

function named(operand: Operand): string {
  return operand.column ?? (operand.value === undefined ? "this" : typeof operand.value === "string" ? `'${operand.value}'` : "a value");
}

/** A text beside a duration or a moment is read as one. */
function read(operand: Operand, beside: Kind, name: string, side: 0 | 1): Operand {
  if (typeof operand.value !== "string" || operand.kind !== "text" || (beside !== "duration" && beside !== "moment")) return operand;
  const value = (beside === "duration" ? durationOf : momentOf)(operand.value);
  if (value === undefined) throw new Mismatch(takes(name, beside), side);
  return literal(beside, value);
}

/** Two operands that are compared, texts read as what the other side holds. */
export function agreed(one: Operand, other: Operand): [Operand, Operand] {
  const left = read(one, other.kind, named(other), 0);
  const right = read(other, one.kind, named(one), 1);
  for (const [value, beside, side] of [[right, left, 1], [left, right, 0]] as [Operand, Operand, 0 | 1][]) {
    const words = VOCABULARIES.get(beside.column ?? "");
    if (value.value === undefined) continue;
    if (words && !words.includes(value.value as string)) {
      const [near] = nearest(String(value.value), words);
      throw new Mismatch(`${beside.column} is never that. ${near ? `Did you mean '${near}'?` : `It is one of ${words.join(", ")}`}`, side);
    }
    if (value.kind !== beside.kind && value.kind !== "any" && beside.kind !== "any") {
      const unit = beside.kind === "duration" && value.kind === "number" ? `. Did you mean ${value.value}${Number(value.value) < 100 ? "s" : "ms"}?` : "";
      throw new Mismatch(takes(named(beside), beside.kind) + unit, side);
    }
  }
  if (left.kind !== right.kind) {
    if (left.kind !== "any" && right.kind !== "any") throw new Mismatch(`${named(left)} is ${TAKES[left.kind][0]}, ${named(right)} ${TAKES[right.kind][0]}`);
    for (const kind of [left.kind, right.kind]) if (kind === "duration" || kind === "moment") throw new Mismatch("attributes hold no durations and no moments");
  }
  return [left, right];
}

/** The arithmetic of two operands; an attribute counts as a number. */
export function counted(sign: string, one: Operand, other: Operand): Operand {
  const left = readCounted(sign, one, other, 0);
  const right = readCounted(sign, other, one, 1);
  const [a, b] = [left, right].map(({ kind }) => (kind === "any" ? "number" : kind));
  const kind = COUNTED.get(a + sign + b);
  if (!kind) throw new Mismatch(`${TAKES[left.kind][0]} ${sign} ${TAKES[right.kind][0]} means nothing`);
  const asks = left.asks || right.asks;
  const sum = SUMS[sign]!;
  const doubles = (at: Spot) => sum(double(left.get(at)), double(right.get(at)));
  if (kind === "number") return { kind, asks, get: (at) => known(doubles(at)) };
  if (sign === "*" || sign === "/") {
    return { kind, asks, get: (at) => {
      const exact = round(doubles(at));
      return Math.abs(exact) < Number(LIMIT) ? whole(BigInt(exact)) : null;
    } };
  }
  return { kind, asks, get: (at) => {
    const [first, second] = [left.get(at), right.get(at)] as Whole[];
    if (first == null || second == null) return null;
    if (typeof first === "number" && typeof second === "number" && Number.isSafeInteger(sum(first, second))) return sum(first, second);
    const exact = sign === "+" ? BigInt(first) + BigInt(second) : BigInt(first) - BigInt(second);
    return exact < LIMIT && exact >= -LIMIT ? whole(exact) : null;
  } };
}

function readCounted(sign: string, operand: Operand, beside: Operand, side: 0 | 1): Operand {
  if (typeof operand.value !== "string" || operand.kind !== "text" || beside.kind !== "moment") return read(operand, beside.kind, named(beside), side);
  const value = sign === "-" ? momentOf(operand.value) : undefined;
  return value === undefined ? read(operand, "duration", "this", side) : literal("moment", value);
}

/** An operand with a minus before it. */
export function negated(operand: Operand): Operand {
  const { kind, value } = operand;
  if (kind === "text" || kind === "boolean" || kind === "moment") throw new Mismatch("only numbers and durations have a minus");
  if (value !== undefined) return literal(kind, typeof value === "bigint" ? whole(-value) : -(value as number));
  return counted("-", literal(kind === "duration" ? kind : "number", 0), operand);
}

/** NaN for what is no number. */
function double(item: Item): number {
  return typeof item === "number" || typeof item === "bigint" ? Number(item) : NaN;
}

function known(number: number): number | null {
  return Number.isNaN(number) ? null : number;
}

function kindOf(item: Item): string {
  return typeof item === "bigint" ? "number" : typeof item;
}

const SIGNS: Record<string, (one: Whole | string, other: Whole | string) => boolean> = {
  "==": (one, other) => one === other, "!=": (one, other) => one !== other, "<": (one, other) => one < other, "<=": (one, other) => one <= other,
  ">": (one, other) => one > other, ">=": (one, other) => one >= other,
};

export function comparison(sign: string, left: Operand, right: Operand): Test {
  const plainly = SIGNS[sign]!;
  const equals = sign[1] === "=" && sign !== "<=" && sign !== ">=";
  return (at) => {
    const one = left.get(at);
    const other = right.get(at);
    if (typeof one === typeof other && (typeof one === "number" || typeof one === "bigint" || (equals && typeof one === "string"))) return plainly(one, other as Whole | string);
    if (one == null || other == null) return undefined;
    const kind = kindOf(one);
    const ordered = kind === "number" || kind === "string";
    const order = kind !== kindOf(other) ? NaN : kind === "number" ? ofNumbers(one as Whole, other as Whole) : kind === "string" ? ofTexts(one as string, other as string) : same(one, other) ? 0 : NaN;
    return equals || (ordered && !Number.isNaN(order)) ? plainly(order, 0) : undefined;
  };
}

function ofNumbers(one: Whole, other: Whole): number {
  // As doubles where one of the two is one.
  const [a, b] = typeof one === typeof other ? [one, other] : [Number(one), Number(other)];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By code points: JavaScript would put U+FFFD behind an emoji. */
function ofTexts(one: string, other: string): number {
  if (one === other) return 0;
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  return (one.codePointAt(at) ?? -1) - (other.codePointAt(at) ?? -1);
}

/** Of two arrays, maps or truths; the order of keys says nothing. */
function same(one: Item, other: Item): boolean {
  const [a, b] = [one, other].map((item) => JSON.stringify(item, (_, each) => (each && typeof each === "object" && !Array.isArray(each) ? Object.entries(each).sort() : each)));
  return a === b;
}

/** Whether an operand equals one of the values. */
export function among(operand: Operand, values: Item[]): Test {
  const exact = new Set(values);
  const doubles = new Set(values.filter((value) => typeof value === "bigint").map(Number));
  return (at) => {
    const item = operand.get(at);
    if (item == null) return undefined;
    return exact.has(item) || (typeof item === "number" ? doubles.has(item) : typeof item === "bigint" && exact.has(Number(item)));
  };
}
