"""`%nbtrace receive`: what another program does for a cell stands below that cell."""

from __future__ import annotations

import concurrent.futures
import itertools
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

import nbtrace
from tests.headless.notebooks import kept, start, write
from tests.kernels.kernel import Kernel, start_kernel
from tests.senders import ask, hostile, post, request, span
from tests.waiting import wait_for

SERVICE = """
import http.server, os, sys
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource({"service.name": "shop", "process.pid": os.getpid()}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("shop", "1.2")

class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/flush":
            provider.force_flush()
        else:
            context = extract({name.lower(): value for name, value in self.headers.items()})
            with tracer.start_as_current_span(f"GET {self.path}", context=context, kind=trace.SpanKind.SERVER):
                with tracer.start_as_current_span("query", attributes={"rows": 3, "db.password": "hunter2!"}) as query:
                    query.record_exception(ValueError("no such price"))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Shop)
print(server.server_port, os.getpid(), flush=True)
server.serve_forever()
"""

STARTS = """
import os, subprocess, sys, urllib.request, nbtrace
from opentelemetry import propagate
env = %nbtrace receive
shop = subprocess.Popen([sys.executable, "-c", {service!r}], env=os.environ | env, stdout=subprocess.PIPE, text=True)
port, pid = map(int, shop.stdout.readline().split())

def call(path):
    headers = {{}}
    propagate.inject(headers)
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{{port}}{{path}}", headers=headers), timeout=60).read()
"""


def opened(kernel: Kernel) -> tuple[str, str]:
    """The endpoint of a receiver that is opened now, and its token."""
    said = kernel.run("print(dict(get_ipython().run_line_magic('nbtrace', 'receive')))").stdout
    found = re.search(r"ENDPOINT=(\S+)\n.*HEADERS=authorization=Bearer%20(\S+)\n", said)
    assert found is not None, said
    return found[1], found[2]


def test_a_service_that_a_cell_calls_nests_below_that_cell(kernel: Kernel) -> None:
    """The stock exporter needs nothing but the variables; its spans come after the cell's end, with their process, service and
    scope, and without what looks like a secret."""
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    started = kernel.run(STARTS.format(service=SERVICE))
    assert started.status == "ok", started
    try:
        kernel.run("with nbtrace.span('ask the shop'): call('/price')")
        kernel.run("call('/stock')")
        kernel.run("call('/flush')")
        assert kernel.tree()[1:] == [
            [
                "cell [3] with nbtrace.span('ask the shop'): call('/price')",
                [["ask the shop", [["GET /price", [["query", []]]]]]],
            ],
            ["cell [4] call('/stock')", [["GET /stock", [["query", []]]]]],
            ["cell [5] call('/flush')", []],
        ]
        query = next(row for row in kernel.rows() if row["name"] == "query")
        assert (query["cell"], query["service_name"], query["scope_name"], query["event_count"]) == (
            3,
            "shop",
            "shop",
            1,
        )
        assert query["process_pid"] == int(kernel.run("print(pid)").stdout)
        assert query["attributes"]["rows"] == 3
        assert "hunter2!" not in str(kernel.rows())
        assert "GET /price" in kernel.run("print(nbtrace.text(cell=3))").stdout
        assert "4 spans came (" in kernel.run("%nbtrace status").stdout
    finally:
        kernel.run("shop.terminate(); shop.wait(); shop.stdout.close()")


def test_the_line_of_curl_runs_as_it_is_printed(kernel: Kernel) -> None:
    """In a shell, as a person copies it; it sends a span that stands in the recording."""
    line = kernel.run("%nbtrace receive").stdout.splitlines()[-1].strip()
    words = shlex.split(line)
    assert words[:2] == ["curl", "-sS"]
    if shutil.which("curl"):
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout, done.stderr) == (0, "{}", "")
    else:
        headers = dict(word.split(": ") for word in words if ": " in word and not word.startswith("{"))
        sent = urllib.request.Request(words[2], words[-1].encode(), headers)
        assert urllib.request.urlopen(sent, timeout=60).read() == b"{}"
    assert [node for node in kernel.tree() if "curl" in node[0]] == [["hello from curl", []]]


MLFLOW = """
import os, mlflow
from mlflow.tracing.distributed import set_tracing_context_from_http_request_headers

@mlflow.trace(name="answer", attributes={"model": "small"})
def answer(question):
    with mlflow.start_span("retrieve") as span:
        span.set_inputs({"question": question})
    return "42"

with set_tracing_context_from_http_request_headers({"traceparent": os.environ["TRACEPARENT"]}):
    answer("what?")
"""

