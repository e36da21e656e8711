"""Run a small program of spans on an OpenTelemetry in which one private name is another, as a new version may have it; print
what was recorded, as JSON.

    python -m tests.capture.sdk.renamed own|user NAME

or, without arguments, for each line of stdin, in a process of its own each that is forked where numpy, pyarrow and pandas have been
imported. The name is changed in the source of the modules as they are imported, wherever it stands for itself."""

from __future__ import annotations

import importlib.machinery
import json
import logging
import os
import re
import sys
import tempfile
import warnings
from types import ModuleType
from typing import Any

PACKAGES = (
    "opentelemetry.sdk.trace",
    "opentelemetry.sdk.util",
    "opentelemetry.sdk.resources",
    "opentelemetry.trace",
    "opentelemetry.attributes",
)
MODULES = ("opentelemetry.util._decorator",)

NOTHING = "nothing"
WRAPPED = "a wrapped start_span"
ARGUMENTS = "a Tracer with an argument more"


class Renaming(importlib.machinery.PathFinder):
    """Finds OpenTelemetry's modules with the name changed."""

    name = ""

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: ModuleType | None = None) -> Any:
        spec = super().find_spec(fullname, path, target)
        of_interest = fullname in MODULES or any(
            fullname == each or fullname.startswith(each + ".") for each in PACKAGES
        )
        if spec is not None and of_interest and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = Loader(fullname, spec.origin or "")
        return spec


class Loader(importlib.machinery.SourceFileLoader):
    """Compiles the changed source, and keeps no bytecode of it."""

    def get_code(self, fullname: str) -> Any:
        source = self.get_source(fullname) or ""
        changed = re.sub(rf"(?<!\w){re.escape(Renaming.name)}\b(?!\s+import)", f"{Renaming.name}_renamed", source)
        if Renaming.name == ARGUMENTS:
            changed = re.sub(r"\n( +)(span_limits: SpanLimits,\n)", r"\n\1more: object,\n\1\2", source)
            changed = re.sub(r"\n( +)(self\._span_limits,\n)", r"\n\1None,\n\1\2", changed)
        return compile(changed, self.path, "exec", dont_inherit=True)


def takes_maps() -> bool:
    """Whether the SDK keeps a map as an attribute."""
    from opentelemetry.sdk.trace import TracerProvider

    probe: Any = TracerProvider(shutdown_on_exit=False).get_tracer("probe")
    logging.disable()
    try:
        return "map" in probe.start_span("probe", attributes={"map": {"a": "b"}}).attributes
    finally:
        logging.disable(logging.NOTSET)


def program(tracer: Any, nbtrace: ModuleType, trace: ModuleType) -> None:
    """Spans of all kinds: the library's way, the notebook's way, and what passes through them."""
    link = trace.Link(tracer.start_span("linked").get_span_context(), {"why": "x"})
    with tracer.start_as_current_span("plain", attributes={"n": 1, "s": "x"}, links=[link]) as span:
        span.set_attribute("later", 0.5)
        span.set_attributes({"list": [1, 2], "text": "y"})
        span.update_name("renamed")
        span.add_event("event", {"k": 1}, timestamp=5)
        with tracer.start_as_current_span("inner", kind=trace.SpanKind.CLIENT) as inner:
            inner.set_status(trace.StatusCode.ERROR, "bad")
            span.set_status(trace.StatusCode.OK)
    # A map, where the SDK takes one: the older ones warn of it, which the public way to make a span cannot avoid.
    with nbtrace.span("ours", odd={"a": object} if takes_maps() else object, n=1) as ours:
        ours.set_attribute("later", 2)
        ours.add_link(span.get_span_context(), {"of": "ours"})
        ours.add_event("seen")
        for number in range(200):
            ours.set_attribute(f"k{number}", number)
    assert not ours.is_recording()

    @tracer.start_as_current_span("decorated")  # type: ignore[untyped-decorator]
    def decorated() -> int:
        return 1

    assert decorated() == 1
    for error in (ValueError("x"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()):
        for start in (tracer.start_as_current_span, nbtrace.span):
            try:
                with start("outer"), start("failed"):
                    raise error.with_traceback(None)
            except BaseException as raised:
                assert raised is error  # noqa: PT017 (what is tested goes on while it is handled)
                with start("tidying up"):  # while it is handled
                    pass
    by_hand = tracer.start_span("by hand")
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        by_hand.end()
    try:
        with tracer.start_span("as a block"):
            raise ValueError("y")
    except ValueError:
        pass


def main(kind: str, name: str) -> None:
    """Do it, and print."""
    Renaming.name = name
    sys.meta_path.insert(0, Renaming)
    from opentelemetry import trace
    from opentelemetry.sdk.trace import Tracer, TracerProvider

    if name == WRAPPED:
        original = Tracer.start_span
        Tracer.start_span = lambda *args, **options: original(*args, **options)  # type: ignore[method-assign]
    import nbtrace
    from nbtrace import faults
    from nbtrace.capture.live import LIVE

    if kind == "user":
        trace.set_tracer_provider(TracerProvider())
    for _ in range(2):  # the second finds what the first has left
        with nbtrace.record() as rec:
            tracer = trace.get_tracer("t", "1.0")
            program(tracer, nbtrace, trace)
            running = tracer.start_span("running", attributes={"n": 1})
            running.add_event("so far")
            told = LIVE.attachment.report()
            states = rec.spans()["state"].tolist()
            running.end()
    spans = rec.spans(attributes="dict")
    place = {span_id: number for number, span_id in enumerate(spans["span_id"])}
    spans["parent"] = [place.get(parent) for parent in spans["parent_span_id"]]
    events, links, errors = rec.events(attributes="dict"), rec.links(attributes="dict"), rec.errors()
    ids = [
        "trace_id",
        "span_id",
        "parent_span_id",
        "start_time",
        "end_time",
        "duration",
        "thread_id",
        "process_pid",
        "time",
        "linked_trace_id",
        "linked_span_id",
        "exception_stacktrace",
    ]
    tables = {
        "spans": spans,
        "events": events,
        "links": links,
        "errors": errors,
    }
    found = {key: table.drop(columns=[each for each in ids if each in table]) for key, table in tables.items()}
    for table in found.values():
        if "attributes" in table:
            table["attributes"] = [
                {key: value for key, value in sorted(each.items()) if key != "exception.stacktrace"}
                for each in table["attributes"]
            ]
    rows = {key: json.loads(table.to_json(orient="records", default_handler=str)) for key, table in found.items()}
    print(json.dumps({"rows": rows, "states": states, "told": told, "faults": faults.faults()}))


def serve() -> None:
    """For each line, "own NAME" or "user NAME", print a line of JSON: exit status, stdout, stderr."""
    for name in ("numpy", "pandas", "pyarrow.compute", "asyncio", "concurrent.futures.thread", "multiprocessing.pool"):
        importlib.import_module(name)
    for line in sys.stdin:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # numpy's idle threads are no reason to worry
                pid = os.fork()
            if pid == 0:
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                main(*line.rstrip("\n").split(" ", 1))
                sys.exit()
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            told = [file.seek(0) or file.read().decode() for file in (out, err)]
            print(json.dumps([status, *told]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) > 1 else serve()
