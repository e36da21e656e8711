"""Spans of calls and of models: bars, rows and tips say what was done, and the panel shows the conversation, as text whatever it is."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.lab import InspectorOnPage, Notebook

Make = Callable[..., Notebook]

AGENT = r"""
import json
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
tracer = trace.get_tracer("app")
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEUlEQVR4nGP4z8DA8B+MEBQAQdMF+08zgXEAAAAASUVORK5CYII="
system = "You are a weather service. <img src=x onerror=alert(1)>" + " Be kind." * 100
asked = [
    {"role": "system", "content": system},
    {"role": "user", "content": "How is the weather in \u202eParis\x1b[31m?"},
]
call = {"role": "assistant", "parts": [
    {"type": "tool_call", "id": "1", "name": "get_weather", "arguments": {"city": "Paris", "days": 2}}]}
result = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "1", "response": {"sky": "sunny"}}]}
answer = {"role": "assistant", "parts": [{"type": "text", "content": "It is sunny in Paris."}]}
def chat(messages, answer, **more):
    usage = {"gen_ai.usage.input_tokens": 1204, "gen_ai.usage.output_tokens": 310, "gen_ai.usage.cost": 0.0123}
    with tracer.start_as_current_span("chat gpt-4o", kind=SpanKind.CLIENT, attributes={
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", **usage,
            "gen_ai.input.messages": json.dumps(messages), "gen_ai.output.messages": json.dumps([answer])}):
        with tracer.start_as_current_span("POST", kind=SpanKind.CLIENT, attributes={
                "http.request.method": "POST", "url.full": "https://api.example.com/v1/chat?key=1",
                "http.response.status_code": 200}):
            pass
