from __future__ import annotations

from nbtrace.capture.exceptions import message, stacktrace, type_name


class Evil(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def caught(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as raised:
        return raised


def test_an_exception_whose_str_raises_is_described_all_the_same() -> None:
    error = caught(Evil())
    assert message(error) == "<Evil: unprintable, RuntimeError>"
    assert "exception str() failed" in stacktrace(error)
    assert type_name(error) == "tests.capture.test_exceptions.Evil"
    assert type_name(ValueError()) == "ValueError"


def test_a_chain_of_exceptions_is_told_whole() -> None:
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ValueError("outer") from inner
    except ValueError as error:
        text = stacktrace(error)
    assert text.index("KeyError: 'inner'") < text.index("direct cause") < text.index("ValueError: outer")


def test_an_exception_group_is_told_whole() -> None:
    error = caught(ExceptionGroup("several", [caught(ValueError("one")), caught(TypeError("two"))]))
    assert "ValueError: one" in stacktrace(error)
    assert "TypeError: two" in stacktrace(error)


def test_a_very_long_trace_keeps_both_ends() -> None:
    error = caught(ValueError("x" * 500_000))
    text = stacktrace(error)
    assert len(text) < 60_000
    assert text.startswith("Traceback")
    assert "characters left out" in text
