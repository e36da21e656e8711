"""Checksums in a Parquet file."""

from __future__ import annotations

import io
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nbtrace.formats.parquet.checksums import BLOCK, Damage, DamagedFileError, Summing, damage, footer_of


def written(size: int) -> bytes:
    """A file of about so many bytes, in several row groups."""
    file = io.BytesIO()
    sink = Summing(file)
    table = pa.table({"x": pa.array([random.Random(size).randbytes(size)])})
    writer = pq.ParquetWriter(pa.PythonFile(sink, mode="w"), table.schema, compression="none")
    for _ in range(3):
        writer.write_table(table)
    sink.footer_begins()
    writer.close()
    sink.finish()
    return file.getvalue()


def found(data: bytes) -> Damage | None:
    def read_at(length: int, at: int) -> bytes:
        return data[at : at + length]

    return damage(read_at, len(data), footer_of(read_at, len(data)))


@pytest.mark.parametrize("size", [1, BLOCK // 3, BLOCK, 2 * BLOCK + 1])
def test_other_readers_see_a_plain_file(size: int) -> None:
    """And its checksums are right, wherever the blocks end."""
    data = written(size)
    assert pq.read_table(io.BytesIO(data)).num_rows == 3
    assert found(data) == Damage(frozenset())


def test_a_changed_byte_is_found_in_its_block() -> None:
    data = bytearray(written(BLOCK))
    at = BLOCK + 5
    data[at] ^= 1
    hit = found(bytes(data))
    assert hit is not None
    assert hit.blocks == {1}
    assert hit.hits(at, at + 1)
    assert hit.hits(0, 3 * BLOCK)
    assert not hit.hits(0, BLOCK)


def test_a_changed_footer_is_not_read() -> None:
    data = bytearray(written(10))
    data[-20] ^= 1
    with pytest.raises(DamagedFileError, match="footer"):
        found(bytes(data))


def test_a_file_without_checksums_says_nothing_of_itself() -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"x": [1]}), file)
    assert found(file.getvalue()) is None


@pytest.mark.parametrize(
    "data", [b"", b"PAR1", b"\x80\x04K\x01." * 9, b"PAR1" + b"x" * 20, b"PAR1\xff\xff\xff\xffPAR1"]
)
def test_what_is_no_parquet_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedFileError):
        found(data)
