from __future__ import annotations

import os
import pickle
import re
import threading
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nbtrace.store.redaction.choice import DEFAULTS, OPTIONAL, parse_choice
from nbtrace.store.redaction.names import named
from nbtrace.store.redaction.redactor import CALLABLE, CALLABLE_ERROR, Redactor
from nbtrace.store.values import clean_value
from tests.store.redaction.secret_corpus import HARMLESS, HELD_OUT_HARMLESS, HELD_OUT_SECRETS, SECRETS, Case, alnum, pem

BEGIN, END = (f"-----{word} " + "PRIVATE" + " KEY-----" for word in ("BEGIN", "END"))


def redacted(case: Case, redactor: Redactor | None = None) -> Any:
    redactor = redactor or Redactor()
    if case.how == "value":
        return redactor.value(case.key, case.content)
    return redactor.source(case.content) if case.how == "source" else redactor.text(case.content)


def leaks(case: Case) -> bool:
    left = redacted(case)
    text = left.decode("latin-1") if isinstance(left, bytes) else str(left)
    return any(secret in text for secret in case.secrets)


# ── the corpus ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("cases", [SECRETS, HELD_OUT_SECRETS], ids=["tuned", "held out"])
def test_of_a_hundred_secrets_at_most_one_is_left(cases: list[Case]) -> None:
    missed = [case for case in cases if leaks(case)]
    assert len(missed) <= len(cases) / 100, missed


@pytest.mark.parametrize("cases", [HARMLESS, HELD_OUT_HARMLESS], ids=["tuned", "held out"])
def test_of_a_hundred_harmless_texts_at_most_one_is_hit(cases: list[Case]) -> None:
    hit = [(case, redacted(case)) for case in cases if redacted(case) != case.content]
    assert len(hit) <= len(cases) / 100, hit


def test_the_corpus_is_large_enough_to_say_so() -> None:
    assert len(SECRETS) >= 200
    assert len(HARMLESS) >= 400
    assert len(SECRETS) + len(HELD_OUT_SECRETS) >= 300
    everything = SECRETS + HELD_OUT_SECRETS + HARMLESS + HELD_OUT_HARMLESS
    assert all(
        secret in str(case.content) or isinstance(case.content, bytes) for case in everything for secret in case.secrets
    )


def test_redacting_the_corpus_twice_changes_nothing() -> None:
    for case in SECRETS + HELD_OUT_SECRETS + HARMLESS + HELD_OUT_HARMLESS:
        once = redacted(case)
        assert redacted(Case(case.how, once, case.key)) == once


# ── what stands in the place ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Bearer {}", "Authorization: Bearer [redacted: bearer]"),
        ("https://me:{}@h/x?y=1", "https://me:[redacted: url-credentials]@h/x?y=1"),
        ("GET /x?a=1&token={}&b=2", "GET /x?a=1&token=[redacted: url-query]&b=2"),
        ("connect(host='h', password='{}')", "connect(host='h', password='[redacted: password]')"),
        ('{{"api_key": "{}", "n": 1}}', '{"api_key": "[redacted: api-key]", "n": 1}'),
        ("host=h password={} dbname=x", "host=h password=[redacted: password] dbname=x"),
    ],
)
def test_only_the_secret_is_replaced_and_the_mark_says_which_rule_hit(text: str, left: str) -> None:
    assert Redactor().text(text.format(alnum(24))) == left


def test_a_secret_by_its_key_goes_as_a_whole_and_numbers_never() -> None:
    redactor = Redactor()
    assert redactor.value("db.password", "x y") == "[redacted: password]"
    assert redactor.value("db.password", b"x y") == b"[redacted: password]"
    for value in (None, True, 5, 0.5):
        assert redactor.value("password", value) is value
    assert redactor.value("auth", {"token": "abc", "n": 3, "password": ("a", 1)}) == {
        "token": "[redacted: token]",
        "n": 3,
        "password": ("[redacted: password]", 1),
    }
    assert redactor.counts == {"password": 3, "token": 1}


