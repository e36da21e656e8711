// Conversations with models, as instrumentations have sent them and as they might.

import assert from "node:assert/strict";
import { test } from "node:test";
import sent from "../../../../tests/analysis/captions/instrumentations.json";
import { type Conversation, FIRST, LAST, conversationOf } from "../src/engine/conversation";
import { shapeOf } from "../src/engine/shapes";
import { pretty } from "../src/engine/texts";
import type { Noted } from "../src/engine/details";

const of = (attributes: Record<string, unknown>, events: Noted[] = []) => conversationOf({ attributes, events });
/** Role and texts, calls with → and results with ←. */
const told = (talk?: Conversation) => talk?.messages.map(({ role, parts }) => `${role}: ${parts.map(({ kind, name, text }) => `${kind === "call" ? `→${name} ` : kind === "result" ? `←${name} ` : ""}${text.replace(/\s+/g, " ")}`).join(" | ")}`);

const FIRST_CALL = [
  "system: You are a weather service.",
  "user: How is the weather in Paris?",
  'assistant: →get_weather { "city": "Paris", "days": 2 }',
];
const SECOND_CALL = [...FIRST_CALL, 'tool: ←get_weather { "sky": "sunny", "celsius": 21 }', "assistant: It is sunny in Paris."];

for (const library of ["openinference-instrumentation-openai", "opentelemetry-instrumentation-openai"]) {
  test(`what ${library} sends is the same conversation`, () => {
    const [first, second, embeds, fails] = sent.find(({ versions }) => library in versions)!.spans.map(({ attributes }) => of(attributes as Record<string, unknown>));
    assert.deepEqual(told(first), FIRST_CALL);
    assert.deepEqual(told(second), SECOND_CALL);
    assert.deepEqual(told(embeds), [library.startsWith("openinf") ? "text: Paris" : "user: Paris"]);
    assert.deepEqual(told(fails), FIRST_CALL.slice(0, 2));
  });
}

test("what MLflow, Pydantic AI and others send is the same conversation", () => {
  const of_ = (opted: string, ...packages: string[]) => sent.find(({ versions, opted: own, spans }) => own === opted && packages.every((each) => each in versions) && (packages.length > 1 || Object.keys(versions).length === 1) && spans.length)!
    .spans.map(({ attributes }) => of(attributes as Record<string, unknown>));
  const asked = FIRST_CALL.slice(0, 2);
  const openai = of_("", "mlflow-tracing", "openai");
  assert.deepEqual([0, 1, 2, 4, 5].map((at) => told(openai[at])), [FIRST_CALL, SECOND_CALL, SECOND_CALL, asked, SECOND_CALL], "in one piece, in many, failed, and by the responses API");
  const latest = of_("gen_ai_latest_experimental", "opentelemetry-instrumentation-openai-v2", "openai");
  assert.deepEqual(latest.map(told), [FIRST_CALL, SECOND_CALL, SECOND_CALL, undefined, asked]);
  assert.deepEqual(of_("gen_ai", "mlflow-tracing", "openai").map(told), [FIRST_CALL, SECOND_CALL, SECOND_CALL, undefined, asked, SECOND_CALL]);
  assert.deepEqual(of_("", "mlflow-tracing", "anthropic").map(told), [
    [...asked, `assistant: I shall look. | ${FIRST_CALL[2]!.slice(11)}`],
    [...asked, `assistant: I shall look. | ${FIRST_CALL[2]!.slice(11)}`, SECOND_CALL[3]!.replace("tool", "user"), SECOND_CALL[4]],
  ]);
  for (const chain of [of_("", "mlflow-tracing", "langchain-openai"), of_("", "openinference-instrumentation-langchain", "langchain-openai")]) {
    assert.deepEqual([0, 1, 2, 3, 5].map((at) => told(chain[at])), [
      FIRST_CALL, ['input: {"city": "Paris", "days": 2}', SECOND_CALL[3]], SECOND_CALL,
      ["input: How is the weather in Paris?", "output: It is sunny in Paris."], ["input: weather?", "document: Paris is sunny.", "document: Rome is not."],
    ]);
  }
  for (const run of [of_("version=2", "pydantic-ai-slim"), of_("", "pydantic-ai-slim")]) {
    const all = [...SECOND_CALL.slice(0, 3), SECOND_CALL[3]!.replace("tool", "user"), SECOND_CALL[4]];
    assert.deepEqual(run.map(told), [FIRST_CALL, ['call: →get_weather { "city": "Paris", "days": 2 }', 'result: ←get_weather { "sky": "sunny", "celsius": 21 }'], all, all]);
    assert.deepEqual(run.map((talk) => talk!.title), ["Conversation", "Tool call", "Conversation", "Conversation"]);
  }
  assert.deepEqual(told(of({ "gen_ai.tool.call.result": "sunny" })), ["result: ←tool sunny"], "a tool without a name");
  assert.equal(of({ tool_arguments: "{}" }), undefined, "somebody's own attribute");
  assert.deepEqual(told(of({ "mlflow.spanInputs": '"a", "b"' })), ['input: "a", "b"'], "a text in quotes is one in JSON alone");
});

