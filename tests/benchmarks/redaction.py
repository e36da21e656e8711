"""What redaction costs the sealing thread: per span of five attributes and a name, as a real recording mixes them, and per kB of
a cell's source; beside it, the same texts when none was seen before."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from nbtrace.store.redaction.redactor import Redactor

ROUNDS, SPANS = 7, 10_000

SOURCE = """
import pandas as pd
orders = pd.read_parquet("s3://bucket/orders/2024.parquet", columns=["id", "total", "token_count"])
for key, group in orders.groupby("customer_id"):
    with nbtrace.span("fit", rows=len(group)):
        model = fit(group, tokenizer=tokenizer, author="Ada")  # the key of the group is its customer
        scores[key] = model.score(group[["total", "age"]], group["target"])
print(f"{len(scores)} models, best {max(scores.values()):.3f}")
"""


def spans(seen: bool) -> list[tuple[str, dict[str, Any]]]:
    """Names and attributes; with `seen`, all but ids repeat, else every text is new."""
    made = []
    for i in range(SPANS):
        n = i % 20 if seen else i
        made.append(
            (
                f"GET /orders/{n}",
                {
                    "n": i,
                    "share": i / SPANS,
                    "http.request.method": "GET" if seen else f"GET{chr(97 + i % 26)}{i:x}",
                    "url.full": f"https://api.example.com/v1/orders/{i}?page=3&limit=50"
                    + ("" if seen else f"&q={i:x}"),
                    "db.query.text": "SELECT o.id, o.total, c.name FROM orders o JOIN customers c ON c.id = o.customer_id "
                    f"WHERE o.id > {n} AND o.status IN ('paid', 'open') ORDER BY o.total DESC LIMIT 100"
                    + ("" if seen else f" -- {i:x}"),
                },
            )
        )
    return made


def best(work: Callable[[], None]) -> float:
    """The least of several rounds, in µs."""
    took = []
    for _ in range(ROUNDS):
        began = time.thread_time_ns()
        work()
        took.append(time.thread_time_ns() - began)
    return min(took) / 1_000


def main() -> None:
    """Print µs."""
    print("redaction, in the sealing thread")
    for title, seen in (("as recordings are, ids alone differ", True), ("every text new", False)):
        made = spans(seen)

        def work(made: list[tuple[str, dict[str, Any]]] = made) -> None:
            redactor = Redactor()
            for name, attributes in made:
                redactor.text(name)
                for key, value in attributes.items():
                    redactor.value(key, value)

        print(f"  {best(work) / SPANS:6.2f} µs a span with five attributes: {title}")
    source = SOURCE * 50
    print(f"  {best(lambda: print(end=Redactor().source(source)[:0])) / len(source) * 1_000:6.2f} µs a kB of source")