def test_a_key_that_holds_a_secret_is_redacted_and_two_such_keys_stay_two() -> None:
    redactor = Redactor()
    first, second = "gh" + "p_" + alnum(36), "gh" + "p_" + alnum(36)
    assert redactor.key(first) == "[redacted: github]"
    assert redactor.value("map", {first: 1, second: 2}) == {"[redacted: github]": 1, "[redacted: github]'": 2}


def test_a_private_key_that_does_not_end_is_a_hit_to_the_end_of_the_text() -> None:
    text, lines = pem(end=False)
    left = Redactor().text("before\n" + text + "… [+900 characters]")
    assert left.startswith(f"before\n{BEGIN.replace('PRIV', 'RSA PRIV')}[redacted: private-key]")
    assert not any(line in left for line in lines)
    mention = f'if line.startswith("{BEGIN}"):\n    go()'
    assert Redactor().source(mention) == mention


def test_a_private_key_cut_at_its_beginning_is_a_hit_too() -> None:
    text, lines = pem()
    left = Redactor().text("left out]\n" + text[100:])
    assert left.startswith("left out]\n")
    assert not any(line in left for line in lines[2:])


def test_every_second_half_of_a_cut_key_is_a_hit() -> None:
    """A limit on length may have cut anywhere behind the first dozen characters."""
    key = "gh" + "p_" + alnum(36)
    for end in range(18, len(key)):
        assert key[4:end] not in Redactor().text(f"key {key[:end]}… [+9 characters]")


@pytest.mark.parametrize(
    ("value", "left"),
    [
        (("X-Api-Key", "a b"), ("X-Api-Key", "[redacted: api-key]")),
        (("tool", "--token", "a b", "--password", "-v"), ("tool", "--token", "[redacted: token]", "--password", "-v")),
        (({"name": "DB_PASSWORD", "value": "a b"},), ({"name": "DB_PASSWORD", "value": "[redacted: password]"},)),
        (("password", "token"), ("password", "token")),
    ],
)
def test_a_name_beside_its_value_counts(value: Any, left: Any) -> None:
    """Pairs of a header, options of a command, a container's environment; but a list of names is none."""
    assert Redactor().value("x", value) == left


def test_what_names_a_value_is_redacted_itself() -> None:
    text, lines = pem()
    assert lines[0] not in str(Redactor().value("x", (text + ": password", "hunter2")))


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("password", "password"), ("DB_PASSWORD", "password"), ("dbPassword", "password"), ("PGPASSWORD", "password"),
        ("x-api-key", "api-key"), ("apiKey", "api-key"), ("APIKey", "api-key"), ("AWS_SECRET_ACCESS_KEY", "secret-key"),
        ("http.request.header.authorization", "authorization"), ("Set-Cookie", "cookie"), ("accessToken", "token"),
        ("client_secret", "secret"), ("password_prod", "password"), ("token_value", "token"),
        *((name, None) for name in ("author", "authority", "tokenizer", "keyboard", "monkey", "passenger", "primary_key", "key",
           "keys", "max_tokens", "token_count", "pad_token", "jupyter.session.id", "password_policy", "secret_santa", "", "…", "compass")),
    ],
)  # fmt: skip
def test_a_name_is_read_word_by_word(name: str, rule: str | None) -> None:
    found = named(name)
    assert (found.rule if found is not None and found.sure else None) == rule


@pytest.mark.parametrize(
    "password", ["pw123456", "S3cretPw", "pass1234", "MyPw99", "secret99", "Secret123", "prod-db-pass"]
)
def test_a_password_that_holds_a_name_is_none(password: str) -> None:
    for text in (f"connect(password='{password}')", f'{{"password": "{password}"}}', f"password={password} dbname=x"):
        assert password not in Redactor().source(text if "'" in text or '"' in text else f"# {text}")
        assert password not in Redactor().text(text)
    assert Redactor().source('db_password = "password"') == 'db_password = "[redacted: password]"'
    assert Redactor().text('connect(password="DB_PASSWORD")') == 'connect(password="DB_PASSWORD")'


