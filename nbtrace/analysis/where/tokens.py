"""The words of a condition. Which words are columns decides the table: keys may hold dots, dashes, slashes and colons, and
the longest known column wins.

Enters: a text, and the names of the columns. Leaves: tokens. Linear in the text, which is bounded."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from nbtrace.analysis.where import hints, kinds
from nbtrace.analysis.where.errors import FilterError, UnknownColumnError, nearest
from nbtrace.analysis.where.literals import UNITS
from nbtrace.analysis.where.tree import VOCABULARIES, Kind
from nbtrace.store.schema import ATTRIBUTE_PREFIX

MAX_LENGTH = 10_000
"""Characters of a condition."""

ALIASES = {"status": "status_code"}
KEYWORDS = {word: word.lower() for word in ("and", "or", "not", "in", "AND", "OR", "NOT", "IN")}
CONSTANTS = {"True": True, "true": True, "TRUE": True, "False": False, "false": False, "FALSE": False}

TokenKind: TypeAlias = Literal[
    "text", "number", "unit", "date", "column", "method", "variable", "constant", "option", "operator", "wrong", "end"
]

_INSTEAD = {
    "like": "`like` is not known. Write {0}.str.contains('x') or {0} ~ '^x.*y$'",
    "ilike": "`ilike` is not known. Write {0}.str.contains('x', case=False)",
    "between": "`between` is not known. Write {1} <= {0} <= {2}",
    "contains": "write {0}.str.contains('x')",
    "startswith": "write {0}.str.startswith('x')",
    "endswith": "write {0}.str.endswith('x')",
    "matches": "write {0} ~ 'x.*y'",
    "if": "`if` is not known: `and` and `or` are",
    "else": "`else` is not known: `and` and `or` are",
    "lambda": "functions are not known here. What is: comparisons, and, or, not, in, +-*/%, ~, .isna(), .str.contains()",
}
_INSTEAD.update(
    dict.fromkeys(("for", "while", "await", "yield", "import", "from", "def", "del", "return"), _INSTEAD["lambda"])
)
_MISSING = frozenset(("None", "none", "NONE", "null", "NULL", "nan", "NaN", "NAN", "NA", "NaT", "nil", "undefined"))
_OPERATORS = {
    "&&": "write `and` for &&",
    "||": "write `or` for ||",
    "===": "write == for ===",
    "!==": "write != for !==",
    "<>": "write != for <>",
    "=<": "write <= for =<",
    "=>": "write >= for =>",
    "=~": "write ~ for =~",
    "!~": "write not name ~ 'x' for !~",
    "**": "powers are not known: + - * / % are",
    "//": "// is not known: / is",
    ":=": "names are not given here. Write the value, or @x for the variable x",
    "!": "write `not` for !",
    "^": "^ is not known. Write `or`, `and`, `not`",
    ";": "a condition is one line. Write `and` between its parts",
    "#": "comments are not known",
    "?": "? is not known. Write `and`, `or`, `not`",
    "$": "write @x for the variable x",
}
_STOPS = r"\s()\[\]{},<>=!&|~+*%^@'\"`;?$\\#"
_RUN = rf"[^\d{_STOPS}\-/.:][^{_STOPS}]*"
_TOKEN = re.compile(
    rf"""(?P<space>\s+)
      | '(?P<single>(?:\\.|[^'\\])*)' | "(?P<double>(?:\\.|[^"\\])*)" | `(?P<quoted>[^`]*)`
      | @(?P<variable>[^\W\d]\w*)
      | (?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:T[0-9:.]+(?:Z|[+-][0-9:]+)?)?)(?![\w-])
      | (?P<number>(?:[0-9]+(?:_[0-9]+)*(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?P<unit>[^\W\d]\w*)?
      | (?P<run>{_RUN})
      | (?P<operator>===|!==|==|!=|<=|>=|<>|=<|=>|=~|!~|&&|\|\||\*\*|//|:=|.)""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN = re.compile(_RUN)
_METHOD = re.compile(r"\s*\.\s*([^\W\d]\w*(?:\.[^\W\d]\w*)*)")
_CALLED = re.compile(r"\s*\(")
_KEY = re.compile(r"\[(['\"])([^'\"]{1,60})\1\]")
_OPTION = re.compile(r"\s*=(?!=)")
_WORD = re.compile(r"[^\W\d]\w*")
_METHODS = re.compile(r"\.(?:isna|notna|isnull|notnull|str|dt)\b.*$", re.DOTALL)
_ESCAPED = re.compile(r"\\(['\"\\])")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the condition, from `start` to `end` in its text."""

    kind: TokenKind
    text: str
    """Of a text: what stands between its quotes. Of an operator: as the parser knows it."""
    start: int
    end: int


class Source:
    """The text of a condition, and the columns that it may name."""

    def __init__(
        self, text: str, columns: Mapping[str, Kind], also: Collection[str] = (), variables: Collection[str] = ()
    ) -> None:
        """also: names without a column, which an error can suggest. variables: their names, for the same."""
        self.text = text
        self.columns = columns
        self.also = also
        self.variables = variables
        self.wrong: FilterError | UnknownColumnError | None = None
        """What is said about the word of the kind `wrong`, behind which nothing is looked at. It waits until whoever reads
        comes there, so that the first fault is told."""
        self._longest = max(map(len, columns), default=0)

    def error(self, start: int, end: int, reason: str) -> FilterError:
        """Return an error of one line: the condition, the place in it, and what to write."""
        where = self.text
        if len(where) > _SHOWN:
            low = max(0, min(start - _SHOWN // 2, len(where) - _SHOWN))
            where = f"{'…' if low else ''}{where[low : low + _SHOWN]}{'…' if low + _SHOWN < len(where) else ''}"
        piece = self.text[start:end]
        piece = piece if len(piece) <= _SHOWN else piece[:_SHOWN] + "…"
        place = f"character {start + 1}, `{_one_line(piece)}`" if piece else "at the end"
        said = f"{place}: {reason}{'' if reason.endswith('?') else '.'}"
        return FilterError(f"where={where!r}, {said}", f"--where {_one_line(where)}, {said}")

    def unknown(self, name: str, start: int, advice: str = "", *, value: bool = False) -> UnknownColumnError:
        """Return the error for a name that is no column. value: columns are not what is meant, but advice."""
        known = list(dict.fromkeys([*self.columns, *self.also]))
        near = None
        in_magic = advice
        if raised := hints.raised(name, known):
            (advice, in_magic), near = raised, []
        elif column := hints.continued(self.text, start, known, lambda each: each != name and written(each) != each):
            near = [column]
        elif value:
            near = [each for each in nearest(name, known) if each.endswith("." + name)]
        return UnknownColumnError(name, known, advice, near, _in_prose, in_magic)

    def column(self, name: str) -> str | None:
        """Return the column that a name means, aliases followed."""
        if name in self.columns:
            return name
        alias = ALIASES.get(name)
        return alias if alias in self.columns else None

    def tokens(self) -> list[Token]:
        """Return the words, and behind them one of the kind `end`. Raises FilterError for a text that is too long."""
        if len(self.text) > MAX_LENGTH:
            said = (
                f"has {len(self.text):,} characters; at most {MAX_LENGTH:,} are read. "
                "Put long lists into a variable: name in @names."
            )
            raise FilterError(f"where= {said}", f"--where {said}")
        found: list[Token] = []
        at = 0
        while at < len(self.text):
            match = _TOKEN.match(self.text, at)
            assert match is not None, "any character is an operator"
            at = match.end()
            try:
                if match["number"] is not None:
                    found.append(Token("number", match["number"], match.start(), match.end("number")))
                    if match["unit"] is not None:
                        found.append(Token("unit", match["unit"], match.start("unit"), at))
                elif match["run"] is not None:
                    at = self._word(match["run"], match.start(), found)
                elif match["quoted"] is not None:
                    at = self._column(match["quoted"], match.start(), at, found)
                elif match["space"] is None:
                    found.append(self._simple(match))
            except (FilterError, UnknownColumnError) as error:
                self.wrong = error
                found.append(Token("wrong", "", match.start(), at))
                break
        return [*found, Token("end", "", len(self.text), len(self.text))]

    def _simple(self, match: re.Match[str]) -> Token:
        kind = match.lastgroup
        start, end = match.span()
        if kind == "single" or kind == "double":
            return Token("text", _ESCAPED.sub(r"\1", match[kind]), start, end)
        if kind == "variable" and self.text[end : end + 1] in (".", "[", "("):
            behind = self.text[start + 1 : end + 1]
            raise self.error(start, end + 1, f"@x is one plain variable. Write y = {behind}… above, and @y here")
        if kind == "date" and (timed := hints.date_and_time(match[kind], self.text[end : end + _SHOWN])):
            raise self.error(start, end + timed[0], timed[1])
        if kind == "variable" or kind == "date":
            return Token("variable" if kind == "variable" else "date", match[kind], start, end)
        operator = match[0]
        if operator in "'\"`":
            raise self.error(start, len(self.text), f"the {operator} that opens here is not closed")
        if operator == "@":
            raise self.error(start, end, "write @x for the variable x")
        if operator in _OPERATORS:
            raise self.error(start, end, _OPERATORS[operator])
        return Token("operator", {"&": "and", "|": "or", "=": "=="}.get(operator, operator), start, end)

    def _word(self, run: str, start: int, found: list[Token]) -> int:
        """Add what a run of letters begins with: the longest column, or a word of the grammar; return where it ends."""
        called = _CALLED.match(self.text, start + len(run)) is not None
        for length in _ends(run, self._longest, whole=not called):
            if self.column(run[:length]) is not None:
                return self._column(run[:length], start, start + length, found)
        word = _WORD.match(run)
        length = len(run) if word is None else word.end()
        if run[:length] in KEYWORDS:
            found.append(Token("operator", KEYWORDS[run[:length]], start, start + length))
        elif run[:length] in CONSTANTS:
            found.append(Token("constant", run[:length], start, start + length))
        elif run[:length] in UNITS and found and found[-1].kind == "number":  # 100 ms
            found.append(Token("unit", run[:length], start, start + length))
        elif found and found[-1].text == "," and _OPTION.match(self.text, start + length):
            found.append(Token("option", run[:length], start, start + length))
        else:
            raise self._refuse(run, start, called, found)
        return start + length

    def _column(self, name: str, start: int, end: int, found: list[Token]) -> int:
        """Add a column, and what is asked of it behind a dot; return where they end."""
        column = self.column(name)
        if column is None:
            raise self.unknown(name, start)
        found.append(Token("column", column, start, end))
        method = _METHOD.match(self.text, end)
        if method is None:
            return end
        called = _CALLED.match(self.text, method.end()) is not None
        if column.startswith(ATTRIBUTE_PREFIX) and not called and not _METHODS.match("." + method[1]):
            raise self.unknown(self.text[start : method.end()], start)
        found.append(Token("method", method[1], method.start(), method.end()))
        return method.end()

    def _refuse(self, run: str, start: int, called: bool, found: list[Token]) -> FilterError | UnknownColumnError:
        """Say what a word that is neither a column nor of the grammar may have meant."""
        word = run if (match := _WORD.match(run)) is None else match[0]
        behind = self.text[start + len(run) : start + len(run) + 1]
        if behind in ("'", '"') and behind and run.lower() in ("r", "b", "f", "u", "rb", "br", "rf", "fr"):
            return self.error(
                start, start + len(run), "leave the letter before the quote out: text is taken as it stands"
            )
        if run[0] in hints.QUOTES:
            return self.error(start, start + len(run), hints.straight(self.text[start : start + _SHOWN]))
        column = found[-1].text if found and found[-1].kind == "column" else "name"
        kind = self.columns.get(column, "text")
        low, high = kinds.two_values(column, kind)
        if run in _MISSING:
            return self.error(start, start + len(run), "a missing value is asked for with .isna() or .notna()")
        if run.lower() == "is":
            behind = self.text[start + len(run) : start + len(run) + _SHOWN]
            boolean = kind in ("any", "boolean")
            meant = hints.identity(behind, written(column), low, _MISSING, boolean=boolean)
            return self.error(start, start + len(run), meant)
        if run == word and run.lower() in _INSTEAD:
            return self.error(start, start + len(run), _INSTEAD[run.lower()].format(written(column), low, high))
        if run == "attributes" and behind == "[":
            key = _KEY.match(self.text, start + len(run))
            return self.error(start, start + len(run), f"write {ATTRIBUTE_PREFIX}{key[2] if key else 'KEY'}")
        if called and "." not in run:
            return self.error(start, start + len(run), _INSTEAD["lambda"])
        name = _METHODS.sub("", run) or run
        before = [token.text for token in found[-3:]]
        first = before[-1:] in ([], ["and"], ["or"], ["not"]) or (before[-1:] == ["("] and before[-2:-1] != ["in"])
        if first and hints.failed(name, self.columns):
            near = [each for each in nearest(name, [*self.columns, *self.also]) if name.lower()[:5] in each.lower()]
            return UnknownColumnError(name, self.columns, "Write status == 'ERROR' for what failed.", near, _in_prose)
        compared = _compared_with(before)
        is_text = self.columns.get(compared, "text") in ("text", "any")
        text = _as_text(run, before) if is_text and not called else ""
        if (variable := hints.variable(run, self.variables)) and not called:
            also = ""
            if text and variable == run and before[-1:] != ["in"] and compared not in VOCABULARIES:
                also = f", or {variable!r} for the text"
            return self.unknown(
                variable, start, f"It is a variable of yours: write @{variable}{also}.", value=not first
            )
        return self.unknown(name, start, text, value=bool(text) and compared in VOCABULARIES)


def written(column: str) -> str:
    """Return a column as it is written in a condition: with backticks if it needs them."""
    return column if _PLAIN.fullmatch(column) or "`" in column else f"`{column}`"


def _in_prose(column: str) -> str:
    return repr(column) if written(column) == column else _one_line(written(column))


def _ends(run: str, longest: int, *, whole: bool) -> list[int]:
    """Return where a column can end in a run of letters, the longest first: at its end, and before . - / and :."""
    ends = [at for at in range(min(len(run) - 1, longest), 0, -1) if run[at] in ".-/:"]
    return [len(run), *ends] if whole else ends


def _as_text(word: str, before: list[str]) -> str:
    """Return what is said of a word that stands where a value is expected: it may be a text without its quotes."""
    listed = before[1:2] == ["in"]
    if len(word) > _SHOWN or not (listed or before[-1:] in (["=="], ["!="], ["~"], [","])):
        return ""
    return f"Text is written in quotes: {kinds.word_meant(_compared_with(before), word) or word!r}."


def _compared_with(before: list[str]) -> str:
    """Return what stands before the operator, or the `in`, behind which a word stands."""
    return (before[0] if before[1:2] == ["in"] else before[-2]) if len(before) > 1 else ""


def _one_line(piece: str) -> str:
    return piece if piece.isprintable() else repr(piece)