test("other forms are the same conversation", () => {
  const messages = [
    { role: "system", content: "You are a weather service." }, { role: "user", content: [{ type: "text", text: "How is the weather in Paris?" }] },
    { role: "assistant", content: null, tool_calls: [{ id: "1", function: { name: "get_weather", arguments: '{"city": "Paris", "days": 2}' } }] },
    { role: "tool", tool_call_id: "1", content: '{"sky": "sunny", "celsius": 21}' },
  ];
  const answer = { choices: [{ message: { role: "assistant", content: "It is sunny in Paris." } }] };
  const json = JSON.stringify;
  assert.deepEqual(told(of({ "mlflow.spanInputs": json({ model: "m", messages }), "mlflow.spanOutputs": json(answer) })), SECOND_CALL);
  assert.deepEqual(told(of({ "openinference.span.kind": "LLM", "input.value": json({ messages }), "output.value": json(answer) })), SECOND_CALL);
  assert.deepEqual(told(of({ "gen_ai.input.messages": messages, "gen_ai.output.messages": [{ role: "assistant", parts: [{ type: "text", content: "It is sunny in Paris." }] }] })), SECOND_CALL);
  const events: Noted[] = [
    ["gen_ai.system.message", "0", { content: "You are a weather service." }], ["gen_ai.user.message", "0", { content: "How is the weather in Paris?" }],
    ["gen_ai.choice", "0", { index: 0, message: json(messages[2]), finish_reason: "tool_calls" }],
  ];
  assert.deepEqual(told(of({ "gen_ai.operation.name": "chat" }, events)), FIRST_CALL);
  assert.deepEqual(told(of({
    "gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": "You are a weather service.", "gen_ai.prompt.1.role": "user", "gen_ai.prompt.1.content": "How is the weather in Paris?",
    "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.tool_calls.0.name": "get_weather", "gen_ai.completion.0.tool_calls.0.arguments": '{"city": "Paris", "days": 2}',
  })), FIRST_CALL);
  const anthropic = [{ role: "user", content: "How is the weather in Paris?" }, { role: "assistant", content: [{ type: "tool_use", id: "1", name: "get_weather", input: { city: "Paris", days: 2 } }] }];
  assert.deepEqual(told(of({ "openinference.span.kind": "LLM", "input.value": json({ system: "You are a weather service.", messages: anthropic }) })), FIRST_CALL);
  const chain = [[{ lc: 1, id: ["x", "HumanMessage"], kwargs: { content: "How is the weather in Paris?" } }]];
  assert.deepEqual(told(of({ "openinference.span.kind": "LLM", "input.value": json({ messages: chain }) })), FIRST_CALL.slice(1, 2));
});

test("instructions, tools, documents and chains are told as what they are", () => {
  const instructed = of({ "gen_ai.system_instructions": '[{"type": "text", "content": "Be brief."}]', "gen_ai.input.messages": '[{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]' });
  assert.deepEqual(told(instructed), ["system: Be brief.", "user: Hi"]);
  const tool = of({ "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather", "gen_ai.tool.call.arguments": '{"city":"Paris"}', "gen_ai.tool.call.result": "sunny" });
  assert.deepEqual([tool!.title, ...told(tool)!], ["Tool call", 'call: →get_weather { "city": "Paris" }', "result: ←get_weather sunny"]);
  const documents = of({
    "openinference.span.kind": "RETRIEVER", "input.value": "weather?", "retrieval.documents.0.document.content": "Paris is sunny.", "retrieval.documents.0.document.score": 0.8312, "retrieval.documents.0.document.metadata": "{}",
  });
  assert.deepEqual([documents!.title, ...told(documents)!], ["Documents", "input: weather?", "document: document · 0.831 | Paris is sunny."]);
  assert.deepEqual([documents!.tells("retrieval.documents.0.document.content"), documents!.tells("retrieval.documents.0.document.metadata")], [true, false]);
  const chain = of({ "openinference.span.kind": "CHAIN", "input.value": "weather?", "output.value": "sunny" });
  assert.deepEqual([chain!.title, ...told(chain)!], ["Input and output", "input: weather?", "output: sunny"]);
});

test("what is no conversation has none", () => {
  for (const attributes of [{}, { "input.value": "x" }, { "http.request.method": "GET" }, { "gen_ai.operation.name": "chat" }, { "gen_ai.input.messages": "" }]) assert.equal(of(attributes), undefined);
});

