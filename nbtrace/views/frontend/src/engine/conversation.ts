// What was said to a language model and by it, read from a span's attributes and events: by OpenTelemetry's conventions for generative AI,
// those of today and the older ones, by OpenInference's, Traceloop's and MLflow's. Whatever stands there, it is texts in the end.

import type { Details } from "./details";
import { leftOut, pretty, unpacked } from "./texts";
import { isMarked } from "./words";

export interface Part {
  kind: "text" | "reasoning" | "call" | "result" | "other";
  text: string;
  /** Of a call or its result: the tool. */
  name?: string;
}

export interface Message {
  role: string;
  parts: Part[];
}

export interface Conversation {
  title: string;
  /** How many there are; of many, the first and the last are among `messages`. */
  count: number;
  messages: Message[];
  /** How many messages there are before those that were left out; -1 where none was. */
  gap: number;
  /** Whether the recording had cut a text in which messages stood: later ones are missing. */
  cut: boolean;
  /** Whether a key of attributes, or the name of an event, is told of here. */
  tells: (key: string) => boolean;
}

export const FIRST = 10;
export const LAST = 90;

type Fields = Map<string, unknown>;
type Bag = Record<string, unknown>;

const FLAT = /^(llm\.input_messages|llm\.output_messages|gen_ai\.prompt|gen_ai\.completion|retrieval\.documents|embedding\.embeddings|llm\.prompts|llm\.completions)\.(\d{1,9})\.(.+)$/;
const EVENT = /^gen_ai\.(?:(system|user|assistant|tool)\.message|choice|content\.prompt|content\.completion|client\.inference\.operation\.details)$/;
const ROLES: Record<string, string> = { human: "user", ai: "assistant", model: "assistant", function: "tool" };
/** What tools were given and gave, by OpenTelemetry's conventions and as Pydantic AI wrote it before. */
const TOOL = [["gen_ai.tool.call.arguments", "call"], ["tool_arguments", "call"], ["gen_ai.tool.call.result", "result"], ["tool_response", "result"]] as const;
const TITLES = { talk: "Conversation", tool: "Tool call", documents: "Documents", io: "Input and output" };

/** The conversation of a span; undefined for one that holds none. */
export function conversationOf({ attributes, events }: Pick<Details, "attributes" | "events">): Conversation | undefined {
  const told = new Set<string>();
  const names = new Map<string, string>(); // of tools by the ids of their calls
  let cut = false;
  let title = TITLES.talk;
  const flat = flattened(attributes);

  const json = (key: string, role: string): Message[] | undefined => {
    const item = attributes[key];
    if (item == null || item === "" || isMarked(item)) return undefined;
    told.add(key);
    if (typeof item === "string" && leftOut(item)) cut = true;
    return read(typeof item === "string" ? unquoted(item) : item, role, names);
  };
  const first = (...sources: (() => Message[] | undefined)[]): Message[] => {
    for (const source of sources) {
      const found = source();
      if (found?.length) return found;
    }
    return [];
  };
  const group = (key: string, role: string) => () => {
    const found = flat.get(key);
    return found && [...found].sort(([a], [b]) => a - b).map(([, fields]) => ofFields(fields, role, names));
  };
  const raw = (key: string, role: string) => () => (isOfModels(attributes) ? json(key, role) : undefined);

  const messages = [...(json("gen_ai.system_instructions", "system") ?? [])];
  for (const [key, kind] of TOOL) {
    if (attributes[key] === undefined || !(key[0] === "g" || "gen_ai.tool.name" in attributes)) continue;
    title = TITLES.tool;
    told.add(key);
    messages.push({ role: kind, parts: [{ kind, name: text(attributes["gen_ai.tool.name"]) || "tool", text: pretty(plainly(attributes[key])) }] });
  }
  const kind = kindOf(attributes);
  messages.push(...first(
    () => json("gen_ai.input.messages", "user"),
    () => json("pydantic_ai.all_messages", "user"),
    group("llm.input_messages", "user"),
    group("gen_ai.prompt", "user"),
    () => ofEvents(events, false, names),
    group("llm.prompts", "user"),
    () => (typeof attributes["gen_ai.prompt"] === "string" ? json("gen_ai.prompt", "user") : undefined),
    group("embedding.embeddings", "text"),
    raw("mlflow.spanInputs", "input"),
    raw("input.value", "input"),
    raw("traceloop.entity.input", "input"),
  ));
  messages.push(...first(
    () => json("gen_ai.output.messages", "assistant"),
    group("llm.output_messages", "assistant"),
    group("gen_ai.completion", "assistant"),
    () => ofEvents(events, true, names),
    group("llm.completions", "assistant"),
    () => (typeof attributes["gen_ai.completion"] === "string" ? json("gen_ai.completion", "assistant") : undefined),
    group("retrieval.documents", "document"),
    () => (flat.has("embedding.embeddings") ? undefined : first(raw("mlflow.spanOutputs", "output"), raw("output.value", "output"), raw("traceloop.entity.output", "output"))),
  ));
  if (!messages.length) return undefined;
  if (messages.some(({ role }) => role === "document")) title = TITLES.documents;
  else if (kind === "tool") title = TITLES.tool;
  else if (title === TITLES.talk && messages.every(({ role }) => role === "input" || role === "output" || role === "text")) title = TITLES.io;
  // What a library sends beside the messages is the same once more.
  if (title === TITLES.talk || title === TITLES.documents) for (const key of ["input.mime_type", "output.mime_type"]) told.add(key);
  const both = [...flat].filter(([key]) => key !== "embedding.embeddings" && key !== "retrieval.documents").map(([key]) => `${key}.`);
  const tells = (key: string) => told.has(key) || EVENT.test(key) || both.some((each) => key.startsWith(each)) || /^(retrieval\.documents\.\d+\.document\.(content|id|score)|embedding\.embeddings\.\d+\.embedding\.text)$/.test(key);
  const many = messages.length > FIRST + LAST;
  return {
    title, count: messages.length, cut, tells,
    messages: many ? [...messages.slice(0, FIRST), ...messages.slice(-LAST)] : messages,
    gap: many ? FIRST : -1,
  };
}

