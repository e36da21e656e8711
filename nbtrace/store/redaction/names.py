"""What a name says of a value: whether an attribute, a variable, a header or an option holds a secret, and by which rule.

Enters: a name, or a value that stands under such a name. Leaves: `Named`, and what a value looks like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple


class Named(NamedTuple):
    """What a name promises."""

    rule: str
    sure: bool
    """False where the name allows for other things, so that the value has to look like a secret too."""
    other: str = ""
    """What else the name may mean: "directory" for pwd, "licence" for license_key."""


NAME_RULES = ("password", "secret", "token", "api-key", "secret-key", "authorization", "cookie", "credentials")

STEMS = (
    "pass", "pwd", "secret", "token", "key", "auth", "cookie", "credential", "jwt", "csrf", "xsrf", "sessid", "sessionid", "_pat",
    "pw=", "pw ", "pw:",
)  # fmt: skip
"""What a name within a text holds, in lower case, if it promises a secret."""

_MAX_NAME = 200
"""Characters looked at, from the end: a name's head noun stands there."""

_MAX_KNOWN = 4_096
"""Names remembered; a program has fewer, unless it makes them up."""

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SINGLE = {
    **dict.fromkeys(("password", "passwords", "passwd", "passphrase", "passcode", "pw"), Named("password", True)),
    "pwd": Named("password", True, "directory"),
    "pass": Named("password", False),
    "secret": Named("secret", True),
    "secrets": Named("secret", False),
    **dict.fromkeys(("token", "jwt", "csrf", "xsrf", "csrftoken"), Named("token", True)),
    **dict.fromkeys(("otp", "bearer", "nonce"), Named("token", False)),
    **dict.fromkeys(("apikey", "apikeys"), Named("api-key", True)),
    **dict.fromkeys(("secretkey", "accesskey", "privatekey", "accountkey"), Named("secret-key", True)),
    **dict.fromkeys(("authtoken", "accesstoken", "apitoken", "refreshtoken", "idtoken"), Named("token", True)),
    **dict.fromkeys(("clientsecret", "appsecret"), Named("secret", True)),
    "authorization": Named("authorization", True),
    "auth": Named("authorization", False),
    **dict.fromkeys(("cookie", "cookies", "phpsessid", "jsessionid"), Named("cookie", True)),
    **dict.fromkeys(("sessionid", "sessid"), Named("cookie", False)),
    **dict.fromkeys(("credential", "credentials"), Named("credentials", False)),
}

_GLUED = re.compile(r"(?:password|passwd|passphrase)\Z")
"""PGPASSWORD, userpassword: written together, and no other word ends so."""

_SECRET_KEYS = _words(
    "secret access private encryption decryption signing signature master account shared storage ssh hmac aes rsa "
    "fernet symmetric session sas ssl tls pgp gpg"
)
_API_KEYS = _words(
    "api app application subscription consumer service deploy auth bot admin authentication webhook functions"
)
_VENDOR_KEYS = _words(
    "openai anthropic cohere mistral huggingface hf wandb stripe sendgrid mailgun twilio datadog dd pinecone tavily "
    "serper serpapi google maps azure groq together replicate deepl weather gemini claude comet neptune kaggle github "
    "gitlab aws"
)
_PASS_OF = _words(
    "db database user smtp mail email mysql pg postgres redis ftp sftp admin root proxy http ldap sudo login mongo ssh"
)
_PAT_OF = _words("github gitlab azure ado gh gl databricks snowflake my")

_STRENGTH = _words(
    "value val str string raw plain plaintext b64 base64 hex encoded bytes env prod production dev staging test live "
    "old new current default primary secondary backup tmp temp in my"
)
"""Words behind a secret's name that do not make it something else: `password_prod`, `token_value`."""

_NEUTRAL = _words(
    "id ids name names type types kind url uri endpoint path paths file files filename dir directory folder count "
    "counts length len size limit max min usage used number num total rate ratio cost price policy policies field "
    "fields column columns col header headers prefix suffix format regex pattern schema expiry expires expiration "
    "expire ttl age lifetime timeout at date time timestamp created updated valid validity status state version "
    "scheme method methods mode provider providers server host issuer audience scope scopes claims domain banner "
    "consent jar enabled required disabled set exists present missing reset resets change changed rotated rotation "
    "strength score check checker validator validation manager store vault arn ref reference label title description "
    "hint prompt question placeholder message error errors warning help info index idx position start end offset span "
    "embedding embeddings vocab class map dict table model level santa env var variable source location func fn "
    "callback handler hook parser cache client budget per accepted hidden visible family group list logprob logprobs "
    "prob"
)
"""Words behind a secret's name that make it something about the secret: `token_count`, `password_policy`."""

