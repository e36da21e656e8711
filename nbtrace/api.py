"""The public functions: those that make spans and recordings, and those that answer about the live one."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from nbtrace.analysis.whole_numbers import checked
from nbtrace.answers.register import REGISTER
from nbtrace.capture.spans import span, traced
from nbtrace.recording import Recording, checked_source, from_elsewhere
from nbtrace.store.libraries import open_libraries
from nbtrace.store.rate import checked_rate
from nbtrace.store.redaction.choice import Redact
from nbtrace.store.redaction.rows import CaptureSource
from nbtrace.store.span_store import SpanStore

if TYPE_CHECKING:
    import pandas as pd

    from nbtrace.formats.reading import Loaded

QUESTIONS = frozenset({"live", "load", "recover", *REGISTER})
"""Public names by which nothing is done but asked."""

__all__ = ["QUESTIONS", "Recording", "arrive", "live", "load", "record", "recover", "span", "traced", *REGISTER]

_live = Recording(SpanStore())


def live() -> Recording:
    """Return the notebook's recording: what the functions of this package answer about. Empty until the extension is
    loaded."""
    return _live


def record(
    *,
    max_spans: int = 1_000_000,
    max_bytes: int = 1_000_000_000,
    redact: Redact = True,
    capture_source: CaptureSource = "full",
    sampling: int | bool = False,
) -> Recording:
    """Return a new recording, for scripts and tests: `with nbtrace.record() as rec: …`, or rec.start() and rec.stop().

    Records all spans of the process, from the global provider or, where there is none, from one of nbtrace's own. The oldest
    spans go first beyond either bound.

    redact: what looks like a secret is not kept; False keeps everything, a list of "+rule" and "-rule" changes the rules, a
    callable f(key, value) has the last word. capture_source: "full", "hash" or "none" of the cells' code. sampling: how often a
    second the thread that starts the recording, and those that it starts, are looked at, 1 to 1000; see `hotspots`. Raises
    ValueError for what is none of these, and says which rules there are."""
    return Recording(
        SpanStore(
            max_spans=checked("max_spans", max_spans),
            max_bytes=checked("max_bytes", max_bytes),
            redact=redact,
            capture_source=checked_source(capture_source),
            sampling=checked_rate(sampling),
        )
    )


def arrive() -> bool:
    """Send what this process records to the notebook that has started it, below the span that was current there.

    For a Python program that a notebook starts by `subprocess` after `%nbtrace propagate on`; it can be called anywhere else too,
    and does nothing there. Return whether the notebook is told. Under opentelemetry-instrument it is called by itself."""
    from nbtrace.capture.live import arrive

    return arrive()


def load(path: str | os.PathLike[str]) -> Recording:
    """Return the recording that a file holds: it answers all that a live one does, and does not record.

    Reads what `save` has written, files and folders ("runs/"), and what others have in these formats: .jsonl and .otlp of any
    tool of OpenTelemetry, whose spans without an end are shown as unfinished. What looks like a secret was taken out when it
    was recorded; nothing more is taken out here. Where a part of a file cannot be read, the others are, and a
    PartlyReadWarning counts what is missing. Raises UnknownFormatError for another suffix, UnreadableFileError for a file of
    which nothing can be read, and OSError."""
    open_libraries()
    from nbtrace.formats.register import read

    return _loaded(path, read(path))


@overload
def recover(path: None = None) -> pd.DataFrame: ...


@overload
def recover(path: str | os.PathLike[str]) -> Recording: ...


def recover(path: str | os.PathLike[str] | None = None) -> pd.DataFrame | Recording:
    """Return the recording that a journal holds, however its process ended; without a path, which journals there are.

    A span that had not ended when the process died is unfinished. The list has one row per journal beside the notebook, in
    `.nbtrace` or not, or in the folder that is given, the last one first: file, state (str: died, closed, running, recovered,
    elsewhere for another machine's), notebook (str), started, written (datetime64[ns, UTC]), bytes (int64). It shows itself
    with whole paths, from the folder in which the process works. A line that the death has torn is left out; others that
    cannot be read are counted in a PartlyReadWarning. Raises FileNotFoundError, UnreadableFileError for a file that is no
    journal, and OSError."""
    open_libraries()
    from nbtrace.analysis.journals import journals
    from nbtrace.formats.journal import folder
    from nbtrace.formats.journal.files import journal_of
    from nbtrace.formats.journal.reader import read_journal
    from nbtrace.views.formatted import Answer

    if path is None:
        notebooks = [os.environ.get("JPY_SESSION_NAME"), None]
        found = {each.path: each for notebook in notebooks for each in folder.beside(notebook)}
        return Answer.of(journals(list(found.values())), "journals")
    if Path(path).is_dir():
        return Answer.of(journals(folder.journals(Path(path))), "journals")
    journal = journal_of(Path(path))
    recording = _loaded(path, read_journal(journal))
    folder.note_recovered(journal)
    return recording


def _loaded(path: str | os.PathLike[str], loaded: Loaded) -> Recording:
    if loaded.unread:
        from nbtrace.formats.reading import PartlyReadWarning

        warnings.warn(f"{os.fspath(path)!r}: {'; '.join(loaded.unread)}.", PartlyReadWarning, stacklevel=3)
    return from_elsewhere(loaded.snapshot)


def __getattr__(name: str) -> Any:
    # The live recording's answers, as functions.
    if name in REGISTER:
        return getattr(_live, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