with tracer.start_as_current_span("invoke_agent weather", attributes={
        "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "weather"}):
    chat(asked, call)
    with tracer.start_as_current_span("execute_tool get_weather", attributes={
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_weather",
            "gen_ai.tool.call.arguments": '{"city": "Paris", "days": 2}', "gen_ai.tool.call.result": '{"sky": "sunny"}'}):
        with tracer.start_as_current_span("SELECT", kind=SpanKind.CLIENT, attributes={
                "db.system": "sqlite", "db.statement": "SELECT * FROM forecasts WHERE city = ?"}):
            pass
    chat([*asked, call, result], answer)
with tracer.start_as_current_span("GET", kind=SpanKind.CLIENT, attributes={
        "http.method": "GET", "http.url": "http://localhost:8000/users/7", "http.status_code": 503}) as span:
    span.set_status(StatusCode.ERROR)
with tracer.start_as_current_span("values", attributes={
        "losses": [i / 10 for i in range(100)], "config": json.dumps({"layers": [64, 64], "name": "<b>net</b>"}),
        "frame": "   a  b\n0  1  2\n1  3  4", "plot": "data:image/png;base64," + PNG}):
    pass
"""

NAMES = [
    *("agent weather", "chat gpt-4o", "POST api.example.com/v1/chat", "tool get_weather"),
    *(
        "SELECT forecasts",
        "chat gpt-4o",
        "POST api.example.com/v1/chat",
        "GET /users/7 503",
    ),
    "values",
]


def opened(notebook: Make, code: str = AGENT, spans: int = 10) -> InspectorOnPage:
    """The inspector of a cell of so many spans, all of whose details have come, with all of them open."""
    book = notebook("%load_ext nbtrace\nimport nbtrace", code.strip(), "nbtrace.view(cell=2)")
    book.run(0, 1, 2)
    inspector = book.inspector()
    inspector.until(f"s.trace.count === {spans} && s.details.size === {spans}")
    inspector.key("]")
    inspector.until(f"s.lines.count === {spans}")
    return inspector


def select(inspector: InspectorOnPage, title: str, number: int = 0) -> None:
    rows = "[...Array(s.trace.count).keys()].filter(r => s.trace.titleOf(r).startsWith"
    inspector.ask(f"(s.select({rows}({title!r}))[{number}], true), 0)")


def test_bars_and_rows_say_what_was_done(notebook: Make) -> None:
    """A caption stands in place of the name, in the rows, beside the pointer and in the panel's title; either is found."""
    inspector = opened(notebook)
    assert inspector.names()[1:] == NAMES
    canvas = inspector.element.locator("canvas.nbt-canvas")
    canvas.hover(position={"x": 60, "y": 22 + 8 * 22 + 11})
    inspector.element.get_by_role("tooltip").locator("strong").get_by_text("✗ GET /users/7 503").wait_for()
    canvas.hover(position={"x": 60, "y": 22 + 9 * 22 + 11})
    tip = inspector.element.get_by_role("tooltip")
    tip.get_by_text("100 floats, 0 … 9.9, mean 4.95").wait_for()
    assert tip.evaluate("tip => [...tip.querySelectorAll('dt')].every(key => key.scrollWidth <= key.offsetWidth)")
    select(inspector, "GET /users")
    panel = inspector.element.get_by_role("complementary")
    panel.get_by_role("heading", name="GET /users/7 503").wait_for()
    assert "GET" in panel.locator(".nbt-facts").first.inner_text().split("\n")
    search = inspector.element.get_by_role("searchbox")
    for typed, found in (("select forecasts", 1), ("GET /users/7 503", 1), ("execute_tool", 1)):
        search.fill(typed)
        inspector.until(f"s.finder.found.length === {found} && !s.finder.searching")


def test_a_call_of_a_model_is_a_conversation(notebook: Make) -> None:
    """Roles, tool calls with what they were given and gave, long texts folded; markup and codes are letters."""
    inspector = opened(notebook)
    select(inspector, "chat gpt-4o", 1)
    panel = inspector.element.get_by_role("complementary")
    talk = panel.get_by_role("region", name="Conversation")
    talk.wait_for()
    assert talk.locator(".nbt-role").all_inner_texts() == ["system", "user", "assistant", "tool", "assistant"]
    texts = talk.locator(".nbt-words").all_inner_texts()
    assert texts[0].startswith("You are a weather service. <img src=x onerror=alert(1)> Be kind.")
    assert texts[0].endswith("…")
    assert texts[1:] == [
        *(
            "How is the weather in Paris?",
            '{\n  "city": "Paris",\n  "days": 2\n}',
            '{\n  "sky": "sunny"\n}',
            "It is sunny in Paris.",
        ),
    ]
    assert talk.locator(".nbt-called").all_inner_texts() == ["→ get_weather", "← get_weather"]
    assert talk.locator("img").count() == 0
    talk.get_by_role("button", name="all 955 characters").click()
    talk.get_by_role("button", name="less").wait_for()
    assert talk.locator(".nbt-words").first.inner_text().endswith("Be kind.")
    # What is told there stands among the attributes no more, but can be had.
    assert panel.locator("section").filter(has_text="Attributes").get_by_text("gen_ai.input.messages").count() == 0
    panel.get_by_text("Conversation as attributes").click()
    panel.get_by_role("rowheader", name="gen_ai.input.messages").wait_for()
    select(inspector, "tool get_weather")
    panel.get_by_role("region", name="Tool call").locator(".nbt-called").nth(1).wait_for()


def test_values_are_told_by_their_shape(notebook: Make) -> None:
    """Numbers in a few words, JSON and tables unfolded, a small picture as one."""
    inspector = opened(notebook)
    select(inspector, "values")
    panel = inspector.element.get_by_role("complementary")
    panel.get_by_text("100 floats, 0 … 9.9, mean 4.95").wait_for()
    panel.get_by_role("button", name="JSON, 2 keys").click()
    panel.locator("pre.nbt-text").get_by_text('"name": "<b>net</b>"').wait_for()
    panel.get_by_role("button", name="table, 2 rows × 2 columns").click()
    assert panel.locator("pre.nbt-wide").inner_text() == "   a  b\n0  1  2\n1  3  4"
    picture = panel.get_by_role("img", name="PNG picture, 2 × 3")
    picture.wait_for()
    assert picture.evaluate("image => [image.complete, image.naturalWidth, image.naturalHeight]") == [True, 2, 3]


HOSTILE = r"""
import json
many = [{"role": "user", "content": f"no. {n}"} for n in range(1500)]
attached = [
    {"type": "input_audio", "input_audio": {"data": "AAAA" * 500, "format": "wav"}}, {"type": "file", "file": {"file_data": "JVBERi0x"}},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}, {"type": "image_url", "image_url": {"url": "javascript:alert(1)"}},
    {"type": "image_url", "image_url": {"url": "data:image/svg+xml,<svg onload=alert(1)>"}}, {"type": "blob", "mime_type": "image/png", "content": "iVBORw0K"},
]
values = [
    True, -1, 2**63, float("nan"), "", "x" * 100_000, "\ud800", "a\x00b\x1b[31mred\r\n", "\u202eevil\u2066x", "<script>alert(1)</script>", '"quoted"', "{", '{"a":' * 50 + "1" + "}" * 50,
    "[" * 30_000 + "]" * 30_000, json.dumps(many), json.dumps([{"role": "wizard\u202e" * 40, "content": attached}]), json.dumps([{"role": {"a": 1}, "content": [[1], None]}]),
    json.dumps([{"role": "assistant", "tool_calls": [{"function": {"name": "f" * 300, "arguments": "{"}}, {}, None]}, {"role": "tool", "content": "r" * 5000}]),
    [1.5, float("nan")] * 50, {"a": {"b": [1]}}, b"\xff", ["a", None], "\u6771\u4eac" * 3000, "data:image/png;base64," + "A" * 90_000, "   a  b\n" + "\n".join(f"{n}  1  2" for n in range(2000)),
]
keys = [
    *("gen_ai.input.messages", "gen_ai.output.messages", "mlflow.spanInputs", "llm.input_messages.0.message.content", "gen_ai.tool.call.result"),
    *("gen_ai.request.model", "gen_ai.usage.input_tokens", "gen_ai.usage.cost", "db.statement", "url.path", "logfire.msg", "openinference.span.kind"),
]
for n, value in enumerate(values):
    marks = {"gen_ai.operation.name": "chat", "db.system": "sqlite", "http.method": "GET"}
    with nbtrace.span(f"hostile {n}", **marks | dict.fromkeys([*keys[n % 2 :: 2], f"own.{n}"], value)) as span:
        span.add_event("gen_ai.choice", {"message": value if isinstance(value, str) else "x"})
"""


UNFOLD = """panel => {
  panel.querySelectorAll("button[aria-expanded=false]").forEach((button) => button.click());
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""


def test_whatever_stands_in_attributes_the_panel_stands(notebook: Make) -> None:
    """No script fails, nothing is markup, no picture is asked for that is none, and the layout holds."""
    inspector = opened(notebook, HOSTILE, 26)
    panel = inspector.element.get_by_role("complementary")
    for number in range(1, 26):
        inspector.ask(f"(s.select({number}, true), 0)")
        panel.get_by_role("heading", level=3).first.wait_for()
        panel.locator(".nbt-facts").first.wait_for()
        panel.evaluate(UNFOLD)
        box = panel.evaluate(
            "panel => [panel.scrollWidth - panel.clientWidth, panel.querySelectorAll('img, script, svg[onload]').length]"
        )
        assert box == [0, 0], (number, box)
        assert inspector.element.get_by_text("could not be drawn").count() == 0
    assert inspector.ask("s.trace.count") == 26