RUNS_MLFLOW = """
import os, subprocess, sys
from opentelemetry import propagate
env = %nbtrace receive
carrier = {{}}
propagate.inject(carrier)
mine = {{"TRACEPARENT": carrier["traceparent"], "MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_DISABLE_TELEMETRY": "true"}}
done = subprocess.run([sys.executable, "-c", {program!r}], env=os.environ | env | mine, capture_output=True, text=True)
print(done.returncode, done.stderr)
"""


def test_what_mlflow_traces_arrives(kernel: Kernel) -> None:
    """MLflow exports by OTLP where the variables say so, and takes a traceparent as it takes it from the headers of a request."""
    pytest.importorskip("mlflow")
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    done = kernel.run(RUNS_MLFLOW.format(program=MLFLOW))
    assert done.stdout.endswith("\n0 \n"), done
    assert kernel.tree() == [["cell [2] import os, subprocess, sys", [["answer", [["retrieve", []]]]]]], done
    answer = next(row for row in kernel.rows() if row["name"] == "answer")
    kept = answer["attributes"]
    assert (answer["cell"], kept["model"], kept["mlflow.spanOutputs"]) == (2, '"small"', '"42"')


AUTOLOG = """
import json, os, threading
from http.server import BaseHTTPRequestHandler, HTTPServer

class Provider(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": json.dumps({"city": "Paris"})}}
        said = {"role": "assistant", "content": None, "tool_calls": [call]}
        status, answer = 200, {"id": "c", "created": 1, "object": "chat.completion", "model": "small-1-2026", "choices": [
            {"index": 0, "message": said, "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 1204, "completion_tokens": 310, "total_tokens": 1514}}
        if asked["model"] == "busy":
            status, answer = 429, {"error": {"message": "Rate limit reached"}}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Provider)
threading.Thread(target=server.serve_forever, daemon=True).start()

import mlflow, openai
from mlflow.tracing.distributed import set_tracing_context_from_http_request_headers
mlflow.openai.autolog()
client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none", max_retries=0)

@mlflow.trace(span_type="TOOL")
def get_weather(city):
    return {"sky": "sunny"}

@mlflow.trace(span_type="AGENT", name="weather")
def run(question):
    client.chat.completions.create(model="small-1", messages=[{"role": "user", "content": question}])
    get_weather("Paris")
    try:
        client.chat.completions.create(model="busy", messages=[{"role": "user", "content": question}])
    except openai.RateLimitError:
        pass

with set_tracing_context_from_http_request_headers({"traceparent": os.environ["TRACEPARENT"]}):
    run("How is the weather?")
"""


def test_calls_that_mlflow_logs_by_itself_read_as_what_they_are(kernel: Kernel) -> None:
    """Model and tokens, tools and agents by their names, and which model was asked for by a call that failed."""
    pytest.importorskip("mlflow")
    pytest.importorskip("openai")
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    done = kernel.run(RUNS_MLFLOW.format(program=AUTOLOG))
    assert done.stdout.endswith("\n0 \n"), done
    tree = re.sub(r" +", " ", kernel.run("%spans --cell 2").result)
    assert "└─ agent weather" in tree, tree
    assert "├─ Completions · small-1-2026" in tree, tree
    assert "1,204 → 310 tokens" in tree, tree
    assert "├─ tool get_weather" in tree, tree
    assert "└─ Completions · busy" in tree, tree
    assert "✗ RateLimitError: Error code: 429" in tree, tree
    assert "mlflow." not in tree, "what MLflow notes for itself, and pages"


