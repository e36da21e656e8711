"""Secrets planted in a notebook, and looked for in whatever leaves the recording. Each is put together at run time from parts,
so that a hit is nbtrace's doing and not the test's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kernels.kernel import Kernel

_PLANT = """
import os, nbtrace, pathlib, random, string
from opentelemetry import trace
rng = random.Random(7)
def fresh(n=24):
    return "".join(rng.choice(string.ascii_letters + string.digits) for _ in range(n))
planted = {}
def plant(kind, prefix=""):
    planted[kind] = fresh()
    return prefix + planted[kind]
tracer = trace.get_tracer("t")
with tracer.start_as_current_span("attributes") as span:
    span.set_attribute("db.password", plant("attribute by name"))
    span.set_attribute("header", plant("bearer", "Authorization: Bearer "))
    span.set_attribute("nested", {"config": {"api_key": plant("nested map")}, "list": [plant("in a list", "token=")]})
    span.set_attribute("url", f"https://user:{plant('url credentials')}@example.org/x?api_key={plant('url query')}")
    span.set_attribute("raw", b"password=" + plant("bytes").encode())
    span.set_attribute("long", "x" * 65_500 + " password=" + plant("cut by the limit") + "y" * 10_000)
    span.set_attribute(plant("in a key", "token="), 1)
    span.set_attribute("key", "-----BEGIN PRIVATE " + "KEY-----\\n" + plant("private key without an end"))
    span.add_event("login", {"password": plant("event attribute")})
    span.add_event(plant("event name", "secret="))
    span.add_link(span.get_span_context(), {"auth_token": plant("link attribute")})
with tracer.start_as_current_span(plant("span name", "GET https://a.example/?access_token=")):
    pass
with tracer.start_as_current_span("status") as span:
    span.set_status(trace.Status(trace.StatusCode.ERROR, plant("status message", "password=")))
try:
    with nbtrace.span("failing"):
        raise ValueError(plant("caught exception", "cannot log in with password "+"= "))
except ValueError:
    pass
class Told(Exception):
    def __str__(self):
        return "Bearer " + planted["exception text"]
planted["exception text"] = fresh()
try:
    with tracer.start_as_current_span("failing too"):
        raise Told
except Told:
    pass
held = nbtrace.span("running", client_secret=plant("a running span")).__enter__()
"""

_LOOK = """
import base64, re, zlib, json, pickle, io
rec = nbtrace.live()
where = {}
def look(place, text):
    for kind, secret in planted.items():
        if secret in text:
            where.setdefault(kind, []).append(place)
for table in ("spans", "events", "links", "errors", "cells", "tree"):
    frame = getattr(nbtrace, table)(**({"attributes": "all"} if table in ("spans", "events", "links") else {}))
    look(table, " ".join(map(str, frame.to_numpy().ravel())) + " ".join(frame.columns))
look("arrow", str(rec.to_arrow().to_pylist()))
look("text", str(nbtrace.text()))
look("html", nbtrace.text()._repr_html_())
look("pickle", pickle.dumps(rec).decode("latin-1"))
page = nbtrace.report("secrets.html").read_text()
look("report", page)
import html
inner = html.unescape(re.search('srcdoc="(.*?)"></iframe>', page, re.S)[1])
data = json.loads(re.search('id="nbtrace-data">(.*?)</script>', inner, re.S)[1])
for frame in data["frames"]:
    raw = base64.b64decode(frame)
    look("report's frames", raw.decode("latin-1"))
    for at in [m.start() for m in re.finditer(b"\\x78\\x01", raw)]:
        try:
            look("report's details", zlib.decompressobj().decompress(raw[at:]).decode("latin-1"))
        except zlib.error:
            pass
