"""Answers about what cells did, as a person would ask for them in a real kernel."""

from __future__ import annotations

import pytest

from tests.kernels.kernel import Kernel


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("1/0", "cell [3] 1/0"),
        ("%span load\n1/0", "load"),
        ("%%span load\n1/0", "load"),
        ("%%span load\n%%span parse\n1/0", "parse"),
        ("%%span whole\n%span one\n1\n%span two\n1/0", "two"),
        ("%span load\nwith nbtrace.span('inner'):\n    1/0", "inner"),
        ("%span load -- 1/0", "load"),
        ("%span load\n@nbtrace.traced\ndef f():\n    1/0\nf()", "f"),
        ("%%span load\ntry:\n    1/0\nexcept ZeroDivisionError:\n    pass\n%span second\n1/0", "second"),
    ],
)
def test_an_exception_stands_once_among_the_errors(kernel: Kernel, code: str, name: str) -> None:
    """On the innermost span that it went through, whichever way that was opened; and once in the static tree's marks."""
    kernel.run("import nbtrace")
    kernel.run(code)
    found = kernel.run("nbtrace.errors()[['span_name', 'exception_type']].values.tolist()")
    assert found.result == f"[[{name!r}, 'ZeroDivisionError']]"
    assert kernel.run("nbtrace.cells(cell=3).error_count.tolist()").result == "[1]"


def test_cells_that_only_ask_are_no_work(kernel: Kernel) -> None:
    """They are left out of all answers about the work, and do not come between a person and the cell that did something;
    named by their count they are there, and so are their spans."""
    kernel.run("import nbtrace")  # 2
    kernel.run("with nbtrace.span('load'):\n    rows = 3")  # 3
    kernel.run("%spans table")  # 4
    kernel.run("rec = nbtrace.live()\nrec.errors()")  # 5
    kernel.run("from nbtrace import gaps\ngaps()")  # 6
    kernel.run("nbtrace.compare(3)")  # 7: fails
    kernel.run("rows += 1")  # 8
    kernel.run("%spans")  # 9

    def asked(question: str) -> str:
        return kernel.run(f"print({question})", store_history=False).stdout.strip()

    assert asked("nbtrace.cells().cell.tolist()") == "[3, 7, 8]"
    assert asked("nbtrace.cells(asking=True).cell.tolist()") == "[2, 3, 4, 5, 6, 7, 8, 9]"
    assert asked("nbtrace.cells(cell=[4, 3]).cell.tolist()") == "[3, 4]"
    assert asked("sorted(nbtrace.spans().cell.tolist())") == "[2, 3, 3, 4, 5, 6, 7, 8, 9]"
    assert asked("nbtrace.errors().cell.tolist()") == "[7]"
    assert asked("int(nbtrace.statistics()['count'].sum())") == "4"
    assert asked("int(nbtrace.statistics(asking=True)['count'].sum())") == "9"
    for question in ("self_times", "critical_path", "tree", "concurrency", "repeats", "gaps", "history"):
        fewer = f"len(nbtrace.{question}()) < len(nbtrace.{question}(asking=True))"
        assert asked(fewer) == ("False" if question == "repeats" else "True"), question
    assert asked("nbtrace.history().cell.sort_values().tolist()") == "[3, 7, 8]"
    whole = "nbtrace.compare(nbtrace.live(), nbtrace.live())"
    assert asked(f"int(({whole}['depth'] == 0).sum())") == "3"
    assert asked("nbtrace.gaps().cell_before.unique().tolist()") == "[3, 7]"
    assert asked("len(nbtrace.text())") == "4"
    assert asked("len(nbtrace.text(asking=True))") == "9"
    assert asked("len(nbtrace.text(cell=4))") == "1"
    assert asked("repr(nbtrace.view())") == "<Inspector of 4 spans>"
    assert asked("repr(nbtrace.view(asking=True))") == "<Inspector of 9 spans>"
    assert kernel.run("t = %spans self\nt.name.tolist()").result == "['cell [8] rows += 1']"
    assert kernel.run("t = %spans path\nt.name.tolist()").result == "['cell [8] rows += 1']"
    assert kernel.run("len(nbtrace.text(last=1)), len(nbtrace.text(last=3))").result == "(1, 4)"
    assert "Left out of answers about the work: " in kernel.run("%nbtrace status").stdout


def test_an_open_inspector_leaves_out_cells_that_only_ask_as_they_come(kernel: Kernel) -> None:
    """Running, ended, and told anew; one that fails comes with its end."""
    kernel.run("import nbtrace")
    kernel.run(
        "from nbtrace.views.inspector.feed import Feed\n"
        "from nbtrace.views.inspector.wire import Encoder\n"
        "names = []\n"
        "frames = Encoder.spans\n"
        "def spans(self, *args, **kw):\n"
        "    found = frames(self, *args, **kw)\n"
        "    names.extend(self._names._texts)\n"
        "    return found\n"
        "Encoder.spans = spans\n"
        "feed = Feed(nbtrace.live()._store, lambda frame: None)\n"
        "feed.first(); feed._greeted = True"
    )
    kernel.run("nbtrace.spans()")  # 4
    kernel.run("nbtrace.spans(where='nope > 1')")  # 5: fails
    kernel.run("done = 1")  # 6
    kernel.run("feed._told.news()")
    kernel.run("feed._told.everything()")
    told = kernel.run("print(sorted({name[:8] for name in names if name.startswith('cell')}))", store_history=False)
    assert told.stdout.strip() == "['cell [3]', 'cell [5]', 'cell [6]', 'cell [7]', 'cell [8]']"


def test_the_magic_asks_for_cells_that_only_ask(kernel: Kernel) -> None:
    """--asking is asking=True; without it --last and %spans self mean cells that did something."""
    kernel.run("x = 1")  # 2
    kernel.run("import nbtrace")  # 3
    kernel.run("%spans")  # 4
    found = []
    for line in ("cells", "cells --asking", "cells --last 1", "cells --asking --last 1", "self", "self --asking"):
        reply = kernel.run(f"t = %spans {line}\nprint(t['cell'].tolist())", store_history=False)
        found.append(reply.stdout.strip())
    assert found == ["[2]", "[2, 3, 4]", "[2]", "[4]", "[2]", "[4]"]


@pytest.mark.parametrize("depth", [2, 3, 4, 60])
def test_an_exception_out_of_a_line_that_calls_itself_stands_once(kernel: Kernel, depth: int) -> None:
    """Python folds such lines into a count, which is another for each span."""
    kernel.run("import nbtrace")
    kernel.run("@nbtrace.traced\ndef g(n): return g(n - 1) if n else 1 / 0")
    kernel.run(f"g({depth})")
    assert kernel.run("len(nbtrace.errors())").result == "1"