def test_pwd_is_a_directory_where_its_value_is_a_path() -> None:
    redactor = Redactor()
    for path in ("/data2/Proj-1", "~/work", "C:\\Work\\a1", "./x1"):
        assert redactor.value("pwd", path) == path
        assert redactor.text(f"PWD={path}") == f"PWD={path}"
    assert redactor.text("Uid=me;Pwd=a1b2c3;") == "Uid=me;Pwd=[redacted: password];"


# ── the choice ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_false_is_off_and_true_is_the_defaults() -> None:
    assert not Redactor(False).active
    assert Redactor(False).value("password", "hunter2") == "hunter2"
    assert parse_choice(True).rules == DEFAULTS
    assert not DEFAULTS & set(OPTIONAL)


def test_rules_are_switched_off_and_on() -> None:
    redactor = Redactor(["-password", "+email"])
    assert redactor.value("password", "hunter2") == "hunter2"
    assert redactor.text("password=hunter2, ada@example.com") == "password=hunter2, [redacted: email]"
    assert redactor.value("token", "abc") == "[redacted: token]"
    assert Redactor("-token").value("token", "abc") == "abc"


def test_optional_rules_check_what_they_find() -> None:
    redactor = Redactor(["+ip", "+card", "+iban"])
    assert redactor.text("from 10.0.0.3, v1.2.3.4.5") == "from [redacted: ip], v1.2.3.4.5"
    assert redactor.text("4111 1111 1111 1111 or 4111111111111112") == "[redacted: card] or 4111111111111112"
    assert redactor.text("DE89 3704 0044 0532 0130 00, DE00 3704 0044 0532 0130 00").startswith(
        "[redacted: iban], DE00"
    )


def test_names_and_patterns_of_ones_own() -> None:
    redactor = Redactor(["+name:customer_id", r"+pattern:ACME-\d{6}", r"+pattern:case (?P<case_id>\d+)"])
    assert redactor.value("order.customerId", "c-1") == "[redacted: customer_id]"
    assert redactor.value("customer_id", 7) == 7
    assert redactor.value("customer_id_count", "7") == "7"
    assert redactor.text("ACME-123456 of case 42") == "[redacted: pattern] of case [redacted: case-id]"
    assert redactor.source("f(customer_id='c-1')") == "f(customer_id='[redacted: customer_id]')"


def test_a_pattern_that_finds_the_mark_ends() -> None:
    redactor = Redactor(["+pattern:[a-z]{3,}"])
    once = redactor.text("abc 12 defg")
    assert once == "[redacted: pattern] 12 [redacted: pattern]" == redactor.text(once)


def test_a_pattern_finds_what_stands_at_the_seam_of_its_window() -> None:
    redactor = Redactor([r"+pattern:A[0-9]{100}Z"])
    for offset in range(3_900, 4_200, 7):
        assert "A0" not in redactor.text(" " * offset + "A" + "0" * 100 + "Z" + " " * 5_000)


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        (["+gihub"], r"'\+gihub' in redact is no rule. Did you mean '\+github'\?.*Known: .*stripe.*"),
        (["-nothing"], "Known: "),
        (["token"], r"'token' in redact has no sign. Write \"\+token\""),
        (["email"], r"'email' in redact has no sign. Write \"\+email\" to switch it on, \"-email\""),
        (["name:x"], r"has no sign. Write \"\+name:x\" to switch it on\.$"),
        ("off", r"^redact is 'off'\. Pass True, False, a list"),
        ("on", r"^redact is 'on'\. Pass True, False, a list"),
        ("none", r"^redact is 'none'\. Pass True, False, a list"),
        (["off"], r"^'off' in redact is no rule\. Known: "),
        (["gihub"], r"^'gihub' in redact is no rule\. Did you mean '\+github'\?"),
        ([""], r"^'' in redact is empty: it names no rule\. Pass True"),
        (["-"], r"^'-' in redact is empty: it names no rule\. Pass True"),
        (["+ "], "is empty: it names no rule"),
        (["+pattern:("], "is no regular expression: "),
        (["+pattern:x*"], "matches the empty text"),
        (["+pattern:(a+)+b"], "repeats what is repeated"),
        (["+pattern:(?:x|(?:a{1,9}b)*)+y"], "repeats what is repeated"),
        (["+name:"], "names no key"),
        (["-name:x"], "is no rule"),
        (3, "Pass True, False, a list"),
        ([3], "Pass True, False, a list"),
        (None, r"^redact is None\. Pass True, False, a list"),
    ],
)
def test_a_wrong_choice_is_told_what_to_type(choice: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says) as raised:
        parse_choice(choice)
    assert "pattern:" in str(choice) or "{" not in str(raised.value), "IPython would replace braces when it is typed"


