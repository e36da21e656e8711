"""Which cells only ask nbtrace: looking at the work is no work, and has no place among the answers about it.

Enters: a cell's source, and the names that it can use. Leaves: yes or no. The code is read, never run, and of the user's
objects nothing but the type is looked at."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Collection, Mapping
from types import FunctionType, MethodType, ModuleType
from typing import Any

_LOOKED_AT = 10_000
"""Characters; a longer cell is work."""

_BEGINNING = 300
"""Characters within which a cell that only asks has a word of ours; no other is parsed."""

_MAGIC = re.compile(
    r"^(?P<assigned>[A-Za-z_]\w*[ \t]*=[ \t]*)?"
    r"(?:\?{0,2}%(?:spans|nbtrace)\b.*|%(?:load_ext|reload_ext)[ \t]+nbtrace[ \t]*|%config[ \t]+NBTrace\b.*|"
    r"\?{0,2}nbtrace[\w.]*\?{1,2}|\?{1,2}nbtrace[\w.]*|(?P<automagic>spans|nbtrace)(?:[ \t]+[\w-].*)?)$",
    re.MULTILINE,
)
"""A line that is one of our magics, with or without its percent sign, or a question about our names."""

_MAGIC_CALL = "_nbtrace_magic"
"""What stands for a magic where the line is read as Python."""

_CALLING = frozenset({"agg", "aggregate", "apply", "applymap", "eval", "map", "pipe", "query", "transform"})
"""Methods of a DataFrame that call what they are given, by a name in a text too."""

_PLAIN = (bool, bytes, dict, float, frozenset, int, list, range, set, str, tuple)

_SHOWING = frozenset({"display", "len", "print"})
"""What an answer may be handed to without becoming work."""


class Questions:
    """The questions by their names, `work` among the public names being none of them."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = frozenset(names)
        self._words = ("nbtrace", "spans", "%spans", "NBTrace", "plot.", *(f"{name}(" for name in self.names))

    def only(self, source: str, namespace: Mapping[str, Any]) -> bool:
        """Return whether every statement of a cell is a magic of ours, an import of nbtrace, or a question, asked or assigned.

        A question may go on: `nbtrace.spans().head()`, `print(nbtrace.text())`; whatever calls anything else is work."""
        beginning = source.lstrip()[:_BEGINNING]
        if len(source) > _LOOKED_AT or not any(word in beginning for word in self._words):
            return False
        if source.lstrip().startswith("%%"):
            return False

        # As IPython does: what is indented as a whole is not, and only a line by itself is a magic without its sign.
        source = textwrap.dedent(source) if source[:1] in (" ", "\t") else source
        alone = "\n" not in source.strip()

        def as_question(magic: re.Match[str]) -> str:
            if magic["automagic"] and (not alone or magic["automagic"] in namespace):
                return magic[0]
            return f"{magic['assigned'] or ''}{_MAGIC_CALL}()"

        try:
            body = ast.parse(_MAGIC.sub(as_question, source)).body
            reader = _Reader(self.names, namespace)
            return bool(body) and all(map(reader.asks, body))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False


class _Reader:
    """Reads statement after statement, and knows what the cell itself has named before."""

    def __init__(self, questions: frozenset[str], namespace: Mapping[str, Any]) -> None:
        self._questions = questions
        self._namespace = namespace
        known = namespace.get("nbtrace")
        self._package = {"nbtrace"} if known is None or _is_ours(known) else set()
        self._functions = {_MAGIC_CALL}
        self._answers: set[str] = set()

    def asks(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.Expr(value=value):
                return self._is_answer(value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                return self._names(name, value)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=kind, value=ast.expr() as value):
                return isinstance(kind, (ast.Name, ast.Constant)) and self._names(name, value)
            case ast.Import(names=names):
                self._package.update(each.asname or "nbtrace" for each in names)
                return all(each.name.partition(".")[0] == "nbtrace" for each in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                self._functions.update(each.asname or each.name for each in names if each.name in self._questions)
                return module.partition(".")[0] == "nbtrace"
        return False

    def _names(self, name: str, value: ast.expr) -> bool:
        """Whether an answer is given a name, to be used by the statements below."""
        if not self._is_answer(value):
            return False
        self._answers.add(name)
        return True

    def _is_answer(self, value: ast.expr) -> bool:
        """Whether an expression is a question that is asked, or what follows from one."""
        match value:
            case ast.Name(id=name):
                return name in self._answers or name in self._package
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in self._package:
                return attribute in self._questions
            case ast.Attribute(value=inner):
                return self._is_answer(inner)
            case ast.Subscript(value=inner, slice=index):
                return self._is_answer(inner) and self._is_plain(index)
            case ast.Call(func=ast.Name(id=name), args=args) if name in _SHOWING and name not in self._namespace:
                return any(map(self._is_answer, args)) and self._all_plain(value, args)
            case ast.Call(func=function, args=args):
                return self._is_question(function) and self._all_plain(value, args)
        return False

    def _is_question(self, function: ast.expr) -> bool:
        """Whether a function is a question, or a method of an answer."""
        match function:
            case ast.Name(id=name):
                return name in self._functions or _is_our_method(self._namespace.get(name), self._questions)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name not in self._answers:
                if name in self._package or _is_ours(self._namespace.get(name)):
                    return attribute in self._questions
                return False
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id=name), attr="plot")):
                return name in self._package or _is_ours(self._namespace.get(name))
            case ast.Attribute(value=inner, attr=attribute):
                return attribute not in _CALLING and self._is_answer(inner)
        return False

    def _all_plain(self, call: ast.Call, args: list[ast.expr]) -> bool:
        return all(map(self._is_plain, [*args, *(keyword.value for keyword in call.keywords)]))

    def _is_plain(self, value: ast.expr) -> bool:
        """Whether a value is had without running anything of the user's, and is nothing that a method of an answer would
        call: `nbtrace.spans().apply(fit)` is work. In doubt it is not: what is taken for asking is left out of answers."""
        match value:
            case ast.Constant():
                return True
            case ast.Name(id=name):
                known = self._namespace.get(name)
                return type(known) in _PLAIN or _is_ours(known) or self._is_answer(value)
            case ast.Call(func=ast.Name(id="range"), args=args):
                return "range" not in self._namespace and self._all_plain(value, args)
        kinds = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.Slice)
        if isinstance(value, (*kinds, ast.JoinedStr, ast.FormattedValue, ast.Starred)):
            return all(map(self._is_plain, _expressions(value)))
        return self._is_answer(value)


def _expressions(value: ast.AST) -> list[ast.expr]:
    """The expressions right below a node, those in slices and parts of texts included."""
    found: list[ast.expr] = []
    for child in ast.iter_child_nodes(value):
        found += [child] if isinstance(child, ast.expr) else _expressions(child)
    return found


def _is_ours(value: Any) -> bool:
    """Whether a value is the package, or a recording."""
    kind = type(value)
    if kind is ModuleType:
        return bool(value.__name__ == "nbtrace")
    return kind.__module__ == "nbtrace.recording" and kind.__qualname__ == "Recording"


def _is_our_method(value: Any, questions: frozenset[str]) -> bool:
    """Whether a value is a question that was imported by name in an earlier cell."""
    if type(value) is MethodType:
        return _is_ours(value.__self__) and value.__name__ in questions
    return type(value) is FunctionType and value.__module__ == "nbtrace.api" and value.__name__ in questions
