from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbtrace.analysis.judging.errors import BudgetError
from nbtrace.analysis.judging.reading import OPERATORS, Budget, Limit, Selector, read_budget, read_limit
from nbtrace.analysis.judging.values import MAX_INT, MEASURES, SIGNED

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("cell:train < 30s", Budget(Selector("cell", "train"), "duration", "<", 30 * SECOND)),
        ("name:db.query count < 100", Budget(Selector("name", "db.query"), "count", "<", 100)),
        ("cells memory_peak < 2GB", Budget(Selector("cells"), "memory_peak", "<", 2_000_000_000)),
        ("cells memory_peak <= 1.5 GiB", Budget(Selector("cells"), "memory_peak", "<=", 3 * 2**29)),
        ("run < 5min", Budget(Selector("run"), "duration", "<", 300 * SECOND)),
        ("run errors == 0", Budget(Selector("run"), "errors", "==", 0)),
        ("name:load p95 <= 200ms", Budget(Selector("name", "load"), "p95", "<=", SECOND // 5)),
        ('name:"load data" p95<1.5h', Budget(Selector("name", "load data"), "p95", "<", 5_400 * SECOND)),
        ("name:'it\\'s \"x\"' count > 1_000", Budget(Selector("name", 'it\'s "x"'), "count", ">", 1_000)),
        ("  cell : 7   cores >= .5 ", Budget(Selector("cell", "7"), "cores", ">=", 0.5)),
        ("cells memory_change > -5MB", Budget(Selector("cells"), "memory_change", ">", -5_000_000)),
        ('cell:"<lambda>" < 1min 30s', Budget(Selector("cell", "<lambda>"), "duration", "<", 90 * SECOND)),
        ("cells gpu_memory_peak < 0", Budget(Selector("cells"), "gpu_memory_peak", "<", 0)),
    ],
)
def test_a_budget_is_read(typed: str, wanted: Budget) -> None:
    assert read_budget(typed) == wanted
    assert read_budget(typed).typed == typed.strip()


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("p95 +20%", Limit(Selector("names"), "p95", 20)),
        ("duration +10%", Limit(Selector("cells"), "duration", 10)),
        ("+10%", Limit(Selector("cells"), "duration", 10)),
        ("memory_peak+30 %", Limit(Selector("cells"), "memory_peak", 30)),
        ("name:db.query count +0%", Limit(Selector("name", "db.query"), "count", 0)),
        ("cell:train +15%", Limit(Selector("cell", "train"), "duration", 15)),
        ("cells memory_peak +30%", Limit(Selector("cells"), "memory_peak", 30)),
        ('name:"load 50%" p95 +12.5%', Limit(Selector("name", "load 50%"), "p95", 12.5)),
        ("run count -5%", Limit(Selector("run"), "count", 5, shrinks=True)),
    ],
)
def test_a_limit_of_change_is_read(typed: str, wanted: Limit) -> None:
    assert read_limit(typed) == wanted


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "nothing is written there. For example: cell:train < 30s"),
        ("cell:train", "a comparison is missing, such as < 30s. For example: cell:train < 30s"),
        ("cell:train <", "a value is missing behind the comparison, such as 30s"),
        ("cell:train < 30", "durations have a unit. Did you mean 30s or 30ms? For example: cell:train < 30s"),
        ("cell:train < 5m", "m is ambiguous: write min for minutes, ms for milliseconds"),
        ("cell:train < 2GB", "duration is a duration, and '2GB' a size"),
        ("cells memory_peak < 2", "sizes have a unit. Did you mean 2MB or 2GB?"),
        ("cells memory_peak < 2G", "'G' is no unit of sizes. Did you mean 2GB?"),
        ("cells memory_peak < 3s", "memory_peak is a size, and '3s' a duration"),
        ("cells memory_peak < 99999999999TB", "is more than 64 bits hold"),
        ("run < 99999999999999999h", "is more than 292 years"),
        ("run errors < 1.5", "errors is a whole number"),
        ("run errors < 3s", "errors is a plain number, without 's'"),
        ("run < many", "'many' is no duration. Write 100ms, 1.5s, 2min or 1h"),
        ("run < -3s", "duration is never less than nothing"),
        ("run < 20%", "a budget is no share of something"),
        ("run + 20%", "a change is judged against a baseline, and given as --fail-if"),
        ("name:load data p95 < 1s", 'a name with spaces stands in quotes. Did you mean name:"load data"?'),
        ('name:"load < 1s', "the \" that opens at '\"load < 1s' is not closed"),
        ('name:"a"b < 1s', "a space is missing behind the closing quote"),
        ("name:'' < 1s", "a name is missing behind name:"),
        ("name: < 1s", "a name is missing behind name:"),
        ("name:<lambda> count < 1", 'stands in quotes. Did you mean name:"<lambda>"?'),
        ("cell:train p95 < 1s", "a cell has no 'p95', which is of spans, as in name:NAME"),
        (
            "cells memory < 2GB",
            "cells have no 'memory'. Did you mean memory_peak? For example: cells memory_peak < 2GB",
        ),
        ("cell:train durration < 1s", "a cell has no 'durration'. Did you mean duration?"),
        ("duration < 3s", "of what? Write cells, cell:NAME, name:NAME or run before duration"),
        ("cel:train < 3s", "'cel' is nothing to judge. Did you mean cell:train? For example: cell:train < 30s"),
        ("span:load < 3s", "'span' is nothing to judge. Did you mean name:load?"),
        ("rum < 3s", "'rum' is nothing to judge. Did you mean run?"),
        ("cells cpu gc < 3s", "one measure is judged, and not 'cpu gc'"),
        ("cell:train = 3s", "'=' is no comparison; write == for it"),
        ("cell:train ~ 3s", "'~' is no comparison; known: < <= > >= =="),
        ("x" * 1_001, "it has 1,001 characters, at most 1,000 are read"),
    ],
)
def test_who_mistypes_a_budget_is_told_what_to_type(typed: str, said: str) -> None:
    """One line: what was typed, what is wrong with it, and an example, which works."""
    with pytest.raises(BudgetError) as told:
        read_budget(typed)
    assert said in str(told.value)
    assert "\n" not in str(told.value)
    read_budget(str(told.value).rpartition("For example: ")[2])


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "nothing is written there. For example: p95 +20%"),
        ("p95", "it ends with the change that is allowed, such as +20%"),
        ("p95 20%", "'20%' needs a sign: +20% for what must not grow by more. For example: p95 +20%"),
        ("p95 +20", "'+20' needs a %"),
        ("p95 x1.5", "a change is written in percent. For example: p95 +50%"),
        ("cell:train x0.5", "a change is written in percent. For example: cell:train -50%"),
        ("p95 < +20%", "a limit of change has no '<'; write the change alone"),
        ("cell:train < 30s", "a limit of change has no '<'; budgets are given to nbtrace run, as --budget"),
        ("p59 +20%", "'p59' is no measure. Did you mean p99?"),
        ("memory +20%", "'memory' is no measure. Did you mean memory_peak? For example: memory_peak +20%"),
        ("cells memory_change +3%", "memory_change can be less than nothing"),
        ("run -100%", "nothing grows smaller by more than all of it. For example: run duration -10%"),
        ("p95 +20% each", "nothing stands behind the change, and not 'each'"),
        ("what +20%", "'what' is nothing to judge. Did you mean cell:what? For example: cell:what +20%"),
        ("name:load data p95 +20%", 'Did you mean name:"load data"? For example: name:"load data" p95 +20%'),
    ],
)
def test_who_mistypes_a_limit_is_told_what_to_type(typed: str, said: str) -> None:
    with pytest.raises(BudgetError) as told:
        read_limit(typed)
    assert said in str(told.value)
    read_limit(str(told.value).rpartition("For example: ")[2])


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(str.strip)
selectors = st.one_of(
    st.builds(Selector, st.sampled_from(["cell", "name"]), names),
    st.builds(Selector, st.sampled_from(["cells", "run"])),
)


