"""Ten thousand spans to a DataFrame, by nbtrace, MLflow and Phoenix, each peer in an environment of its own.

Optional: it needs uv and a package index, and takes minutes. `python -m tests.benchmarks peers`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SPANS = 10_000

NBTRACE = f"""
import json, time, nbtrace
from opentelemetry import trace
tracer = trace.get_tracer("bench")
times = []
with nbtrace.record() as rec:
    for t in range({SPANS} // 100):
        with tracer.start_as_current_span("root"):
            for i in range(99):
                with tracer.start_as_current_span("work", attributes={{"n": i, "kind": "x", "share": 0.5}}):
                    pass
for _ in range(6):
    began = time.perf_counter()
    table = rec.spans()
    times.append(time.perf_counter() - began)
print(json.dumps([len(table), times]))
"""

MLFLOW = f"""
import json, os, tempfile, time
os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"
import mlflow
mlflow.set_tracking_uri("sqlite:///" + os.path.join(tempfile.mkdtemp(), "mlflow.db"))
mlflow.set_experiment("bench")
for t in range({SPANS} // 100):
    with mlflow.start_span("root"):
        for i in range(99):
            with mlflow.start_span("work", attributes={{"n": i, "kind": "x", "share": 0.5}}):
                pass
times = []
for _ in range(4):
    began = time.perf_counter()
    table = mlflow.search_traces(max_results=1000)
    times.append(time.perf_counter() - began)
print(json.dumps([sum(len(spans) for spans in table["spans"]), times]))
"""

PHOENIX = f"""
import json, os, tempfile, time
os.environ["PHOENIX_WORKING_DIR"] = tempfile.mkdtemp()
import phoenix as px
from phoenix.otel import register
session = px.launch_app(run_in_thread=True)
provider = register(batch=True, verbose=False, set_global_tracer_provider=False)
tracer = provider.get_tracer("bench")
for t in range({SPANS} // 100):
    with tracer.start_as_current_span("root"):
        for i in range(99):
            with tracer.start_as_current_span("work", attributes={{"n": i, "kind": "x", "share": 0.5}}):
                pass
    provider.force_flush()
from phoenix.client import Client

ask = lambda: Client(base_url=session.url.rstrip("/")).spans.get_spans_dataframe(limit=20000, timeout=60)
deadline, seen, times = time.time() + 300, 0, []
while seen < {SPANS} and time.time() < deadline:
    time.sleep(3)
    seen = len(ask())
for _ in range(4):
    began = time.perf_counter()
    table = ask()
    times.append(time.perf_counter() - began)
print(json.dumps([len(table), times]))
"""

PEERS = {"mlflow.search_traces": ("mlflow", MLFLOW), "phoenix get_spans_dataframe": ("arize-phoenix", PHOENIX)}


def asked(python: str, program: str) -> tuple[int, float]:
    """Return how many spans came back, and the median of the times but the first."""
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    count, times = json.loads(done.stdout.strip().splitlines()[-1])
    return count, sorted(times[1:])[len(times[1:]) // 2]


def main() -> None:
    """Ask each."""
    uv = shutil.which("uv")
    if uv is None:
        sys.exit("the peers need uv to be installed: pip install uv")
    count, ours = asked(sys.executable, NBTRACE)
    print(f"{count:,} spans to a DataFrame: nbtrace {ours * 1_000:.1f} ms")
    for name, (package, program) in PEERS.items():
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([uv, "venv", "-q", "-p", sys.executable, folder], check=True)
            python = str(Path(folder) / "bin" / "python")
            subprocess.run([uv, "pip", "install", "-q", "-p", python, package], check=True)
            try:
                count, theirs = asked(python, program)
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                print(f"  {name}: no figure, {error}")
                continue
            print(f"  {theirs / ours:5.0f} ×  {theirs * 1_000:7.1f} ms  {name} ({count:,} spans)")
