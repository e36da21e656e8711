"""A receiver takes what OTLP has, answers as OTLP says, and nothing else gets in."""

from __future__ import annotations

import gzip
import json
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import nbtrace
from nbtrace.capture.live import LIVE
from nbtrace.capture.receiving.arrivals import Arrivals
from nbtrace.capture.receiving.limits import Limits
from nbtrace.capture.receiving.server import Server
from nbtrace.recording import Recording
from tests.senders import ask, hostile, post, request, span
from tests.waiting import wait_for


@pytest.fixture
def rec() -> Iterator[Recording]:
    with nbtrace.record() as rec:
        yield rec


def opened(**limits: Any) -> Server:
    return Server(Arrivals(LIVE.recorder, LIVE.cells), Limits(**limits))


@pytest.fixture
def server(rec: Recording) -> Iterator[Server]:
    server = opened()
    yield server
    server.close()


def names(rec: Recording) -> list[str]:
    return [str(name) for name in rec.spans()["name"]]


KINDS = list(hostile("http://127.0.0.1:1/v1/traces", "t"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_request_is_refused_and_counted(server: Server, rec: Recording, kind: str) -> None:
    """Each kind has its status, leaves nothing in the recording, and a request behind it is taken."""
    status, pieces, half_closed = hostile(server.endpoint, server.token)[kind]
    answer = ask(server.endpoint, *pieces(), half_closed=half_closed)
    assert answer.status == status, answer
    assert names(rec) == []
    assert server.refusals.total() >= 1
    assert ask(server.endpoint, post(server.endpoint, server.token, request(span("good")))).status == 200
    assert names(rec) == ["good"]


@pytest.mark.parametrize("pieces", ["at once", "one by one"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_body_in_chunks_is_taken(server: Server, rec: Recording, packed: bool, pieces: str) -> None:
    """Senders in other languages do not know how long a packed body is before they send it."""
    body = request(span("in chunks"))
    body = gzip.compress(body) if packed else body
    chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:7], body[7:])]
    head = post(
        *(server.endpoint, server.token),
        Content_Length=None,
        Transfer_Encoding="chunked",
        Content_Encoding="gzip" if packed else None,
    )
    sent = [head, *chunks, b"0\r\nX-Sum: 1\r\n\r\n"]
    assert ask(server.endpoint, *(sent if pieces == "one by one" else [b"".join(sent)]), pause_s=0.01).status == 200
    assert names(rec) == ["in chunks"]


def test_a_sender_that_asks_first_is_told_to_go_on_only_with_the_token(server: Server, rec: Recording) -> None:
    """curl asks before it sends more than a megabyte."""
    body = request(span("asked first"))
    said = ask(server.endpoint, post(server.endpoint, server.token, body, Expect="100-continue"))
    assert said.head.startswith("HTTP/1.1 100") or said.head == ""
    assert b"200 OK" in said.body
    assert ask(server.endpoint, post(server.endpoint, None, body, Expect="100-continue")).status == 401
    assert names(rec) == ["asked first"]


def test_spans_that_cannot_be_read_are_counted_in_the_answer(server: Server, rec: Recording) -> None:
    """The others are taken, and the sender is told how many were not, and why: a partial success."""
    body = request(span("good"), span("bad", traceId="0" * 32), span("bad", startTimeUnixNano="0"))
    said = ask(server.endpoint, post(server.endpoint, server.token, body))
    assert said.status == 200
    partial = json.loads(said.body)["partialSuccess"]
    assert partial["rejectedSpans"] == "2"
    assert "its traceId is all zeros" in partial["errorMessage"]
    assert names(rec) == ["good"]
    assert dict(server.refusals) == {"spans that are not as OTLP has them": 2}


def test_an_answer_is_in_the_encoding_of_the_request(server: Server, rec: Recording) -> None:
    """As OTLP has it: a response, and a status that says why."""
    pb = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    sent = pb.ExportTraceServiceRequest()
    spans = sent.resource_spans.add().scope_spans.add().spans
    for name, trace_id in (("good", bytes(range(16))), ("bad", b"short")):
        spans.add(
            trace_id=trace_id,
            span_id=bytes(range(8)),
            name=name,
            start_time_unix_nano=10**18,
            end_time_unix_nano=10**18,
        )
    kind = {"Content_Type": "application/x-protobuf"}
    said = ask(server.endpoint, post(server.endpoint, server.token, sent.SerializeToString(), **kind))
    assert "Content-Type: application/x-protobuf" in said.head
    partial = pb.ExportTraceServiceResponse.FromString(said.body).partial_success
    assert partial.rejected_spans == 1
    assert "trace_id has 5 bytes" in partial.error_message
    assert ask(server.endpoint, post(server.endpoint, server.token, b"", **kind)).body == b""
    assert ask(server.endpoint, post(server.endpoint, server.token, b"{}")).body == b"{}"
    refused = ask(server.endpoint, post(server.endpoint, None, b"", **kind))
    assert refused.status == 401
    assert b"without the token" in refused.body
    assert json.loads(ask(server.endpoint, post(server.endpoint, None, b"{}")).body)["message"].endswith(
        "without the token"
    )
    assert names(rec) == ["good"]


def test_a_span_that_is_sent_again_stands_once(server: Server, rec: Recording) -> None:
    """An exporter sends again what nobody has answered in time."""
    bodies = [request(*(span(f"{at}-{n}") for n in range(100))) for at in range(3)]
    for body in (*bodies, *bodies):
        assert ask(server.endpoint, post(server.endpoint, server.token, body)).status == 200
    assert len(names(rec)) == server.arrivals.spans == 300


def test_a_span_is_kept_within_the_limits_of_a_recording(server: Server, rec: Recording) -> None:
    """Long texts are cut with a mark, too many attributes counted, secrets taken out, and what was nested stays."""
    text = {"stringValue": "x" * 70_000}
    attributes = [{"key": f"k{n}", "value": {"intValue": str(n)}} for n in range(1_500)]
    nested = {"arrayValue": {"values": [{"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": True}}]}}]}}
    body = request(
        span("n" * 70_000),
        span("many", attributes=attributes),
        span(
            "text",
            attributes=[{"key": "text", "value": text}, {"key": "password", "value": {"stringValue": "hunter2!"}}],
        ),
        span("nested", attributes=[{"key": "nested", "value": nested}], endTimeUnixNano="1"),
        span("open", endTimeUnixNano=None),
    )
    assert ask(server.endpoint, post(server.endpoint, server.token, body)).status == 200
    spans = rec.spans(attributes="dict").set_index("name")
    assert len(spans.index[0]) == len("n" * 65_536 + "… [+4,464 characters]")
    many, text_span, nested_span = (spans.loc[name] for name in ("many", "text", "nested"))
    assert (len(many["attributes"]), many["dropped_attributes"]) == (1_000, 500)
    assert text_span["attributes"]["text"].endswith("… [+4,464 characters]")
    assert "hunter2!" not in str(text_span["attributes"])
    assert nested_span["attributes"]["nested"] == [{"a": True}]
    assert nested_span["duration"].value == 0, "it ends before it begins"
    assert spans.loc["open"]["state"] == "unfinished"