@st.composite
def budgets(draw: st.DrawFn) -> Budget:
    selector = draw(selectors)
    measure = draw(st.sampled_from(sorted(MEASURES[selector.kind])))
    whole = st.integers(-MAX_INT if measure in SIGNED else 0, MAX_INT)
    part = st.decimals(0, 10**9, places=3).map(float)
    value = draw(st.one_of(whole, part) if measure == "cores" else whole)
    return Budget(selector, measure, draw(st.sampled_from(OPERATORS)), value)


@settings(max_examples=50, deadline=None)
@given(budgets())
def test_a_budget_that_is_printed_is_read_as_the_same(budget: Budget) -> None:
    assert read_budget(str(budget)) == budget


@settings(max_examples=50, deadline=None)
@given(selectors, st.data())
def test_a_limit_that_is_printed_is_read_as_the_same(selector: Selector, data: st.DataObject) -> None:
    measure = data.draw(st.sampled_from(sorted(set(MEASURES[selector.kind]) - SIGNED)))
    limit = Limit(selector, measure, data.draw(st.integers(0, 9_999)) / 100, data.draw(st.booleans()))
    if not (limit.shrinks and limit.percent >= 100):
        assert read_limit(str(limit)) == limit


@settings(max_examples=50, deadline=None)
@given(
    st.text(st.sampled_from("cellsnamrup:\"'\\ <>=+-%0159.kGBs"), max_size=30),
    st.sampled_from([read_budget, read_limit]),
)
def test_whatever_is_typed_is_read_or_refused(typed: str, read: object) -> None:
    try:
        found = read(typed)  # type: ignore[operator]
    except BudgetError:
        return
    assert read(str(found)) == found  # type: ignore[operator]