@pytest.mark.parametrize("pattern", [r"(?:\d{4}-?){4}", "[a-z]+[0-9]+", "(?:ab)+", "(a|b)+c", r"\bACME-\w{1,40}"])
def test_patterns_that_cannot_run_away_are_taken(pattern: str) -> None:
    assert parse_choice([f"+pattern:{pattern}"]).patterns[0][1] == re.compile(pattern)


# ── the callable ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_callable_sees_what_the_rules_left_once_each() -> None:
    seen: list[tuple[str, Any]] = []

    def keep(key: str, value: Any) -> Any:
        seen.append((key, value))
        return "-" if value == "plain" else value

    redactor = Redactor(keep)
    assert redactor.value("password", "hunter2") == "[redacted: password]"
    assert redactor.text("plain", "span.name") == "-"
    assert redactor.source("x = 1") == "x = 1"
    assert redactor.value("n", 3) == 3
    assert seen == [("password", "[redacted: password]"), ("span.name", "plain"), ("code.source", "x = 1"), ("n", 3)]
    assert redactor.counts == {"password": 1, CALLABLE: 1}


def _raises(key: str, value: Any) -> Any:
    raise LookupError(value)


def _exits(key: str, value: Any) -> Any:
    raise SystemExit


@pytest.mark.parametrize("call", [_raises, _exits, lambda key, value: None, lambda key, value: 3, lambda key: key])
def test_a_callable_that_fails_keeps_nothing(call: Any) -> None:
    redactor = Redactor(call)
    assert redactor.value("a", "hunter2") == "[redacted: callable-error]"
    assert redactor.text("hunter2") == "[redacted: callable-error]"
    assert redactor.counts == {CALLABLE_ERROR: 2}
    assert redactor.failure in ("LookupError", "SystemExit", "TypeError"), "its text may hold the secret"


def test_a_callable_that_is_interrupted_is_interrupted() -> None:
    def interrupted(key: str, value: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Redactor(interrupted).text("x")


def test_what_a_callable_returns_is_cleaned() -> None:
    assert Redactor(lambda key, value: [1, {2}]).value("a", (1,)) == (1, (2,))


# ── counting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_hits_are_counted_by_rule_from_all_threads_and_not_twice() -> None:
    redactor = Redactor()
    text = "password=hunter2 and password=hunter3"

    def work() -> None:
        for _ in range(500):
            redactor.text(text)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert redactor.counts == {"password": 4_000}
    redactor.uncounted().text(text)
    assert redactor.counts == {"password": 4_000}


# ── never raises, the same twice, linear ─────────────────────────────────────────────────────────────────────────────

SNIPPETS = [
    "password", "token", "=", ":", " ", '"', "'", "[redacted: jwt]", "[redacted: ", "eyJhbGciOi", ".", "eyJ", BEGIN,
    END, "\n", "\\", "://", "@", "?", "&", "Bearer ", "Basic ", "Authorization: ", "ghp_", "AKIA", "sk-", "hunter2",
    "abcdefghij0123456789", "ABCDEFGHIJKLMNOPQR", "{", "}", "(", ")", ",", "--", "#", "curl -u ", "%env ", "Cookie: a=", ";", "api_key", "\\n",
    '"""', "İ", "…", "mysql -p", "login(", "xoxb-", "IDENTIFIED BY '", "<", ">", "key", "is ",
]  # fmt: skip
texts = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(SNIPPETS), max_size=14).map("".join))
keys = st.one_of(st.sampled_from(["password", "auth", "x", "token", "http.request.header.cookie", "args", ""]), texts)
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        texts,
        st.binary(max_size=40),
        texts.map(lambda t: t.encode()),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=8,
)
slow_start = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=300)


