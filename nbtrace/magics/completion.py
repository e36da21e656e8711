"""What the Tab key offers on a line of %spans and %nbtrace: our words alone, and what stands in the recording.

Enters: the line up to the cursor. Leaves: the piece before the cursor that is completed, and what it may become. On all
other lines IPython completes as ever."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from nbtrace import api
from nbtrace.analysis.where.tokens import written
from nbtrace.analysis.where.tree import VOCABULARIES
from nbtrace.answers.register import by_word
from nbtrace.faults import fault
from nbtrace.magics.lines.pieces import condition_of
from nbtrace.magics.lines.words import MAGICS, OPTIONS, Magic

MOST_VALUES = 50
"""So many values of a column are offered, of at most LONGEST characters."""

LONGEST = 80

LONGEST_LINE = 2_000
"""Characters of a line; nobody types a longer one, and the patterns below would take their time."""

_LINE = re.compile(r"(?:[^%#'\"]*=)?\s*%(spans|nbtrace)\s(.*)", re.DOTALL)
_PIECE = re.compile(r"[`@]?[^\s`'\"()\[\],=<>!~@]*$")
_ASKED = re.compile(
    r"(?:^|[\s(])`?([^\s`()=<>!~]+)`?\s*(==|!=|<=?|>=?|~|(?:not\s+)?in\b)\s*(?:[\[(](?:[^\])]*,)?)?\s*$"
)
_OPEN_QUOTE = re.compile(r"""^(?:[^'"]|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")*(['"])((?:\\.|(?!\1)[^\\])*)$""")
_ENDED = re.compile(r"(?:['\")\]]|(?<![^\s(,=<>~@-])@?[\w.]+)\s+$")
OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "in", "~")
_DURATIONS = ("100ms", "1s", "10s", "1min")
_PLAIN = (str, int, float, bool)

Offer = tuple[str, list[str]]
"""The piece before the cursor, and what it may become."""


class Completion:
    """The completion of our magics in one shell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._matcher: Any = None

    def install(self) -> None:
        """Put it before IPython's own."""
        completer = getattr(self._shell, "Completer", None)
        if completer is None:
            return
        try:
            from IPython.core.completer import context_matcher
        except ImportError:  # before IPython 8.6 these alone keep the others from being asked
            self._matcher = self._match_line
            completer.magic_arg_matchers.append(self._matcher)
            return
        self._matcher = context_matcher(identifier="nbtrace")(lambda context: self._match(context))
        completer.custom_matchers.append(self._matcher)

    def uninstall(self) -> None:
        """Take it out again."""
        completer = getattr(self._shell, "Completer", None)
        for matchers in ("custom_matchers", "magic_arg_matchers"):
            found = getattr(completer, matchers, None)
            if isinstance(found, list) and self._matcher in found:
                found.remove(self._matcher)

    def _match(self, context: Any) -> Any:
        from IPython.core.completer import SimpleCompletion

        piece, found = self._offer(context.text_until_cursor) or ("", [])
        return {
            "completions": [SimpleCompletion(text=text, type="magic") for text in found],
            "matched_fragment": piece,
            "suppress": bool(found),
            "ordered": True,
        }

    def _match_line(self, line: str) -> list[str]:
        """What IPython's own piece before the cursor may become: it ends ours, and may begin later."""
        completer = self._shell.Completer
        before = completer.text_until_cursor
        piece, found = self._offer(before) or ("", [])
        begins = len(piece) - len(completer.splitter.split_line(before))
        if begins < 0:  # it began before ours: what is before it stays
            return [before[len(before) - len(piece) + begins : len(before) - len(piece)] + text for text in found]
        return [text[begins:] for text in found if text.startswith(piece[:begins])]

    def _offer(self, before: str) -> Offer | None:
        try:
            hidden = getattr(self._shell, "user_ns_hidden", {})
            return offered(before, {name: v for name, v in self._shell.user_ns.items() if name not in hidden})
        except Exception:
            fault("completing a magic")
            return None


def offered(before: str, variables: Mapping[str, Any]) -> Offer | None:
    """Return what the line up to the cursor offers; None for a line that is none of ours.

    Where nothing of ours goes on, the piece itself is offered: nothing changes then, and neither files nor other magics are
    taken for something that could stand there."""
    before = before.rpartition("\n")[2]
    match = _LINE.match(before) if len(before) <= LONGEST_LINE else None
    if match is None:
        return None
    magic, line = MAGICS["%" + match[1]], match[2]
    head, condition, behind = condition_of(line)
    inside = condition is not None and not behind and not line.endswith("--where")
    if inside and not re.search(r"\s--?$", condition or ""):
        word = next((each for each in head.split() if each in magic.words), magic.default)
        return _condition(condition or "", word, variables)
    piece = re.split(r"[\s=,]", line)[-1]
    words = line[: len(line) - len(piece)].split()
    if condition is not None:
        # What the condition holds is no word of the line.
        words = [*head.split(), *(["--where", "…"] if condition else []), *behind[: len(behind) - len(piece)].split()]
    choices = _choices(magic, words)
    if choices is None:
        return None
    found = [choice for choice in choices if choice.startswith(piece)]
    return piece, found or [piece]