test("malformed JSON is text, and of a text that was cut the whole messages are read", () => {
  assert.deepEqual(told(of({ "gen_ai.input.messages": '[{"role": "user", "content": <b>hi</b>' })), ['user: [{"role": "user", "content": <b>hi</b>']);
  const cut = of({ "gen_ai.input.messages": '[{"role": "user", "content": "hi"}, {"role": "assis… [+70,000 characters]' });
  assert.deepEqual([cut!.cut, told(cut)], [true, ["user: hi"]]);
});

test("ten thousand messages are counted, and the first and the last are told", () => {
  const attributes: Record<string, unknown> = {};
  for (let at = 0; at < 10_000; at++) {
    attributes[`llm.input_messages.${at}.message.role`] = "user";
    attributes[`llm.input_messages.${at}.message.content`] = `no. ${at}`;
  }
  const began = performance.now();
  const talk = of(attributes)!;
  assert.ok(performance.now() - began < 500);
  assert.deepEqual([talk.count, talk.messages.length, talk.gap], [10_000, FIRST + LAST, FIRST]);
  assert.deepEqual([talk.messages[0]!.parts[0]!.text, talk.messages[FIRST]!.parts[0]!.text], ["no. 0", `no. ${10_000 - LAST}`]);
});

test("JSON that is nested without end is neither indented nor read to it", () => {
  const deep = "[".repeat(30_000) + "]".repeat(30_000);
  const began = performance.now();
  for (const key of ["gen_ai.tool.call.result", "mlflow.spanOutputs", "gen_ai.input.messages"]) {
    const { text } = of({ "openinference.span.kind": "LLM", [key]: deep })!.messages[0]!.parts[0]!;
    assert.ok(text.length <= deep.length && text.startsWith("[[["), key);
  }
  assert.equal(shapeOf(deep)?.text?.length, deep.length);
  assert.ok(performance.now() - began < 500);
  assert.equal(pretty([[1]]), "[\n  [\n    1\n  ]\n]");
});

test("what people attach is told as what it is", () => {
  const parts = [
    { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }, { type: "file", file: { filename: "a.pdf" } }, { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
    { type: "blob", modality: "image", mime_type: "image/png", content: "AAAA" }, { type: "uri", uri: "https://example.com/y.png" }, { type: "nope" },
  ];
  const [message] = of({ "gen_ai.input.messages": JSON.stringify([{ role: "wizard", content: parts }]) })!.messages;
  assert.deepEqual([message!.role, ...message!.parts.map(({ kind, text }) => `${kind} ${text.replace(/\s+/g, " ")}`)], [
    "wizard", 'other { "type": "input_audio", "input_audio": { "data": "AAAA", "format": "wav" } }', 'other { "type": "file", "file": { "filename": "a.pdf" } }', "other data:image/png;base64,AAAA",
    "other data:image/png;base64,AAAA", "other https://example.com/y.png", 'other { "type": "nope" }',
  ]);
  const calls = of({ "gen_ai.output.messages": JSON.stringify([{ role: "assistant", tool_calls: [{ function: { name: "f", arguments: "{" } }, {}, null, 3] }, { role: "tool", content: "r" }]) });
  assert.deepEqual(told(calls), ["assistant: →f { | →tool ", "tool: ← r"], "calls without ids, and some that are none");
});

test("whatever stands in messages, nothing raises", () => {
  const hostile: unknown[] = [
    null, 0, "", "{", "[[[[[[[[[[[[]]]]]]]]]]]]", '{"messages": 3}', '{"choices": [null, 7, "x"]}', '[{"role": {"a": 1}, "content": [[1], null, {"type": 5}]}]', '{"__proto__": {"role": "x"}}',
    '[{"role": "tool", "content": {"deep": [1]}, "tool_calls": [null, {"function": null}, {}]}]', { $: "nan" }, [1, [2]], "[".repeat(30_000), "\ud800", { toString: 1, valueOf: 2 }, '[{"role": "__proto__", "content": "x"}]', '[{"role": "constructor"}]',
  ];
  const keys = ["gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "llm.input_messages.0.message.content", "llm.input_messages.999999999.message.tool_calls.0.tool_call.function.name",
    "gen_ai.tool.call.arguments", "mlflow.spanInputs", "input.value", "retrieval.documents.0.document.score", "gen_ai.prompt", "gen_ai.prompt.0.tool_calls", "openinference.span.kind", "mlflow.spanType", "mlflow.spanOutputs", "tool_arguments", "gen_ai.tool.name", "pydantic_ai.all_messages"];
  for (const item of hostile) {
    for (const key of keys) {
      const talk = of({ "openinference.span.kind": "LLM", [key]: item }, [["gen_ai.choice", "0", { message: item as string }], ["gen_ai.user.message", "0", {}]]);
      for (const { role, parts } of talk?.messages ?? []) assert.ok(typeof role === "string" && parts.every(({ text, name }) => typeof text === "string" && (name === undefined || typeof name === "string")));
    }
  }
});