def test_marks_of_ours_are_another_programs_attributes(server: Server, rec: Recording) -> None:
    """A file of ours that is sent is no recording of this notebook: it cannot say of which cell its spans are."""
    body = json.loads(request(span("stray", attributes=[{"key": "nbtrace.cell", "value": {"intValue": "1"}}])))
    body["resourceSpans"][0]["resource"] = {"attributes": [{"key": "nbtrace.format", "value": {"intValue": "1"}}]}
    assert ask(server.endpoint, post(server.endpoint, server.token, json.dumps(body).encode())).status == 200
    stray = rec.spans().iloc[0]
    assert (stray["name"], stray["attributes.nbtrace.cell"]) == ("stray", 1)
    assert stray["cell"] is pytest.importorskip("pandas").NA


def test_while_nothing_is_recorded_the_sender_is_told_so() -> None:
    """Its exporter need not try again, and nothing is lost in silence."""
    server = opened()
    try:
        said = ask(server.endpoint, post(server.endpoint, server.token, request(span("a"), span("b"))))
        assert json.loads(said.body)["partialSuccess"]["rejectedSpans"] == "2"
        assert "nbtrace is off" in said.body.decode()
        assert (server.unrecorded, server.arrivals.spans) == (2, 0)
    finally:
        server.close()