_NO_TOKEN_OF = _words(
    "pad eos bos unk mask sep cls special stop start end first last next prev previous image audio video word sub "
    "subword char byte input output prompt completion max min num total vocab added additional decoder encoder target "
    "source forced begin beginning eot eom page continuation cursor speculative predicted pred best top common oov "
    "sentence language lang task suppress blank null empty white keyword operator per cached reasoning"
)
"""Tokens of text and of pages: `pad_token`, `next_page_token`."""

_ASKS = _words(
    "is has no not top use reset change show check verify validate get generate missing invalid wrong require "
    "requires forgot public count max min num"
)


def named(name: str) -> Named | None:
    """Return what `name` promises of its value, None for nothing.

    A name is split into words at `_ - . /` and where the case changes; the last secret among them decides, with the words
    around it. So `author`, `tokenizer`, `monkey`, `primary_key` and `token_count` promise nothing."""
    words = [word.lower() for word in _WORDS.findall(name[-_MAX_NAME:])]
    tail: list[str] = []
    while words:
        found = _head(words)
        if found is not None:
            if any(word in _NEUTRAL for word in tail):
                return None
            return found if all(word in _STRENGTH or word.isdigit() for word in tail) else found._replace(sure=False)
        tail.append(words.pop())
        if len(tail) > 6:
            return None
    return None


def _head(words: list[str]) -> Named | None:
    """What the last of `words` promises, in the light of those before it."""
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in ("key", "keys"):
        if before in _SECRET_KEYS or (before == "account" or ("account" in words[:-1] and "azure" in words)):
            return Named("secret-key", True)
        if before in _API_KEYS:
            return Named("api-key", True)
        if before in ("license", "licence"):
            return Named("api-key", True, "licence")
        return Named("api-key", False) if before in _VENDOR_KEYS else None
    if before in _ASKS:
        return None
    if last == "pass" and before in _PASS_OF:
        return Named("password", True)
    if last == "pat" and before in _PAT_OF:
        return Named("token", True)
    if last == "token" and before in _NO_TOKEN_OF:
        return None
    if last == "tokens" and before in ("access", "auth", "refresh", "api", "bearer"):
        return Named("token", True)
    return _SINGLE.get(last) or (Named("password", True) if _GLUED.search(last) else None)


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name, in lower case."""
    return tuple(word.lower() for word in _WORDS.findall(name[-_MAX_NAME:]))


class Names:
    """`named` with names of the user's own, without the rules that are off, and with a memory."""

    def __init__(self, rules: frozenset[str] = frozenset(NAME_RULES), own: Mapping[str, str] | None = None) -> None:
        self._rules = rules
        self._own = {words_of(name): Named(label, True) for name, label in (own or {}).items()}
        self._known: dict[str, Named | None] = {}
        stems = [*STEMS, *(max(filter(str.isalpha, words), key=len) for words in self._own)]
        self.stems = tuple(dict.fromkeys(stems)) if rules or self._own else ()
        """In lower case; a name that promises something holds one of them."""
        self.stem = re.compile("|".join(map(re.escape, self.stems)) or r"(?!)")

    def named(self, name: str) -> Named | None:
        """Return what `name` promises."""
        try:
            return self._known[name]
        except KeyError:
            pass
        read = MARK.sub("", name) if "[redacted: " in name else name  # the rule's name is not the key's
        found = named(read)
        if found is not None and found.rule not in self._rules:
            found = None
        if self._own:
            words = words_of(read)
            found = next((own for own_words, own in self._own.items() if words[-len(own_words) :] == own_words), found)
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        if len(name) <= _MAX_NAME:
            self._known[name] = found
        return found


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────────

MARK = re.compile(r"\[redacted: [^\]\n]{1,80}\]")
"""What stands in a secret's place."""