def test_a_thousand_hostile_requests(kernel: Kernel, tmp_path: Path) -> None:
    """None gets in, each is refused as it should be, memory stays bounded, the cell that runs meanwhile goes on, and every good
    request in between is taken."""
    endpoint, token = opened(kernel)
    pid = int(kernel.run("import os, nbtrace\nprint(os.getpid())").stdout)
    kinds = hostile(endpoint, token)
    wrong: Counter[str] = Counter()

    def send(at: int) -> int:
        if at % 20 == 0:
            good = post(endpoint, token, request(span(f"good {at}")))
            while (found := ask(endpoint, good).status) == 503:  # an exporter tries again, too
                pass
            return found
        kind, (status, pieces, half_closed) = next(itertools.islice(kinds.items(), at % len(kinds), None))
        found = ask(endpoint, *pieces(), half_closed=half_closed).status
        if found not in (status, 503):  # bombs that come together are told to come again
            wrong[f"{kind}: {found}"] += 1
        return found

    kernel.rows()  # with all libraries that the answers need
    before = _peak(pid)
    go = tmp_path / "go"
    busy = kernel.start(f"n = 0\nwhile not os.path.exists({str(go)!r}): n += 1\nprint('went on')")
    address = endpoint.split("/")[2].split(":")
    slow = [socket.create_connection((address[0], int(address[1])), timeout=60) for _ in range(40)]
    try:
        for at, each in enumerate(slow):
            head = post(endpoint, None if at % 2 else token, b"", Content_Length="1000")
            each.sendall(head[:-40] if at % 3 else head)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            found = list(pool.map(send, range(1_053)))
        go.touch()
        assert kernel.wait(busy).stdout == "went on\n"
    finally:
        go.touch()
        for each in slow:
            each.close()
    grown = _peak(pid) - before
    assert not wrong
    goods = [at for at in range(1_053) if at % 20 == 0]
    assert [found[at] for at in goods] == [200] * len(goods)
    names = [row["name"] for row in kernel.rows()]
    assert sorted(name for name in names if name.startswith("good")) == sorted(f"good {at}" for at in goods)
    assert not [name for name in names if name == "evil"]
    status = kernel.run("%nbtrace status").stdout
    assert f"{len(goods)} spans came; " in status
    assert "× without the token" in status
    assert "fault of nbtrace's own" not in status
    assert grown < 200_000_000, "80 MB of bodies at one time, and what is around them"


def _peak(pid: int) -> int:
    """The most memory that a process has had, 0 where nobody tells."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return int(text.split("VmHWM:")[1].split()[0]) * 1_000


def test_it_is_off_until_somebody_asks(kernel: Kernel) -> None:
    """Nothing of it is imported, and status says how to open it; off closes the port, on again is another one."""
    loaded = "import sys; print([name for name in sys.modules if 'nbtrace.capture.receiving' in name])"
    assert kernel.run(loaded).stdout == "[]\n"
    assert "Other programs: not listened to (%nbtrace receive" in kernel.run("%nbtrace status").stdout
    assert kernel.run("%nbtrace receive off").output == ("", "", "", "", "")
    threads = kernel.run("import threading; print(threading.enumerate())").stdout
    first = opened(kernel)
    assert opened(kernel) == first
    assert "receive on 4318" not in kernel.run("%nbtrace receive on").stdout
    assert opened(kernel) == first
    assert ask(first[0], post(*first, request(span("x")))).status == 200
    assert kernel.run("import threading; print(threading.enumerate())").stdout == threads
    said = kernel.run("%nbtrace receive off").stdout
    assert said == f"nbtrace: {first[0]} is closed; 1 span came.\n"
    with pytest.raises(ConnectionRefusedError):
        ask(first[0], post(*first))
    second = opened(kernel)
    assert second != first
    assert ask(second[0], post(second[0], first[1], request(span("old token")))).status == 401
    assert "1 refused: 1 × without the token" in kernel.run("%nbtrace status").stdout


def test_what_it_returns_is_for_an_environment(kernel: Kernel) -> None:
    """A dict of variables that prints as what is said of it; the line alone says it once."""
    assert kernel.run("%nbtrace receive").result == ""
    said = kernel.run("env = %nbtrace receive").stdout
    endpoint, token = opened(kernel)
    assert kernel.run("env").stdout == said
    assert (
        kernel.run("import os; print(sorted((os.environ | env).keys() - os.environ.keys()))").stdout
        == str([f"OTEL_EXPORTER_OTLP_TRACES_{name}" for name in ("ENDPOINT", "HEADERS", "PROTOCOL")]) + "\n"
    )
    assert (
        json.loads(kernel.run("import json; print(json.dumps(env))").stdout)["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
        == endpoint
    )
    assert token in said


def test_wrong_lines_say_what_to_type(kernel: Kernel) -> None:
    """A port of one's own is none of the choices."""
    for line, meant in {
        "%nbtrace receive on 4318": "Did you mean  %nbtrace receive on?",
        "%nbtrace receive stop": "Did you mean  %nbtrace receive on  or  %nbtrace receive off?",
        "%nbtrace listen": "Did you mean  %nbtrace receive?",
        "%nbtrace receive --cell 3": "%nbtrace receive takes no --cell",
    }.items():
        assert meant in kernel.run(line).stderr, line
    assert kernel.completed("%nbtrace rec") == ["%nbtrace receive"]
    assert kernel.completed("%nbtrace receive ") == ["%nbtrace receive on", "%nbtrace receive off"]