@slow_start
@given(keys, values)
@example("password", {"a": ({"b": b"\xff"},)})
def test_any_cleaned_value_is_redacted_to_one_that_stays(key: str, value: Any) -> None:
    cleaned = clean_value(value)
    once = Redactor().value(key, cleaned)
    assert type(once) is type(cleaned)
    assert repr(Redactor().value(key, once)) == repr(once)
    pickle.dumps(once)


@slow_start
@given(texts)
def test_any_text_is_redacted_to_one_that_stays(text: str) -> None:
    redactor = Redactor()
    for change in (redactor.text, redactor.source, redactor.key):
        once = change(text)
        assert change(once) == once == getattr(Redactor(), change.__name__)(text)


@slow_start
@given(st.text("abcdefgh .,\n()+*123", max_size=200))
def test_words_and_numbers_stay(text: str) -> None:
    assert Redactor().text(text) == text
    assert Redactor().source(text) == text
    assert Redactor().value("note", text) == text


@pytest.mark.skipif("NBTRACE_TIMES" not in os.environ, reason="compares times: set NBTRACE_TIMES on a quiet machine")
@pytest.mark.parametrize(
    "part",
    ["a", "eyJ", "eyJhbGci.", "-----BEGIN ", BEGIN, END, "=", "token", "token=",
     'token="', "token='\"", "://", "://a:", "://a:b@", "?token=", "password=(", 'password=["a",', 'token="""\n', 'password="\\',
     "Bearer ", "Authorization: ", "Cookie: a=b", "login ", "mysql a -", "M" * 26 + ".", "123456789:AA", '"token",', "api-", "<token>a",
     'token="${', "ABCDEFGHIJKLMNOP\n", "token" + " " * 50, "cookies={'a':", "password is ", "a.", "_-", "password='a_BcD_EfG", "token=_Ab_Cd", "rename({'pwd': 'a", "/token:", "token:", "auth=a"],
)  # fmt: skip
def test_time_grows_with_the_length_and_no_faster(part: str) -> None:
    """Four times the text takes sixteen times the time where a rule is quadratic; half of that is let pass, for the noise."""

    def seconds(characters: int) -> float:
        text = (part * (characters // len(part) + 1))[:characters]
        began = time.thread_time()
        Redactor().text(text)
        Redactor().source(text)
        return time.thread_time() - began

    seconds(100)  # patterns are compiled
    assert min(seconds(40_000), seconds(40_000)) <= 8 * max(seconds(10_000), seconds(10_000), 0.005)


@pytest.mark.parametrize("above", ["", "%%time\n", "%%span load\n%%capture out\n", "\n%%span load rows=3\n"])
@pytest.mark.parametrize("magic", ["%%bash", "%%!", "%%sh", "%%yaml"])
def test_bare_words_are_values_in_a_cell_of_another_language(above: str, magic: str) -> None:
    """Below other cell magics too."""
    source = f"{above}{magic}\nexport DB_PASSWORD=kLm93xTq7Zp2\n"
    assert Redactor().source(source) == source.replace("kLm93xTq7Zp2", "[redacted: password]")


_PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA1234567890abcdef\nMIIEowIBAAKCAQEA1234567890abcdef\n-----END RSA PRIVATE KEY-----"
_BLOCKS = [
    "x = 1",
    "",
    "fit(x)",
    f'key = """{_PEM}"""',
    'token = """abc\ndef123secret\nghi"""',
    'password = "hunter2hunter2"',
    "# [redacted: password]",
    f"{_PEM}{_PEM}",
]


@given(st.lists(st.sampled_from(_BLOCKS), max_size=6))
def test_a_cell_keeps_its_lines_where_a_secret_had_several(blocks: list[str]) -> None:
    """Statements and samples name them by their numbers."""
    source = "\n".join([*blocks, "last()"])
    shown = Redactor().source(source)
    assert "MIIE" not in shown
    assert "secret" not in shown
    assert shown.count("\n") == source.count("\n")
    assert shown.split("\n")[-1] == "last()"
    assert Redactor().source(shown) == shown
