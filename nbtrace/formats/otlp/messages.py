"""OTLP's messages of protobuf, which the package opentelemetry-proto has: the extra `nbtrace[otlp]` installs it.

Enters: nothing. Leaves: its modules; and how a message stands within another."""

from __future__ import annotations

from typing import Any


def messages() -> Any:
    """OTLP's messages. Raises ModuleNotFoundError where they are not installed, and says how they are."""
    try:
        from opentelemetry.proto.common.v1 import common_pb2
        from opentelemetry.proto.resource.v1 import resource_pb2
        from opentelemetry.proto.trace.v1 import trace_pb2
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            '.otlp files need opentelemetry-proto, which is not installed. Type  pip install "nbtrace[otlp]"  or take '
            ".jsonl, which needs nothing.",
            name=error.name,
        ) from None
    return common_pb2, resource_pb2, trace_pb2


def framed(field: int, *message: bytes) -> bytes:
    """A message as a field of another: its tag, its length, its bytes."""
    length = sum(map(len, message))
    head = [field << 3 | 2]
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    return b"".join((bytes([*head, length]), *message))