SCHEME = re.compile(
    r"(bearer|basic|token|api-?key|digest|negotiate|ntlm|bot|key|hawk|jwt|sharedkey|aws4-hmac-sha256)\s+", re.IGNORECASE
)
"""The word that stands before the credentials in an Authorization header (RFC 9110, 11.4, and common practice)."""

_VARIABLE = re.compile(
    r"\$?\{[^{}]{0,200}\}|\$\(?\w{1,80}\)?|\$\([^)]{0,200}\)|%\(\w{1,80}\)s|%s|<[A-Za-z][\w .\-]{0,60}>"
    r"|\\{1,2}(?:[nrt]|[wWdDsS][+*]?)"
)
_STAND_IN = re.compile(
    r"<[^<>]{0,80}>|\(?redacted\)?|\[(?:redacted|filtered|hidden|masked|scrubbed[^\]]{0,60}|[A-Z]{2,12})\]|x{3,}"
    r"|#[0-9a-f]{3,8}|(?:your|insert|enter|replace|put|paste)[-_ ].{0,80}|.{0,80}[-_ ]here",
    re.IGNORECASE,
)
_STATUS = _words(
    "none null nil undefined true false yes no on off ok n/a na enabled disabled required accepted rejected allowed "
    "denied strict lax anonymous empty valid invalid expired missing set unset present absent unknown incorrect wrong "
    "weak strong success failed failure optional string str text bytes redacted hidden masked done nullable integer "
    "bool"
)
_ALNUM = re.compile(r"[^\W_]")
_CONSTANT = re.compile(r"_{0,2}+[A-Z]{1,30}+(?:_[A-Z]{1,30}+|[0-9]{1,2}+[A-Z]{0,30}+(?=_)|_[0-9]\Z){0,20}+")
_SNAKE = re.compile(r"_{0,2}[a-z]{1,30}(?:_[a-z]{1,30}){1,20}")
_HEADER = re.compile(r"[xX](?:-[A-Za-z]{1,30}){1,8}")
_VARIABLE_NAME = re.compile(
    r"_{0,2}+[a-z]{1,30}+(?:[A-Z][a-z]{1,30}+|[_.][A-Z]{2,30}+(?![a-z])|[_.][A-Za-z][a-z]{0,30}+){0,20}+"
)
_BETWEEN_WORDS = re.compile(r"[_\-. ]")
_NUMBERED = re.compile(r"[a-z]{1,30}[0-9]")
_PROSE = re.compile(
    r"\b(?:is|are|must|should|required|invalid|incorrect|please|enter|the|this|your|cannot|missing|not|too|of|to)\b",
    re.IGNORECASE,
)
_PATH = re.compile(
    r"(?:~|\.{1,2}|[A-Za-z]:)[/\\]|/(?:etc|home|run|var|usr|opt|tmp|root|mnt|srv|Users|dbfs)/|.{0,200}\.(?:pem|key|json|pub|txt)\Z"
)
_DIRECTORY = re.compile(r"[~/\\]|\.{1,2}(?:[/\\]|\Z)|[A-Za-z]:[/\\]")
_LICENCE = re.compile(
    r"(?:mit|isc|bsd|[al]?gpl|mpl|epl|eupl|cc0?|apache|unlicense|zlib|artistic|boost|bsl|psf|python|proprietary|other"
    r"|odbl|osl|wtfpl)(?:[-_ .v]{0,2}(?:license|licence|clause|only|or|later|by|nc|sa|nd|\d)){0,8}",
    re.IGNORECASE,
)
_FOLDER = re.compile(r"(?:/[a-z][a-z_.\-]{0,40}){1,20}/?")
_SEGMENT = re.compile(r"[\-_./:+=~@ ]+")
_PLAIN_SEGMENT = re.compile(r"[A-Za-z]?[a-z]{0,24}\d{0,10}|[A-Z]{1,12}\d{0,4}|\d{1,20}|v\d+")


def is_placeholder(value: str) -> bool:
    """Whether nothing of `value` is secret: empty, stars, a variable, `<your-token>`, `None`, or redacted already."""
    rest = MARK.sub("", value) if "[redacted: " in value else value
    if not rest.isalnum():
        rest = _VARIABLE.sub("", rest)
    rest = rest.strip()
    if rest is not value or " " in rest:
        scheme = SCHEME.match(rest + " ")
        if scheme is not None:
            rest = rest[scheme.end() :]
    if not _ALNUM.search(rest):
        return True
    return rest.lower() in _STATUS or _STAND_IN.fullmatch(rest) is not None


