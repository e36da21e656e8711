"""Errors about what was asked, worded for whoever asked: in Python, or in a magic."""

from __future__ import annotations


class QuestionError(ValueError):
    """A question without an answer. Its text says what to type next in Python, `in_magic` what in a magic."""

    def __init__(self, text: str, in_magic: str | None = None) -> None:
        super().__init__(text)
        self.in_magic = text if in_magic is None else in_magic
        """The same for who asked by %spans or %nbtrace, in one line."""
