"""Which cells only ask."""

from __future__ import annotations

from typing import Any

import pytest

import nbtrace
from nbtrace import api
from nbtrace.capture.notebook.only_asking import Questions

NAMES: dict[str, Any] = {
    "nt": nbtrace,
    "rec": nbtrace.record(),
    "events": nbtrace.events,
    "df": 1,
    "tree": str,
    "fit": print,
    "print": max,
    "limit": 5,
    "fns": [print],
    "model": object(),
}


@pytest.mark.parametrize(
    "source",
    [
        "%spans",
        "%spans table --where x == 1",
        "spans table",
        "nbtrace status",
        "df = %spans table\ndf",
        "%load_ext nbtrace",
        "%config NBTrace.max_spans = 5",
        "%nbtrace status\n\n# and then\n%spans",
        "nbtrace.view?",
        "?nbtrace.view",
        "%spans?",
        "import nbtrace",
        "import nbtrace as t\nt.errors()",
        "from nbtrace import spans as s, view\ns()\nview()",
        "nt.errors()",
        "events()",
        "nbtrace.live()",
        "rec.view(cell=[3, 5])",
        "r = nbtrace.live()\nr.spans()",
        "df = nbtrace.spans()\ndf.head()\ndf[df.name == 'x']['duration'].sum()",
        "df: object = nbtrace.spans(where=f'cell == {df}')",
        "nbtrace.spans().groupby('name').duration.sum()",
        "nbtrace.spans().to_csv('spans.csv');",
        "nbtrace.plot.cells(top=3)",
        "display(nbtrace.view(), nbtrace.text(cell=3))",
        "len(nbtrace.spans())",
        "display('spans', nbtrace.spans())",
        "nbtrace.spans(cell=range(3, limit))",
        "spans",
        "nbtrace.recover()",
        "rec = nbtrace.recover('.nbtrace/run.journal')\nrec.text()",
        "nbtrace.recover(nbtrace.recover().file[0]).view()",
        "nbtrace.load('run.parquet').cells()",
        "nbtrace.save('run.parquet')",
        "  %spans cells",
        "    nbtrace.spans()\n    nbtrace.errors()",
        "# what happened?\n\nnbtrace.text()  # all of it",
    ],
)
def test_what_only_asks(source: str) -> None:
    assert Questions(api.QUESTIONS).only(source, NAMES)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "# nbtrace.spans()",
        "1",
        "x = 1\nnbtrace.spans()",
        "import nbtrace, os",
        "import nbtrace\nimport pandas",
        "from os import path",
        "nbtrace.record()",
        "rec = nbtrace.record()",
        "with nbtrace.record() as rec:\n    pass",
        "with nbtrace.span('x'):\n    pass",
        "nbtrace.span",
        "nbtrace.traced(f)()",
        "%span x",
        "%%span x\nnbtrace.spans()",
        "%%time\nnbtrace.spans()",
        "%time nbtrace.spans()",
        "!ls nbtrace",
        "%run nbtrace.py",
        "nbtrace.api.record()",
        "nbtrace.spans(cell=count())",
        "nbtrace.spans().apply(lambda row: fit(row))",
        "nbtrace.spans(cell=(n := 3))",
        "nbtrace.spans().apply(fit)",
        "nbtrace.spans().pipe(func=fit)",
        "df: fit() = nbtrace.spans()",
        "nbtrace.spans().pipe(fns[0])",
        "nbtrace.spans()[model.fit]",
        "nbtrace.spans().transform(model.fit)",
        "nbtrace.spans()['name'].map(exec)",
        "nbtrace.spans().query('@fit(name)')",
        "nbtrace.spans(cell=model @ model)",
        "print(nbtrace.spans())",
        "spans = nbtrace.spans().duration\nspans -base(1)",
        "nbtrace.spans(cell=[int(x) for x in names])",
        "[nbtrace.spans() for _ in range(3)]",
        "for _ in range(3):\n    nbtrace.spans()",
        "x = nbtrace.spans()\ntrain(x)",
        "fit(nbtrace.spans())",
        "print('nbtrace.spans()')",
        "print(model.fit(), nbtrace.spans())",
        "df.spans()",
        "tree('nbtrace')",
        "x.y = nbtrace.spans()",
        "x += nbtrace.spans()",
        "nbtrace.spans(",
        "nbtrace.spans()" + "[0]" * 3_000,
        "nbtrace.spans()\n" * 2_000,
        "nbtrace.spans()\0",
        "x = \ud800; nbtrace.spans()",
    ],
)
def test_what_is_work(source: str) -> None:
    assert not Questions(api.QUESTIONS).only(source, NAMES)


def test_a_name_that_the_user_has_taken_is_the_users() -> None:
    class Loud:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError("touched")

    loud = {"nbtrace": Loud(), "spans": Loud(), "nt": Loud()}
    questions = Questions(api.QUESTIONS)
    assert not questions.only("nbtrace.spans()", loud)
    assert not questions.only("spans()", loud)
    assert not questions.only("spans table", loud)
    assert not questions.only("nt.spans()", loud)
    assert questions.only("%spans", loud)


def test_an_answer_that_is_a_question_to_the_end_is_no_work_however_deep() -> None:
    assert Questions(api.QUESTIONS).only("nbtrace.spans()" + ".head()" * 20, NAMES)
