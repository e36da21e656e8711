"""Private parts are named in one room each: what import-linter cannot see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbtrace
from nbtrace.capture.sdk import private

PACKAGE = Path(nbtrace.__file__).parent
NAMES = {part for each in private.SHORTCUTS for path in each.names for part in path.split(".")[1:] if part[0] == "_"}


def lines(room: str) -> Iterator[tuple[str, str]]:
    """The lines of all modules but those in a room."""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).as_posix()
        if not module.startswith(room):
            for line in path.read_text(encoding="utf-8").splitlines():
                yield module, line


def test_no_module_outside_capture_sdk_names_a_private_part_of_the_sdk() -> None:
    names = "|".join(sorted(NAMES))
    private_part = re.compile(rf"(?:\b(?!self\b|cls\b)\w+|[)\]])\.(?:{names})\b|getattr\(.*[\"'](?:{names})[\"']")
    found = [(module, line.strip()) for module, line in lines("capture/sdk/") if private_part.search(line)]
    assert found == []


def test_no_module_outside_capture_sdk_imports_the_sdk() -> None:
    """import-linter sees `opentelemetry` alone, whose API everybody may use."""
    found = [
        (module, line) for module, line in lines("capture/sdk/") if re.search(r"(from|import) opentelemetry\.sdk", line)
    ]
    assert found == []


def test_no_module_of_capture_outside_capture_notebook_names_ipython_in_code() -> None:
    found = [
        (module, line.strip())
        for module, line in lines("capture/notebook/")
        if module.startswith("capture/")
        and re.search(r"\bIPython\b|get_ipython|ipykernel", line.partition("#")[0])
        and re.search(r"import|[\"']IPython", line)
    ]
    assert found == []