print(json.dumps([len(planted), where]))
"""


@pytest.mark.once
def test_of_all_planted_secrets_none_leaves_the_recording(kernel: Kernel, tmp_path: Path) -> None:
    """Whether rows wait, run or are sealed; by every table, the twin, the report and a pickle."""
    kernel.run(f"import os\nos.chdir({str(tmp_path)!r})")
    assert kernel.run(_PLANT).output == ("", "", "", "", "")
    planted, found = json.loads(kernel.run(_LOOK).stdout)
    assert planted >= 18
    assert found == {}
    kernel.run("for _ in range(20_000): tracer.start_span('many').end()")
    assert json.loads(kernel.run(_LOOK).stdout) == [planted, {}]
    kernel.run("held.end()")
    assert json.loads(kernel.run(_LOOK).stdout) == [planted, {}]
    said = kernel.run("%nbtrace status").stdout
    assert "Redaction of what looks like a secret: " in said
    assert "× password" in said
    assert "fault" not in said


def test_a_cells_source_and_title_hold_none(kernel: Kernel) -> None:
    kernel.run("import nbtrace")
    for line in (
        'password = "kLm93xTq7Zp2"',
        '# api_key: "kLm93xTq7Zp2"\nx = 1',
        "connect = dict\nconnect(user='me', token='kLm93xTq7Zp2aa')",
        "%env SERVICE_TOKEN=kLm93xTq7Zp2aa",
    ):
        kernel.run(line)
    told = kernel.run(
        "s = 'kLm93' + 'xTq7Zp2'\nprint(s in nbtrace.cells().to_string(), s in nbtrace.spans().to_string(), "
        "s in str(nbtrace.text()), s in nbtrace.history().to_string())"
    )
    assert told.stdout == "False False False False\n"


def test_sources_can_be_left_out_and_cells_are_told_apart_all_the_same(kernel: Kernel) -> None:
    kernel.run("import nbtrace\n%config NBTrace.capture_source = 'none'")
    for code in ("a = 1", "b = 2", "a = 1"):
        kernel.run(code)
    told = kernel.run(
        "c = nbtrace.cells().iloc[-4:-1]\n"
        "print(c['source'].tolist(), c['run'].tolist(), nbtrace.spans(cell=c['cell'].tolist())['name'].tolist())\n"
        "print(sorted(nbtrace.history()['runs'].tolist())[-1])"
    ).stdout
    assert told.splitlines()[0].startswith("['', '', ''] [1, 1, 2] ['cell [")
    assert "a = 1" not in told
    assert told.splitlines()[1] == "2"
    kernel.run("%config NBTrace.capture_source = 'hash'")  # for what comes: what has run stays as it was kept
    kernel.run("c = 3")
    told = kernel.run(
        "print(nbtrace.cells(asking=True)['source'].str[:7].tolist()[-2:], 'a = 1' in nbtrace.cells().to_string())"
    ).stdout
    assert told == "['sha256:', 'sha256:'] False\n".replace("sha256:", "sha256:"[:7])
    refused = kernel.run("%config NBTrace.capture_source = 'nonsense'")
    assert "capture_source" in refused.stderr + refused.evalue


@pytest.mark.parametrize(
    ("option", "kept", "says"),
    [
        ("False", True, "Redaction: off"),
        ("['-password']", True, "nothing found so far"),
        ("['+name:customer_id']", False, "× customer_id"),
        ("lambda key, value: 'mine' if key == 'customer_id' else value", False, "× callable"),
        ("lambda key, value: 1 / 0", False, "Your callable raised ZeroDivisionError"),
        ("lambda key, value: None", False, "Your callable raised TypeError"),
        ("lambda key, value: __import__('time').sleep(0.02) or value", True, ""),
    ],
)
def test_the_rules_are_a_persons_own(kernel: Kernel, option: str, kept: bool, says: str) -> None:
    """A callable that fails loses its value, not the row; a slow one loses nothing."""
    kernel.run("import nbtrace")
    assert kernel.run(f"%config NBTrace.redact = {option}").output == ("", "", "", "", "")
    assert (
        kernel.run("with nbtrace.span('x', customer_id='c-17', password='-' if False else 'abcdef9'): pass").status
        == "ok"
    )
    row = 'nbtrace.spans(where="parent_span_id.notna()").iloc[-1]'
    told = kernel.run(
        f"row = {row}\nprint(row['attributes.customer_id'] == 'c-17' or row.get('attributes.password') == 'abcdef9')"
    ).stdout
    assert told == f"{kept}\n"
    assert says in kernel.run("%nbtrace status").stdout


def test_a_wrong_rule_is_told_in_one_line(kernel: Kernel) -> None:
    reply = kernel.run("%config NBTrace.redact = ['-pasword']")
    assert "Did you mean '-password'?" in reply.evalue + reply.stderr + "".join(reply.traceback)
    assert kernel.run("x = 1").output == ("", "", "", "", "")


def test_the_users_own_exporter_gets_the_users_own_spans(bare_kernel: Kernel) -> None:
    """Untouched; of the cell's span the name is redacted."""
    bare_kernel.run(
        "from opentelemetry import trace\nfrom opentelemetry.sdk.trace import TracerProvider\n"
        "from opentelemetry.sdk.trace.export import SimpleSpanProcessor\n"
        "from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter\n"
        "exporter = InMemorySpanExporter(); provider = TracerProvider()\n"
        "provider.add_span_processor(SimpleSpanProcessor(exporter)); trace.set_tracer_provider(provider)"
    )
    bare_kernel.load()
    bare_kernel.run(
        "password = 'kLm93xTq7Zp2'\nwith trace.get_tracer('t').start_as_current_span('x', attributes={'password': password}): pass"
    )
    told = bare_kernel.run(
        "for s in exporter.get_finished_spans(): print(s.name, dict(s.attributes).get('password'))"
    ).stdout
    assert "x kLm93xTq7Zp2" in told
    assert "password = '[redacted: password]' None" in told
