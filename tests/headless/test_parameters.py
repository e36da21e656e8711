from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell

from nbtrace.headless.parameters import ParameterError, put_in, read_parameters


def cells(defaults: str = "alpha = 1\nname = 'x'") -> list[Any]:
    tagged = new_code_cell(defaults)
    tagged.metadata["tags"] = ["parameters"]
    return [new_markdown_cell("# Title"), tagged, new_code_cell("print(alpha)")]


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("a=1", 1),
        ("a=0.1", 0.1),
        ("a=true", True),
        ("a=True", True),
        ("a=null", None),
        ("a=[1, 2]", [1, 2]),
        ('a={"b": "c"}', {"b": "c"}),
        ("a=(1, 'x')", (1, "x")),
        ("a=text with = in it", "text with = in it"),
        ("a=", ""),
        ("a='quoted'", "quoted"),
        ("a=2026-11-26", "2026-11-26"),
        ("a=Infinity", "Infinity"),
        ("a=1e999", "1e999"),
        ("a=__import__('os').getcwd()", "__import__('os').getcwd()"),
    ],
)
def test_values_are_what_json_or_python_make_of_them_or_text(typed: str, value: Any) -> None:
    """Nothing that is typed is run."""
    found = read_parameters((typed,))["a"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("typed", ["alpha", "=1", "al pha=1", "1=2", "a.b=3", ""])
def test_what_is_no_parameter_is_told(typed: str) -> None:
    with pytest.raises(ParameterError, match=r"is no parameter\. Type for example  --param alpha=0\.1"):
        read_parameters((typed,))


def test_a_parameter_that_stands_there_twice_is_told() -> None:
    with pytest.raises(ParameterError, match="--param a stands there twice"):
        read_parameters(("a=1", "a=2"))


def test_they_stand_behind_the_defaults() -> None:
    found = cells()
    put_in(found, {"alpha": 0.5, "name": "zoë"}, new_code_cell)
    assert [cell.source for cell in found[1:]] == [
        "alpha = 1\nname = 'x'",
        "# Parameters\nalpha = 0.5\nname = 'zoë'",
        "print(alpha)",
    ]
    assert found[2].metadata.tags == ["injected-parameters"]


def test_those_of_an_earlier_run_are_replaced() -> None:
    found = cells()
    put_in(found, {"alpha": 1}, new_code_cell)
    put_in(found, {"alpha": 2}, new_code_cell)
    assert [cell.source for cell in found[2:]] == ["# Parameters\nalpha = 2", "print(alpha)"]


def test_without_parameters_the_notebook_stays_as_it_is() -> None:
    found = [new_code_cell("x = 1")]
    put_in(found, {}, new_code_cell)
    assert [cell.source for cell in found] == ["x = 1"]


def test_a_name_that_the_notebook_does_not_set_is_told_with_the_nearest() -> None:
    with pytest.raises(ParameterError, match=r"knows no parameter .alhpa.\. Did you mean alpha\?"):
        put_in(cells(), {"alhpa": 1}, new_code_cell)
    with pytest.raises(ParameterError, match="It knows alpha, name"):
        put_in(cells(), {"zzz": 1}, new_code_cell)


def test_a_notebook_without_such_a_cell_takes_none() -> None:
    with pytest.raises(ParameterError, match="no cell has the tag 'parameters'"):
        put_in([new_code_cell("alpha = 1")], {"alpha": 1}, new_code_cell)


def test_defaults_with_annotations_and_magics_are_names_too() -> None:
    found = cells("%matplotlib inline\nalpha: float = 1\nb, c = 1, 2")
    put_in(found, {"alpha": 2, "c": 3}, new_code_cell)
    assert "alpha = 2" in found[2].source


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(_VALUES)
def test_any_value_arrives_as_it_is(value: Any) -> None:
    """What stands in the cell gives the value when it is run."""
    found = cells()
    put_in(found, {"alpha": value}, new_code_cell)
    namespace: dict[str, Any] = {}
    exec(found[2].source, namespace)
    assert namespace["alpha"] == value
