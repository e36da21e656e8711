"""Where spans come from, made and read: the resource's attributes are kept as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbtrace.store.schema import Origin
from nbtrace.store.values import decode_json, encode_json


def origin(
    service_name: str | None, scope_name: str | None, scope_version: str | None, resource: Mapping[str, Any]
) -> Origin:
    """Return an origin with these attributes of its resource, which are clean."""
    return Origin(service_name, scope_name, scope_version, encode_json(dict(resource)))


def resource(origin: Origin) -> dict[str, Any]:
    """Return the attributes of an origin's resource; its tuples are lists."""
    found: dict[str, Any] = decode_json(origin.resource)
    return found