function kindOf(attributes: Bag): string {
  return text(attributes["openinference.span.kind"] ?? attributes["traceloop.span.kind"] ?? attributes["mlflow.spanType"]).replaceAll('"', "").toLowerCase();
}

function isOfModels(attributes: Bag): boolean {
  return kindOf(attributes) !== "" || "gen_ai.operation.name" in attributes || "mlflow.spanInputs" in attributes;
}

/** Attributes that are numbered, by what and by number. */
function flattened(attributes: Bag): Map<string, Map<number, Fields>> {
  const found = new Map<string, Map<number, Fields>>();
  for (const key of Object.keys(attributes)) {
    const parts = FLAT.exec(key);
    if (!parts) continue;
    const [, what, at, field] = parts as unknown as [string, string, string, string];
    let group = found.get(what);
    if (!group) found.set(what, (group = new Map()));
    let fields = group.get(Number(at));
    if (!fields) group.set(Number(at), (fields = new Map()));
    fields.set(field.replace(/^(message|document|embedding|prompt|completion)\./, ""), attributes[key]);
  }
  return found;
}

/** A message of numbered attributes: role, content, contents.N…, tool_calls.N…. */
function ofFields(fields: Fields, role: string, names: Map<string, string>): Message {
  const calls = new Map<string, Bag>();
  const parts: Part[] = [];
  const contents: [number, string, unknown][] = [];
  for (const [key, item] of fields) {
    const call = /^tool_calls\.(\d{1,6})\.(?:tool_call\.)?(?:function\.)?(id|name|arguments)$/.exec(key);
    if (call) calls.set(call[1]!, { ...calls.get(call[1]!), [call[2]!]: item });
    const content = /^contents\.(\d{1,6})\.message_content\.(text|image\.image\.url|type)$/.exec(key);
    if (content && content[2] !== "type") contents.push([Number(content[1]), content[2]!, item]);
  }
  const id = fields.get("tool_call_id");
  const called = text(fields.get("role")) || role;
  const said = fields.get("content") ?? fields.get("text");
  if (said != null && said !== "") {
    if (called === "tool") parts.push({ kind: "result", name: names.get(text(id)) ?? text(fields.get("name")), text: pretty(plainly(said)) });
    else parts.push(...contentParts(typeof said === "string" ? inParts(said) : said, names));
  }
  for (const [, what, item] of contents.sort((a, b) => a[0] - b[0])) parts.push({ kind: what === "text" ? "text" : "other", text: text(item) });
  for (const call of calls.values()) parts.push(ofCall(call, names));
  const score = fields.get("score");
  const label = role === "document" ? ["document", fields.get("id"), typeof score === "number" ? score.toPrecision(3) : ""].map(text).filter(Boolean).join(" · ") : "";
  return { role: label ? "document" : roleOf(called), parts: label && label !== "document" ? [{ kind: "other", text: label }, ...parts] : parts };
}

