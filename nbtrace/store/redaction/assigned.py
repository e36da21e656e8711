"""Values that stand behind the name of a secret within a text: `password="x"`, `{"token": "x"}`, `%env KEY=x`, `--token x`.

Enters: a text or a cell's source. Leaves: the same with such values replaced. In Python code a bare word behind a name is a
variable, so there only literals count; elsewhere (messages, shell lines, comments, strings) bare words do as well."""

from __future__ import annotations

import re

from nbtrace.store.redaction.names import (
    SCHEME,
    Named,
    Names,
    is_elsewhere,
    is_listed,
    is_placeholder,
    is_prose,
    is_reference,
    is_variable,
    is_word,
    is_word_of_text,
    looks_secret,
)
from nbtrace.store.redaction.rules import Hit

_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
_REACH = 80
"""Characters of a name to both sides of its stem."""

_GAP = r"(?:\s|\\\r?\n){0,40}"
_SEPARATOR = re.compile(
    rf"(?P<quote>\\?[\"'])?\s{{0,8}}(?P<bracket>[\])])?[ \t]{{0,16}}"
    rf"(?P<sign>:\s{{0,8}}[A-Za-z_][\w.\[\]| ]{{0,60}}=(?!=)|:=|===?|!=|=>|[=:,>]){_GAP}"
)
_TOLD = re.compile(r"[ \t]{1,4}(is|was)(?::|[ \t])[ \t]{0,4}[\"'`]?")
_NUMBER = re.compile(r"0[xX][0-9A-Fa-f]{1,8}|[\d.,/]+")
_SPACE = re.compile(r"[ \t]{1,8}")
_OPENING = re.compile(
    r"(?:[A-Za-z_.]{0,40}(?:SecretStr|SecretBytes|Secret|quote|quote_plus|str|bytes|lit)\(\s{0,8})?\(?\s{0,8}"
    r"(?P<prefix>[rRbBuUfF]{0,2})(?P<quote>\\[\"']|\"\"\"|'''|[\"'])"
)
_NEXT_LITERAL = re.compile(rf"[ \t]{{0,8}}(?:\+|\\?\r?\n)?{_GAP}(?P<prefix>[rRbBuUfF]{{0,2}})(?P<quote>[\"'])")
_ITEM = re.compile(rf"{_GAP},?{_GAP}(?P<prefix>[rRbBuUfF]{{0,2}})(?P<quote>[\"'])")
_ENTRY = re.compile(
    rf"{_GAP},?{_GAP}[\"'][^\"'\n]{{0,80}}[\"']\s{{0,8}}:\s{{0,8}}(?P<prefix>[rRbBuUfF]{{0,2}})(?P<quote>[\"'])"
)
_BODIES = {
    '"': re.compile(r'(?:[^"\\\n]|\\.)*+', re.DOTALL),
    "'": re.compile(r"(?:[^'\\\n]|\\.)*+", re.DOTALL),
    '"""': re.compile(r'(?:[^"\\]|\\.|"(?!""))*+', re.DOTALL),
    "'''": re.compile(r"(?:[^'\\]|\\.|'(?!''))*+", re.DOTALL),
    '\\"': re.compile(r'(?:[^"\\\n]|\\(?!").)*+'),
    "\\'": re.compile(r"(?:[^'\\\n]|\\(?!').)*+"),
}
_BARE = re.compile(r"(?:(?!,\s?[\w.]{1,80}=|\[redacted: )[^\s\"'`<>;&])++")
_JUDGED = 2_048
"""Characters of a bare word that are looked at: a longer one may hold thousands of names, each with the rest for its value."""
_BARE_HEAD = re.compile(rf"(?:(?!,\s?[\w.]{{1,80}}=|\[redacted: )[^\s\"'`<>;&]){{1,{_JUDGED}}}+")
_BARE_IN_CONNECTION = re.compile(r"(?:(?!\[redacted: )[^\s\"'`;])++")
_EXPRESSION = re.compile(r"[A-Za-z_][\w.]*+(?:[(\[,)]|\Z)")
_CALL = re.compile(r"[A-Za-z_][\w.]*+[(\[]")
_REST_OF_LINE = re.compile(r"[^\n\r\"'<]{0,16384}")
_SHELL_CELL = re.compile(
    # Below other cell magics too: %%time, nbtrace's own %%span.
    r"(?:\s*+%%[^\n]{0,2048}+\n){0,8}?"
    r"\s*+%%(?:(?:bash|sh|script|system|sx|cmd|powershell|ssh|writefile|file|markdown|html|js|javascript|perl|ruby|sql|yaml|"
    r"dockerfile|R)\b|!)"
)
_NAME_FIRST = re.compile(r"(?:%(?:set_)?env|configure set|config set)[ \t]{1,8}\Z")
_BARE_KEY = Named("api-key", False)
"""What `key=` promises, by its identity: little, and only as an argument."""
_RENAMES = re.compile(r"\brename\([^{}()]{0,60}\{[^{}()]*\Z")
_TARGETS = re.compile(r"[ \t]*[\w.]+(?:[ \t]*,[ \t]*[\w.]+)*[ \t]*,[ \t]*\Z")


