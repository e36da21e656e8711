"""Notebooks that others wrote, with and without nbtrace: what differs in what the cells have put out.

Optional, as the notebooks are not ours to carry: `python -m tests.benchmarks strangers FOLDER…` takes folders of them, or
notebooks; --timeout S is for a cell (60). Each one is executed twice by plain nbclient and once by `nbtrace run`, each time in a
fresh copy of its folder at one path, and to its end, also where cells fail. What the two plain runs do not agree about is left out, and counted; a difference that is
found counts if a second round finds it again."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

_PLAIN = """
import sys, nbformat, nbclient
notebook = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(
    notebook, timeout=float(sys.argv[3]), resources={"metadata": {"path": "."}}
).execute()
nbformat.write(notebook, sys.argv[2])
"""

_NOISE = [
    (re.compile(r"0x[0-9a-fA-F]{6,}"), "ADDRESS"),
    (re.compile(r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"[\d,]+ loops?( each)?"), "LOOPS"),
    (re.compile(r"ipykernel_\d+"), "ipykernel_PID"),
    (re.compile(r"\d\d:\d\d:\d\d(\.\d+)?"), "CLOCK"),
    (re.compile(r"\d+(\.\d+)?(e-?\d+)? ?([nmuµμ]?s|min|seconds)\b"), "TIME"),
]
"""What differs from run to run; looked through where the plain runs differ."""

Key = tuple[int, str]
"""The place of a cell, and what of it: "outputs", "execution_count", …; -1 is the notebook itself."""


class LeftOutError(Exception):
    """A notebook that cannot be compared, and why."""


def main() -> None:
    """Compare, and print every difference."""
    arguments = sys.argv[sys.argv.index("strangers") + 1 :]
    timeout = 60.0
    if "--timeout" in arguments:
        place = arguments.index("--timeout")
        timeout = float(arguments[place + 1])
        del arguments[place : place + 2]
    if not arguments:
        sys.exit("name folders of notebooks, as in  python -m tests.benchmarks strangers ~/notebooks")
    total: Counter[str] = Counter()
    for root, path in _notebooks(arguments):
        try:
            found, differences = compare(root, path, timeout)
            differences = differences and {
                key: value for key, value in compare(root, path, timeout)[1].items() if key in differences
            }
        except LeftOutError as error:
            total["left out"] += 1
            print(f"  left out  {path}: {error}", flush=True)
            continue
        total.update(found)
        total["notebooks"] += 1
        total["differ"] += len({place for place, _ in differences})
        print(f"{'DIFFERS' if differences else '  equal':<9} {path}: {_said(found)}", flush=True)
        for (place, what), (plain, traced) in differences.items():
            print(f"    cell {place}, {what}:\n      plain   {plain}\n      traced  {traced}", flush=True)
    print(
        f"{total['notebooks']} notebooks: {_said(total)}; {total['differ']} cells differ. {total['left out']} notebooks left out."
    )


def compare(root: Path, path: Path, timeout: float) -> tuple[Counter[str], dict[Key, tuple[str, str]]]:
    """Return how many cells were compared, and what differs: as plain nbclient has it, and as `nbtrace run` does.

    Raises LeftOutError for a notebook that plain nbclient does not get through."""
    given = _read(root / path)
    cells = [cell for cell in given.cells if cell.cell_type == "code" and cell.source.strip()]
    for cell in cells:  # so that those that fail end no run
        cell.metadata["tags"] = [*cell.metadata.get("tags", ()), "raises-exception"]
    first, second, traced = (_executed(root, path, given, timeout, how) for how in ("plain", "plain", "nbtrace"))
    found = Counter({"cells": len(cells), "failing": sum(_fails(cell) for cell in first.cells)})
    differences: dict[Key, tuple[str, str]] = {}
    unsteady = set()
    for (key, one), (_, other), (_, ours) in zip(_parts(first), _parts(second), _parts(traced), strict=True):
        if one != other:
            one, other, ours = (_without_noise(each) for each in (one, other, ours))
            found["compared without times and addresses"] += one == other
        if one != other:
            unsteady.add(key[0])
        elif ours != one:
            differences[key] = _shortened(one, ours)
    found["unsteady in plain runs"] = len(unsteady)
    return found, differences


def _notebooks(arguments: list[str]) -> Iterator[tuple[Path, Path]]:
    """The folder that is copied, and the notebook in it."""
    for argument in arguments:
        given = Path(argument).absolute()
        if given.is_file():
            yield given.parent, Path(given.name)
            continue
        for path in sorted(given.rglob("*.ipynb")):
            if not any(part.startswith(".") for part in path.relative_to(given).parts):
                yield given, path.relative_to(given)


def _read(path: Path) -> Any:
    """A notebook that asks for the kernel of this environment."""
    try:
        notebook: Any = nbformat.read(path, as_version=4)
    except Exception as error:
        raise LeftOutError(f"no notebook: {str(error).partition(chr(10))[0][:100]}") from None
    spec = notebook.metadata.get("kernelspec", {})
    language = notebook.metadata.get("language_info", {}).get("name", spec.get("language", "python"))
    if language.lower() not in ("python", "ipython"):
        raise LeftOutError(f"speaks {language}")
    if not any(cell.cell_type == "code" and cell.source.strip() for cell in notebook.cells):
        raise LeftOutError("no code")
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "python3", "language": "python"}
    return notebook


def _executed(root: Path, path: Path, given: Any, timeout: float, how: str) -> Any:
    """The notebook, executed in a copy of its folder, which lies at one path every time."""
    folder = Path(tempfile.gettempdir()) / "nbtrace-strangers"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        shutil.copytree(root, folder / "copy", symlinks=True)
        inside = folder / "copy" / path
        inside.unlink()  # it may be one that nobody may write
        nbformat.write(given, inside)
        files = {name: str(folder / name) for name in ("out.ipynb", "run.parquet", "report.html")}
        if how == "nbtrace":
            command = ["-m", "nbtrace", "run", inside.name, "--timeout", str(timeout), "-o", files["out.ipynb"]]
            command += ["--save", files["run.parquet"], "--report", files["report.html"]]
        else:
            command = ["-c", _PLAIN, inside.name, files["out.ipynb"], str(timeout)]
        try:
            done = subprocess.run(
                [sys.executable, *command],
                cwd=inside.parent,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=20 * timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise LeftOutError(f"{how}: not at its end after {20 * timeout:g} s") from None
        if done.returncode:
            said = done.stdout.decode("utf-8", "replace").strip().splitlines()
            told = [line for line in said if re.match(r"✗|[\w.]+(Error|Exception)\b", line)] or said[-1:] or [""]
            # What only nbtrace does not get through is the worst difference of all.
            raise LeftOutError(f"{how.upper() if how == 'nbtrace' else how}: {told[0][:150]}")
        return nbformat.read(files["out.ipynb"], as_version=4)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _parts(notebook: Any) -> list[tuple[Key, str]]:
    """All that a run may have changed."""
    notebook = json.loads(json.dumps(notebook))  # plain dicts
    parts = [((-1, "metadata"), json.dumps(notebook["metadata"], sort_keys=True))]
    for place, cell in enumerate(notebook["cells"]):
        cell.pop("id", None)  # of notebooks without ids every reader makes others
        cell["metadata"].pop("execution", None)  # times
        cell["outputs"] = _joined(cell.get("outputs", []))
        parts += [
            ((place, what), json.dumps(cell.get(what), sort_keys=True, ensure_ascii=False))
            for what in ("cell_type", "source", "metadata", "execution_count", "outputs")
        ]
    return parts


def _joined(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Outputs with what was printed in a row as one: a kernel sends it in pieces as its clock has it."""
    found: list[dict[str, Any]] = []
    for output in outputs:
        if found and output["output_type"] == "stream" and found[-1].get("name") == output["name"]:
            found[-1] = {**output, "text": found[-1]["text"] + output["text"]}
        else:
            found.append(output)
    return found


def _fails(cell: Any) -> bool:
    return any(output.output_type == "error" for output in cell.get("outputs", ()))


def _without_noise(text: str) -> str:
    for pattern, name in _NOISE:
        text = pattern.sub(name, text)
    return text


def _shortened(one: str, other: str, around: int = 150) -> tuple[str, str]:
    """Two texts from a little before where they part."""
    place = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, place - around // 2)
    return one[start : place + around], other[start : place + around]


def _said(found: Counter[str]) -> str:
    known = ("cells", "failing", "compared without times and addresses", "unsteady in plain runs")
    return ", ".join(f"{found[name]} {name}" for name in known if found[name] or name == "cells")