/** Traceloop writes the parts of a content as JSON. */
function inParts(said: string): unknown {
  if (!/^\s*\[\s*\{\s*"type"/.test(said)) return said;
  return unpacked(said) ?? said;
}

/** What events tell, of what went in or came out. */
function ofEvents(events: Details["events"], out: boolean, names: Map<string, string>): Message[] {
  const found: Message[] = [];
  for (const [name, , attributes] of events ?? []) {
    const kind = EVENT.exec(name);
    if (!kind) continue;
    if (name.endsWith(".operation.details")) {
      for (const key of out ? ["gen_ai.output.messages"] : ["gen_ai.system_instructions", "gen_ai.input.messages"]) {
        if (attributes[key] != null) found.push(...read(attributes[key], out ? "assistant" : key.includes("system") ? "system" : "user", names));
      }
    } else if ((name === "gen_ai.choice" || name === "gen_ai.content.completion") === out) {
      const body = attributes["gen_ai.event.content"] ?? attributes["gen_ai.prompt"] ?? attributes["gen_ai.completion"] ?? attributes["message"] ?? attributes["content"] ?? attributes;
      found.push(...read(body, kind[1] ?? (out ? "assistant" : "user"), names));
    }
  }
  return found;
}

/** Messages of JSON, or of what was carried unpacked, in whatever form an SDK has them; what is none of them is one message with the text. */
function read(item: unknown, role: string, names: Map<string, string>): Message[] {
  const found = typeof item === "string" ? unpacked(item) : item;
  const messages = found === undefined ? undefined : messagesOf(found, role, names, 0);
  return messages?.length ? messages : [{ role, parts: [{ kind: "text", text: typeof item === "string" ? item : pretty(plainly(item)) }] }];
}

const DEEP = 6;
const IS_PART = /^(text|tool_call|tool_use|tool_result|tool_call_response|reasoning|thinking|blob|uri|file|image|image_url|input_text|output_text|refusal)$/;

function messagesOf(item: unknown, role: string, names: Map<string, string>, depth: number): Message[] | undefined {
  if (depth > DEEP || item === null || typeof item !== "object") return undefined;
  if (Array.isArray(item)) {
    if (!item.length) return [];
    // System instructions are the parts of one message.
    if (item.every((each) => isBag(each) && each["role"] === undefined && IS_PART.test(text(each["type"])))) return [{ role, parts: contentParts(item, names) }];
    const all = item.map((each) => (typeof each === "string" ? [{ role, parts: [{ kind: "text" as const, text: each }] }] : messagesOf(each, role, names, depth + 1)));
    return all.some((each) => each === undefined) ? undefined : (all as Message[][]).flat();
  }
  const bag = item as Bag;
  const inner = bag["kwargs"];
  if (isBag(inner) && bag["lc"] !== undefined) return messagesOf({ type: inner["type"] ?? lastOf(bag["id"]), ...inner }, role, names, depth + 1);
  for (const key of ["messages", "choices", "output", "generations", "input"]) {
    if (!Array.isArray(bag[key])) continue;
    const asked = bag["system"] ?? bag["instructions"];
    const system = (key === "messages" || key === "input") && asked != null ? read(asked, "system", names) : [];
    const found = messagesOf(bag[key], role.replace("input", "user").replace("output", "assistant"), names, depth + 1);
    return found && [...system, ...found];
  }
  for (const key of ["message", "data"]) if (isBag(bag[key])) return messagesOf(bag[key], role.replace("output", "assistant"), names, depth + 1);
  if (typeof bag["page_content"] === "string") return [{ role: "document", parts: contentParts(bag["page_content"], names) }];
  if (bag["type"] === "function_call") return [{ role: "assistant", parts: [ofCall({ ...bag, id: bag["call_id"] ?? bag["id"] }, names)] }];
  if (bag["type"] === "function_call_output") return [{ role: "tool", parts: [{ kind: "result", name: names.get(text(bag["call_id"])) ?? "", text: pretty(bag["output"]) }] }];
  const body = bag["parts"] ?? bag["content"] ?? (bag["role"] !== undefined ? bag["text"] : undefined);
  if (body === undefined && !Array.isArray(bag["tool_calls"])) return undefined;
  if (bag["role"] === undefined && bag["parts"] === undefined && bag["type"] === undefined && !Array.isArray(bag["tool_calls"]) && Object.keys(bag).length > 3) return undefined;
  const named = roleOf(text(bag["role"]) || text(bag["type"]) || role);
  const called = named === "message" ? roleOf(role) : named;
  const parts = called === "tool" && (typeof body === "string" || isBag(body))
    ? [{ kind: "result" as const, name: names.get(text(bag["tool_call_id"] ?? bag["id"])) ?? text(bag["name"]), text: pretty(body) }]
    : contentParts(body, names);
  for (const call of Array.isArray(bag["tool_calls"]) ? bag["tool_calls"] : []) if (isBag(call)) parts.push(ofCall(call, names));
  return [{ role: called, parts }];
}

/** The parts of a content: a text, or a list of what may stand in one. */
function contentParts(content: unknown, names: Map<string, string>): Part[] {
  if (content == null || content === "") return [];
  if (typeof content === "string") return [{ kind: "text", text: content }];
  if (!Array.isArray(content)) return [{ kind: "text", text: pretty(plainly(content)) }];
  return content.map((each): Part => {
    if (!isBag(each)) return { kind: "text", text: text(each) };
    const kind = text(each["type"]);
    const said = each["content"] ?? each["text"] ?? each["thinking"] ?? each["refusal"];
    if (kind === "tool_call" || kind === "tool_use") return ofCall(each, names);
    if (kind === "tool_call_response" || kind === "tool_result") {
      const id = text(each["id"] ?? each["tool_use_id"]);
      return { kind: "result", name: names.get(id) ?? text(each["name"]), text: pretty(each["response"] ?? each["result"] ?? said) };
    }
    if (kind === "reasoning" || kind === "thinking") return { kind: "reasoning", text: text(said) };
    if (kind === "blob" && typeof said === "string") return { kind: "other", text: `data:${text(each["mime_type"])};base64,${said}` };
    if (typeof said === "string") return { kind: "text", text: said };
    const url = isBag(each["image_url"]) ? each["image_url"]["url"] : (each["image_url"] ?? each["uri"]);
    if (typeof url === "string") return { kind: "other", text: url };
    return { kind: "other", text: pretty(each) };
  });
}

function ofCall(call: Bag, names: Map<string, string>): Part {
  const inner = isBag(call["function"]) ? call["function"] : call;
  const name = text(inner["name"]) || "tool";
  const id = text(call["id"]);
  if (id) names.set(id, name);
  return { kind: "call", name, text: pretty(plainly(inner["arguments"] ?? inner["input"] ?? inner["args"] ?? "")) };
}

function roleOf(role: string): string {
  const short = role.toLowerCase().replace(/message(chunk)?$/, "") || role;
  return Object.hasOwn(ROLES, short) ? ROLES[short]! : short;
}

function isBag(item: unknown): item is Bag {
  return item !== null && typeof item === "object" && !Array.isArray(item);
}

function lastOf(item: unknown): unknown {
  return Array.isArray(item) ? item[item.length - 1] : undefined;
}

function text(item: unknown): string {
  return item == null ? "" : typeof item === "string" ? item : isMarked(item) ? item.$ : typeof item === "object" ? pretty(item) : String(item);
}

/** MLflow writes each attribute as JSON: a text stands in quotes. */
function unquoted(item: string): string {
  try {
    const found: unknown = /^".*"$/s.test(item) && JSON.parse(item);
    if (typeof found === "string") return found;
  } catch {
    // A text that begins and ends with a quote.
  }
  return item;
}

/** A value without the marks of what JSON cannot hold. */
function plainly(item: unknown): unknown {
  return isMarked(item) ? item.$ : item;
}