def test_without_the_package_for_protobuf_json_is_taken(kernel: Kernel) -> None:
    """And the sender of protobuf, and the person, are told what to install."""
    kernel.run("import sys; sys.modules['opentelemetry.proto'] = None")
    said = kernel.run("%nbtrace receive").stdout
    assert "TRACES_PROTOCOL=http/json" in said
    assert said.endswith('Only JSON can be read here: protobuf needs  pip install "nbtrace[otlp]"\n')
    endpoint, token = opened(kernel)
    assert ask(endpoint, post(endpoint, token, request(span("json")))).status == 200
    refused = ask(endpoint, post(endpoint, token, b"\n\0", Content_Type="application/x-protobuf"))
    assert (refused.status, b'pip install "nbtrace[otlp]"' in refused.body) == (415, True)
    assert "json" in [row["name"] for row in kernel.rows()]


@pytest.mark.parametrize("end", ["unload", "exit", "kill"])
def test_the_port_closes_with_the_extension_and_with_the_kernel(end: str) -> None:
    """Whatever way it goes."""
    kernel = start_kernel()
    try:
        endpoint, token = opened(kernel.load())
        if end == "unload":
            kernel.run("%unload_ext nbtrace")
        else:
            kernel.manager.shutdown_kernel(now=end == "kill")

        def closed() -> bool:
            try:
                ask(endpoint, post(endpoint, token))
            except ConnectionRefusedError:
                return True
            return False

        if end == "unload":
            assert closed()
        wait_for(closed, "the end of the port")
    finally:
        kernel.stop()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_workers_of_a_pool_do_not_hold_the_port(kernel: Kernel) -> None:
    """Forked while it is open, they live on when it has been closed."""
    kernel.run("%nbtrace receive on\nimport multiprocessing")
    endpoint, token = opened(kernel)
    kernel.run("pool = multiprocessing.get_context('fork').Pool(2); pool.map(abs, range(9))")
    try:
        assert ask(endpoint, post(endpoint, token, request(span("beside a pool")))).status == 200
        kernel.run("%nbtrace receive off")
        with pytest.raises(ConnectionRefusedError):
            ask(endpoint, post(endpoint, token))
        assert kernel.run("print(pool.map(abs, [-1]))").stdout == "[1]\n"
    finally:
        kernel.run("pool.terminate(); pool.join()")
    assert "beside a pool" in [row["name"] for row in kernel.rows()]


def test_what_comes_while_nbtrace_is_off_is_not_kept_and_counted(kernel: Kernel) -> None:
    """The sender is told, and need not send again; on again, it is taken."""
    endpoint, token = opened(kernel)
    kernel.run("%nbtrace off")
    said = ask(endpoint, post(endpoint, token, request(span("while off"))))
    assert (said.status, b"nbtrace is off" in said.body) == (200, True)
    kernel.run("%nbtrace on")
    assert ask(endpoint, post(endpoint, token, request(span("on again")))).status == 200
    names = [row["name"] for row in kernel.rows()]
    assert ("while off" in names, "on again" in names) == (False, True)
    assert "1 span came, 1 more while nbtrace was off (" in kernel.run("%nbtrace status").stdout


def test_in_a_run_each_cell_has_its_own_calls(tmp_path: Path) -> None:
    """All cells of a run are of one trace, and what they called stands below the one that called, though it came later."""
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    notebook = write(
        tmp_path / "calls.ipynb",
        STARTS.format(service=SERVICE),
        "call('/price')",
        "with nbtrace.span('ask'): call('/stock')",
        "call('/flush')",
        "shop.terminate(); shop.wait(); shop.stdout.close()",
    )
    running = start("run", str(notebook), folder=tmp_path)
    said, _ = running.communicate(timeout=120)
    assert running.returncode == 0, said
    rec = nbtrace.load(kept(said, "Recording", tmp_path))
    tree = rec.tree(asking=True)
    below = tree[tree["depth"] > 1]
    assert list(zip(below["name"], below["cell"], below["depth"], strict=True)) == [
        *(("GET /price", 2, 2), ("query", 2, 3)),
        *(("ask", 3, 2), ("GET /stock", 3, 3), ("query", 3, 4)),
    ]
