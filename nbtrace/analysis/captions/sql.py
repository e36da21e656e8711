"""What a statement of SQL does, and to which table: `SELECT users`.

Enters: the text of a statement, as databases' instrumentations send it. Leaves: two words. It is no parser: of what it cannot
read it says the first word."""

from __future__ import annotations

import re

LOOKED_AT = 2_000
"""Characters of a statement that are read."""

_COMMENTS = re.compile(r"--[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_TEXTS = re.compile(r"'(?:[^']|'')*(?:'|\Z)")
_FIRST = re.compile(r"[\s(;]*([A-Za-z]{2,20})\b")
# Quotes of each dialect; dots join schema and table.
_PART = r"(?:\"[^\"]{1,80}\"|`[^`]{1,80}`|\[[^\]]{1,80}\]|[^\W\d][\w$#]{0,80})"
_NAME = rf"({_PART}(?:\s?\.\s?{_PART}){{0,3}})"
_FROM = re.compile(rf"\bFROM\s+(?:ONLY\s+|LATERAL\s+)?{_NAME}", re.IGNORECASE)
_INTO = re.compile(rf"\bINTO\s+(?:TABLE\s+)?{_NAME}", re.IGNORECASE)
_UPDATE = re.compile(rf"\bUPDATE\s+(?:OR\s+\w+\s+|ONLY\s+)?{_NAME}", re.IGNORECASE)
_NAMED_ABOVE = re.compile(rf"({_PART})\s+AS\s+(?:NOT\s+MATERIALIZED\s+|MATERIALIZED\s+)?\(", re.IGNORECASE)
_KIND = (
    r"(?:OR\s+REPLACE\s+)?(?:TEMP(?:ORARY)?\s+|UNIQUE\s+|UNLOGGED\s+|EXTERNAL\s+|MATERIALIZED\s+|VIRTUAL\s+)*"
    r"(TABLE|VIEW|INDEX|SCHEMA|DATABASE|SEQUENCE|TRIGGER|FUNCTION)\s+(?:CONCURRENTLY\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"
)
_DEFINES = re.compile(rf"\b(?:CREATE|DROP|ALTER|TRUNCATE)\s+{_KIND}{_NAME}", re.IGNORECASE)
_CALL = re.compile(rf"\b(?:CALL|EXEC|EXECUTE)\s+{_NAME}", re.IGNORECASE)

_WHERE = {
    "SELECT": (_FROM,),
    "DELETE": (_FROM,),
    "INSERT": (_INTO,),
    "REPLACE": (_INTO,),
    "MERGE": (_INTO,),
    "COPY": (_INTO,),
    "UPDATE": (_UPDATE,),
    "CALL": (_CALL,),
    "EXEC": (_CALL,),
    "EXECUTE": (_CALL,),
}
_DEFINING = ("CREATE", "DROP", "ALTER", "TRUNCATE")


def summary(statement: str) -> tuple[str, str]:
    """Return what a statement does, and to which table; each "" where that cannot be read."""
    code = _TEXTS.sub("''", _COMMENTS.sub(" ", statement[:LOOKED_AT]))
    first = _FIRST.match(code)
    if not first:
        return "", ""
    word = first[1].upper()
    if word in _DEFINING:
        found = _DEFINES.search(code)
        return (f"{word} {found[1].upper()}", _bare(found[2])) if found else (word, "")
    above: set[str] = set()
    if word == "WITH":
        above = {_bare(each) for each in _NAMED_ABOVE.findall(code)}
        changes = re.search(r"\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO)\b", code, re.IGNORECASE)
        word = changes[1].split()[0].upper() if changes else "SELECT"
    for pattern in _WHERE.get(word, ()):
        tables = (_bare(each[1]) for each in pattern.finditer(code))
        # What has been named above is no table; one word of a dialect stands where a table may.
        named = next((each for each in tables if each not in above and each.upper() not in ("SELECT", "UNNEST")), "")
        if named:
            return word, named
    return word, ""


def _bare(name: str) -> str:
    """A name without its quotes."""
    return re.sub(r"\s?\.\s?", ".", re.sub(r"[\"`\[\]]", "", name))