def is_reference(value: str, rule: str = "", key: str = "") -> bool:
    """Whether `value`, a literal, is itself the name of a secret, and not one that has such a word in it, as "pw123456".

    An environment variable's ("DB_PASSWORD"), a header's, or the words of its own `key`. What people choose themselves,
    passwords, is the name of nothing else; what is drawn is never made of words (`token="access_token"`)."""
    if len(value) > 80:
        return False
    if key and _same_name(key, value):
        return True
    patterns = [_HEADER]
    if "_" in value or value.endswith("PASSWORD"):
        patterns += (_CONSTANT,) if rule in ("password", "secret") else (_CONSTANT, _SNAKE)
    return any(pattern.fullmatch(value) for pattern in patterns) and named(value) is not None


def is_listed(value: str) -> bool:
    """Whether `value` may stand in a list of names: `password`, `dbPassword`, `password2`."""
    if len(value) > 80 or named(value) is None:
        return False
    return any(pattern.fullmatch(value) for pattern in (_CONSTANT, _HEADER, _VARIABLE_NAME, _NUMBERED))


def is_variable(value: str) -> bool:
    """Whether `value`, a bare word, is a variable or a constant that holds a secret: `db_password`, `self.token`."""
    if len(value) > 80 or named(value) is None:
        return False
    return _VARIABLE_NAME.fullmatch(value) is not None or _CONSTANT.fullmatch(value) is not None


def _same_name(key: str, value: str) -> bool:
    """Whether a value is made of its key's very words, or of those behind the last dot: `cfg.password = "password"`."""
    words = words_of(value)
    if not words or "".join(words) != _BETWEEN_WORDS.sub("", value).lower():
        return False
    return words in (words_of(key), words_of(key.rpartition(".")[2]))


def is_word(value: str) -> bool:
    """Whether `value` is a name without digits, as of a table's column."""
    return _VARIABLE_NAME.fullmatch(value) is not None or _CONSTANT.fullmatch(value) is not None


def is_prose(value: str) -> bool:
    """Whether `value` is a sentence about a secret rather than one."""
    return " " in value and _PROSE.search(value) is not None


def is_elsewhere(name: Named, value: str) -> bool:
    """Whether `value` is what else the name may mean, or says where the secret is: a file, a directory, an address."""
    rule = name.rule
    if name.other == "directory" and _DIRECTORY.match(value):
        return True
    if name.other == "licence" and (
        _LICENCE.fullmatch(value) or (not any(map(str.isdigit, value)) and (" " in value or len(value) < 16))
    ):
        return True
    if rule in ("password", "secret-key", "secret", "token", "credentials"):
        if _PATH.match(value):
            return True
        if rule == "password":
            return _FOLDER.fullmatch(value) is not None
        return "://" in value[:20] or value.startswith(("arn:", "projects/"))
    return False


def looks_secret(value: str, at_least: int = 6) -> bool:
    """Whether `value` is of the kind that nobody says: one piece, letters and digits mixed up, or many changes of case."""
    n = len(value)
    if n < at_least or n > 10_000 or not value.isprintable() or " " in value or "://" in value[:20]:
        return False
    if all(_PLAIN_SEGMENT.fullmatch(part) for part in _SEGMENT.split(value)[:50]):
        # hunter2 is one plain piece too; many of them are a name: order-42, part-0001.
        return value.isalnum() and n >= 6 and value[-1].isdigit() and not value.isdigit() and value.islower()
    has_digit = any(map(str.isdigit, value))
    if has_digit and any(map(str.isalpha, value)):
        return True
    changes = sum(a.islower() != b.islower() for a, b in pairwise(value))
    return n >= 16 and value.isalnum() and changes * 4 >= n


def is_hit(name: Named, value: str) -> bool:
    """Whether `value`, an attribute's, is a secret under a name that promises `name`."""
    if is_placeholder(value) or is_elsewhere(name, value):
        return False
    return name.sure or looks_secret(value)


def is_word_of_text(name: Named, value: str) -> bool:
    """Whether `value` may be a token of a text (`token = "the"`): nobody draws one of few letters, or of digits alone."""
    return (
        name.rule == "token" and len(value) < 16 and not (any(map(str.isdigit, value)) and any(map(str.isalpha, value)))
    )