def assignments(text: str, lowered: str, names: Names, hit: Hit, *, code: bool) -> str:
    """Replace the values of names that promise a secret. `lowered` is the text in lower case, of the same length."""
    if not any(stem in lowered for stem in names.stems):
        return text
    return _Scan(text, names, hit, code).run(lowered)


class _Scan:
    """One pass over a text, from the left to the right."""

    def __init__(self, text: str, names: Names, hit: Hit, code: bool) -> None:
        self.text, self.names, self.hit = text, names, hit
        self.key = ""
        """The name whose value is looked at."""
        self.run_end = 0
        """Where the last very long bare word ends."""
        self.parts: list[str] = []
        self.done = 0
        """What is before has been taken into `parts`."""
        self.all_bare = not code or _SHELL_CELL.match(text) is not None
        self.counted, self.doubles, self.singles = 0, 0, 0
        """How many triple quotes of each kind are before `counted`."""

    def run(self, lowered: str) -> str:
        position = 0
        while (stem := self.names.stem.search(lowered, position)) is not None:
            head = self.text[max(self.done, stem.start() - _REACH) : stem.start()]
            start = stem.start() - (len(head) - len(head.rstrip(_NAME_CHARACTERS)))
            tail = self.text[stem.end() : stem.end() + _REACH]
            end = stem.end() + len(tail) - len(tail.lstrip(_NAME_CHARACTERS))
            word = self.text[start:end].rstrip(" =:.-")
            end = start + len(word)
            position = max(end, stem.end())
            name = word.lstrip(".-")
            found = self.names.named(name)
            if found is None and name.rpartition(".")[2] == "key" and self.names.named("api_key"):
                found = _BARE_KEY
            if found is None:
                continue
            self.key = name
            self.value_of(start, end, found)
            position = max(position, self.done)
        return "".join(self.parts) + self.text[self.done :]

    # ── one name ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def value_of(self, start: int, end: int, found: Named) -> None:
        text = self.text
        separator = _SEPARATOR.match(text, end)
        if separator is None:
            self.after_space(start, end, found)
            return
        sign, at, quote = separator["sign"], separator.end(), separator["quote"]
        if sign == ":" and quote is None and separator.end() == end + 1 and self.is_page(start):
            return
        if separator["bracket"] and quote is None:
            return  # def f(token): …
        if sign == ",":
            if quote is not None and found is not _BARE_KEY:
                self.in_call(at, found)
            return
        if sign == ">":
            if text[start - 1 : start] == "<" and quote is None:
                self.bare(at, found, closing="</")
            return
        if found is _BARE_KEY and not (sign == "=" and quote is None and at == end + 1):
            return
        if sign in ("==", "!=") and found.rule == "token":
            found = Named(found.rule, False)
        if text[at : at + 1] in ("(", "[", "{") and self.collection(at, found):
            return
        if found.rule == "authorization" and quote is None and sign == ":" and self.header(at, found):
            return
        if sign == ":" and quote is None and "\n" in separator.group():
            return
        opening = _OPENING.match(text, at)
        if opening is not None and opening["quote"] is not None:
            if (
                quote is None
                and opening["quote"] in ('"', "'")
                and sign == ":"
                and self.closes(start, opening["quote"])
            ):
                return
            if quote is not None and sign == ":" and self.renames(start, opening):
                return
            several = sign == "=" and self.has_targets(start)
            self.literals(at, found, several=several)
            return
        if quote is None and self.takes_bare(start):
            if found.rule == "cookie" and sign == ":":
                self.cookies(at, found)
            else:
                self.bare(at, found, sign=sign, spaced=at != end + len(sign), start=start)

    def after_space(self, start: int, end: int, found: Named) -> None:
        """`--token x`, `%env TOKEN x`: an option or a setting, and its value behind a space."""
        told = _TOLD.match(self.text, end)
        if told is not None:
            if found.sure and self.takes_bare(start):
                self.bare(told.end(), found, sign=told[1], start=start)
            return
        space = _SPACE.match(self.text, end)
        if space is None:
            return
        option = self.text.startswith("--", start)
        if option or _NAME_FIRST.search(self.text[max(0, start - 24) : start]):
            at = space.end()
            if self.text[at : at + 1] in ("'", '"'):
                self.literals(at, found)
            elif self.text[at : at + 1] != "-":
                self.bare(at, found, sign=":" if option else "=", start=start)

    def header(self, at: int, found: Named) -> bool:
        """`Authorization: Bearer x`: the scheme stays. Returns whether it was one."""
        if "\n" in self.text[at - 1 : at]:
            return False
        line = _REST_OF_LINE.match(self.text, at)
        scheme = SCHEME.match(line.group()) if line is not None else None
        if line is None or scheme is None:
            return False
        value = line.group()[scheme.end() :].rstrip()
        if value and not is_placeholder(value) and not (value.replace(" ", "").isalpha() and value.islower()):
            kind = scheme[1].lower()
            self.replace(
                at + scheme.end(), at + scheme.end() + len(value), kind if kind in ("bearer", "basic") else found.rule
            )
        return True

    def cookies(self, at: int, found: Named) -> None:
        line = _REST_OF_LINE.match(self.text, at)
        value = line.group().rstrip() if line is not None else ""
        if "=" in value.partition(" ")[0] and not is_placeholder(value):
            self.replace(at, at + len(value), found.rule)

    # ── literals ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def literals(self, at: int, found: Named, *, several: bool = False) -> None:
        """Replace a string literal and those that continue it; with `several`, all of the line's."""
        pattern, count = _OPENING, 0
        while count < 16 and (opening := pattern.match(self.text, at)) is not None and opening["quote"] is not None:
            first, last, after = self.body(opening)
            value = self.text[first:last]
            if "f" in opening["prefix"].lower() and "{" in value and is_placeholder(value):
                return
            if count or self.is_secret(found, value):
                if not is_placeholder(value):
                    self.literal(first, last, found)
            elif not several:
                return
            at, count = after, count + 1
            pattern = _ITEM if several else _NEXT_LITERAL

    def in_call(self, at: int, found: Named) -> None:
        """`.option("password", "x")`: a list of names looks the same, so what stands there has to look like a secret."""
        opening = _OPENING.match(self.text, at)
        if opening is not None and opening["quote"] is not None:
            first, last, _ = self.body(opening)
            value = self.text[first:last]
            if is_listed(value):
                return
            if self.is_secret(found, value) and looks_secret(value, 6 if found.sure else 16):
                self.literal(first, last, found)

    def literal(self, first: int, last: int, found: Named) -> None:
        scheme = SCHEME.match(self.text, first, last) if found.rule == "authorization" else None
        if scheme is None:
            self.replace(first, last, found.rule)
            return
        kind = scheme[1].lower()
        self.replace(scheme.end(), last, kind if kind in ("bearer", "basic") else found.rule)

    def collection(self, at: int, found: Named) -> bool:
        """`passwords = ["a", "b"]`, `auth=("me", "x")`: of credentials' pair the second alone. Returns whether it was one."""
        if self.text[at] == "{" and found.rule != "cookie":
            return False
        item = _ENTRY if self.text[at] == "{" else _ITEM
        at += 1
        items: list[tuple[int, int]] = []
        while len(items) < 64 and (opening := item.match(self.text, at)) is not None:
            first, last, at = self.body(opening)
            items.append((first, last))
        pair = found.rule == "authorization" and len(items) == 2
        for first, last in items[1:] if pair else items:
            value = self.text[first:last]
            if (pair and not is_placeholder(value)) or self.is_secret(found, value):
                self.replace(first, last, found.rule)
        return bool(items)

    def body(self, opening: re.Match[str]) -> tuple[int, int, int]:
        """Where the text between the quotes begins and ends, and where to go on. Cut off, it goes to the line's end."""
        quote = opening["quote"]
        found = _BODIES[quote].match(self.text, opening.end())
        last = found.end() if found is not None else opening.end()
        return opening.end(), last, min(len(self.text), last + len(quote))

    def is_secret(self, found: Named, value: str) -> bool:
        if len(value) == 1 or is_placeholder(value) or is_elsewhere(found, value) or is_prose(value):
            return False
        if is_reference(value, found.rule, self.key):
            return False
        if is_word_of_text(found, value) or (found.rule == "cookie" and " " in value and "=" not in value):
            return False
        if found is _BARE_KEY:
            return len(value) >= 32 and value.isalnum() and looks_secret(value)
        return found.sure or looks_secret(value)

    # ── bare words ───────────────────────────────────────────────────────────────────────────────────────────────────

    def bare(
        self, at: int, found: Named, *, sign: str = "=", spaced: bool = False, closing: str = "", start: int = 0
    ) -> None:
        text = self.text
        if found is _BARE_KEY or "\n" in text[at - 1 : at] or text.startswith("[redacted: ", at):
            return
        connection = sign == "=" and (text[start - 1 : start] == ";" or ";" in text[at : at + 200].partition("\n")[0])
        matched = (_BARE_IN_CONNECTION if connection and text[start - 1 : start] == ";" else _BARE_HEAD).match(text, at)
        if matched is None:
            return
        if is_placeholder(matched.group()):
            return
        value = matched.group().rstrip(",)]}" if not closing else "")
        after = text[at + len(value) : at + len(value) + 2]
        if not value or (closing and after != closing) or is_placeholder(value) or is_elsewhere(found, value):
            return
        if matched.end() - at == _JUDGED and at >= self.run_end and (run := _BARE.match(text, at)) is not None:
            self.run_end = run.end()
        if len(value) == 1 or self.is_told_elsewhere(value, after, connection and found.sure):
            return
        if is_word_of_text(found, value) or (found.rule != "password" and _NUMBER.fullmatch(value)):
            return
        if _CALL.match(value) or (_EXPRESSION.fullmatch(value) and after[:1] in (",", ")", "(", "[")):
            return
        if sign.startswith((":", "=>", "is", "was")) or spaced:
            alone = not text[at + len(value) :].partition("\n")[0].strip() and "\n" not in value
            word = found.rule == "password" and found.sure and sign == ":" and alone and len(value) >= 8
            if not (looks_secret(value) or (word and not is_prose(value + " "))) or not (
                found.sure or len(value) >= 12
            ):
                return
        elif not (found.sure or looks_secret(value, 8)):
            return
        long = matched.end() - at == _JUDGED and matched.end() < self.run_end
        self.replace(at, self.run_end if long else at + len(value), found.rule)

    def is_told_elsewhere(self, value: str, after: str, connection: bool) -> bool:
        """Whether a bare word is a variable: `connect(password=db_password)`, but not `password=secret dbname=x`."""
        if is_reference(value, "password", self.key):
            return not (connection and value.islower() and value.isalpha())
        if not is_variable(value) or (connection and value.islower() and value.isalpha()):
            return False
        return not value.isalpha() or after[:1] in (",", ")", "]", "}")

    def takes_bare(self, start: int) -> bool:
        """Whether a bare word behind the name at `start` can be a value: not in Python code."""
        if self.all_bare:
            return True
        text = self.text
        line_start = text.rfind("\n", max(0, start - 2_000), start) + 1
        line = text[max(line_start, start - 2_000) : start]
        if line.lstrip()[:1] in ("!", "%") or "= !" in line:
            return True
        doubles, singles = line.count('"') - line.count('\\"'), line.count("'") - line.count("\\'")
        if doubles % 2 or singles % 2 or "#" in line:
            return True
        self.doubles += text.count('"""', self.counted, start)
        self.singles += text.count("'''", self.counted, start)
        self.counted = start
        return bool(self.doubles % 2 or self.singles % 2)

    def closes(self, start: int, quote: str) -> bool:
        """Whether the quote behind a name is the end of the string that the name stands in: `"Password: "`."""
        line = self.text[self.text.rfind("\n", max(0, start - 2_000), start) + 1 : start]
        return line.count(quote) % 2 == 1

    def renames(self, start: int, opening: re.Match[str]) -> bool:
        """Whether the name is a column's that gets another: `df.rename(columns={"pwd": "cwd"})`."""
        first, last, _ = self.body(opening)
        before = self.text[max(0, start - 200) : start]
        if not is_word(self.text[first:last]) or "rename" not in before:
            return False
        return _RENAMES.search(before) is not None

    def is_page(self, start: int) -> bool:
        """Whether a name is the last part of an address: `https://en.wikipedia.org/wiki/Password:_The_Game`."""
        if self.text[start - 1 : start] != "/":
            return False
        return "://" in self.text[max(0, start - 200) : start].split()[-1]

    def has_targets(self, start: int) -> bool:
        """Whether other names are assigned to before this one: `user, password = "me", "x"`."""
        line = self.text[self.text.rfind("\n", max(0, start - 500), start) + 1 : start]
        return len(line) < 400 and "," in line and _TARGETS.match(line) is not None

    def replace(self, first: int, last: int, rule: str) -> None:
        if first < self.done or first >= last:
            return
        self.parts += [self.text[self.done : first], self.hit(rule)]
        self.done = last