def test_what_is_too_slow_is_ended(rec: Recording) -> None:
    """Headers and a body have so long, however often a byte of them comes."""
    server = opened(head_s=0.3, body_s=0.3)
    try:
        body = request(span("slow"))
        whole = post(server.endpoint, server.token, body)
        head = len(whole) - len(body)
        drops = [whole[at : at + 1] for at in range(40)]
        assert ask(server.endpoint, *drops, pause_s=0.02).status == 408
        drops = [whole[at : at + 1] for at in range(head, head + 40)]
        assert ask(server.endpoint, whole[:head], *drops, pause_s=0.02).status == 408
        assert ask(server.endpoint).status == 0, "who says nothing is told nothing"
        assert dict(server.refusals) == {"too slow": 2}
        assert names(rec) == []
    finally:
        server.close()


def test_who_waits_without_the_token_gives_way(rec: Recording) -> None:
    """However many connections are held open, one that has the token is served at once."""
    server = opened(max_connections=8, head_s=60.0)
    address = server.endpoint.split("/")[2].split(":")
    held = []
    try:
        for _ in range(100):
            held.append(socket.create_connection((address[0], int(address[1])), timeout=30))
            held[-1].sendall(b"POST /v1/traces HTTP/1.1\r\n")
        assert ask(server.endpoint, post(server.endpoint, server.token, request(span("good")))).status == 200
        assert names(rec) == ["good"]
        assert len(server._open) <= 16
    finally:
        server.close()
        for each in held:
            each.close()


def test_bodies_share_one_room(rec: Recording) -> None:
    """Beyond it a sender is told to come again, and can; what one has taken is given back, however it ended."""
    server = opened(max_held=1_000_000)
    try:
        body = request(span("x", attributes=[{"key": "k", "value": {"stringValue": "x" * 600_000}}]))
        endpoint, token = server.endpoint, server.token
        head = post(endpoint, token, body)
        ready = threading.Event()
        answers = []

        def slow() -> None:
            address = endpoint.split("/")[2].split(":")
            with socket.create_connection((address[0], int(address[1])), timeout=30) as connection:
                connection.sendall(head[:-100])
                wait_for(lambda: server.room._left < 500_000, "a body that is held")
                ready.set()
                done.wait(30)
                connection.sendall(head[-100:])
                answers.append(connection.recv(100))

        done = threading.Event()
        thread = threading.Thread(target=slow)
        thread.start()
        assert ready.wait(30)
        said = ask(endpoint, post(endpoint, token, body))
        assert (said.status, "Retry-After: 1" in said.head) == (503, True)
        done.set()
        thread.join()
        assert answers[0].startswith(b"HTTP/1.1 200")
        wait_for(lambda: server.room._left == 1_000_000, "the room to be given back")
        assert ask(endpoint, post(endpoint, token, request(span("y")))).status == 200
    finally:
        server.close()


def test_a_closed_receiver_leaves_no_port_and_no_thread(rec: Recording) -> None:
    """Nobody can connect from then on, those who were connected are not any more, and `threading` never knew of it."""
    before = threading.enumerate()
    server = opened()
    address = ("127.0.0.1", int(server.endpoint.split("/")[2].split(":")[1]))
    held = socket.create_connection(address, timeout=30)
    ask(server.endpoint, post(server.endpoint, server.token, request(span("x"))))
    assert threading.enumerate() == before
    wait_for(lambda: server._open, "the connection to be held")
    server.close()
    server.close()
    assert held.recv(1) == b""
    held.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=30)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_does_not_hold_the_port(rec: Recording) -> None:
    """The parent's receiver goes on, and when it is closed the port is free though the child lives."""
    server = opened()
    address = ("127.0.0.1", int(server.endpoint.split("/")[2].split(":")[1]))
    told, tells = os.pipe()
    goes_on, go_on = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            server.close()  # does nothing here
            os.write(tells, b"closed" if server._listener.fileno() == -1 else b"open")
            os.read(goes_on, 1)
        finally:
            os._exit(0)
    try:
        assert os.read(told, 10) == b"closed"
        assert ask(server.endpoint, post(server.endpoint, server.token, request(span("after")))).status == 200
        assert names(rec) == ["after"]
        server.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=30)
    finally:
        os.write(go_on, b"x")
        os.waitpid(child, 0)
        for end in (told, tells, goes_on, go_on):
            os.close(end)