def _choices(magic: Magic, words: list[str]) -> list[str] | None:
    """What may stand behind these words; None for a file, which IPython knows better."""
    typed = re.split(r"[\s=]", re.sub(r",\S*$|=$", "", " ".join(words)))
    holds = OPTIONS.get(typed[-1]) or (OPTIONS.get(typed[-2]) if words and words[-1].endswith(",") else None)
    if holds == "cells":
        return _cells()
    if holds == "count":
        return ["1", "2", "3", "5", "10"]
    word = next((each for each in words if each in magic.words), None)
    spec = magic.words[word or magic.default]
    if holds == "choice":
        return list(spec.by)
    found: list[str] = []
    if word is None and not [
        each for each in words if not each.startswith("-") and not each[0].isdigit() and each != "…"
    ]:
        found += magic.words
    elif word is not None and spec.takes in ("file", "name"):
        return None
    elif word is not None and spec.takes == "cells" and len(words) < 3:
        found += _cells()
    elif word is not None and spec.takes == "switch and file" and len(words) > 1:
        return None
    elif word is not None and spec.takes.startswith("switch") and len(words) < 2:
        found += ["on", "off"]
    given = {each.partition("=")[0] for each in words}
    both = {"--cell", "--last"}
    return found + [each for each in spec.options if each not in given and not (each in both and given & both)]


def _cells() -> list[str]:
    """The cells there are, the last one first."""
    return [str(cell) for cell in api.live()._last_cells(MOST_VALUES)[::-1]]


def _condition(text: str, word: str, variables: Mapping[str, Any]) -> Offer:
    """What may go on in a condition."""
    text = text.lstrip()
    if text[:1] in ("'", '"') and text.find(text[0], 1) == -1:
        text = text[1:]  # the quotes around all of it
    quote = _OPEN_QUOTE.match(text)
    if quote is not None:
        piece = quote[1] + quote[2]
        values = _values(text[: len(text) - len(piece)], word, quote[1])
        found = [value for value in values if value.startswith(piece)]
        return piece, found or [piece]
    found_piece = _PIECE.search(text)
    piece = found_piece[0] if found_piece else ""
    before = text[: len(text) - len(piece)]
    if piece.startswith("@"):
        names = sorted(name for name, value in variables.items() if not name.startswith("_") and _is_plain(value))
        choices: Iterable[str] = [f"@{name}" for name in names]
    elif _ASKED.search(before):
        choices = [*_values(before, word, "'"), "@"] if piece else _values(before, word, "'")
    elif re.search(r"(?:^|\b(?:and|or|not)\s|[&|(])\s*$", before):
        choices = [*map(written, _columns(word)), *(("not",) if not before.endswith("not ") else ())]
    elif _ENDED.search(before):
        last = before.split()[-1].strip("`")
        is_column = last in _columns(word) and not re.search(r"[=<>~]\s*\S+\s+$", before)
        choices = OPERATORS if is_column else ("and", "or")
    else:
        choices = map(written, _columns(word))
    bare = piece.lstrip("`")
    found = [choice for choice in choices if choice.startswith(piece) or (bare and choice.lstrip("`").startswith(bare))]
    return piece, found or [piece]


def _is_plain(value: Any) -> bool:
    return type(value) in _PLAIN or type(value) in (list, tuple, set, frozenset)


def _table(word: str) -> Any:
    """The table whose columns a condition behind the word is about: the answer's own, or the spans."""
    own = word if word in ("errors", "cells", "lines", "tasks") else "table"
    return by_word()[own].ask(api.live())


def _columns(word: str) -> list[str]:
    return [str(column) for column in _table(word).columns]


def _values(before: str, word: str, quote: str) -> list[str]:
    """Values that a column can be asked for: those of its rows, the words of its vocabulary, durations."""
    match = _ASKED.search(before)
    if match is None:
        return []
    table = _table(word)
    column = match[1] if match[1] in table else "attributes." + match[1]
    if column not in table:
        return []
    if column in VOCABULARIES:
        values: Iterable[Any] = VOCABULARIES[column]
    elif column == "duration" or table[column].dtype.kind == "m":
        return list(_DURATIONS)
    else:
        values = table[column].dropna().iloc[::-1].head(10_000)
    found = dict.fromkeys(value for value in values if type(value) is str and len(value) <= LONGEST)
    plain = [value for value in found if value.isprintable() and quote not in value and "\\" not in value]
    return [f"{quote}{value}{quote}" for value in plain[:MOST_VALUES]]
