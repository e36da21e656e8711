"""What a secret looks like by itself: the formats of well-known keys, tokens, URLs with credentials, private keys.

Enters: a text. Leaves: the text with the secret parts replaced. Each rule names literal anchors, so that a text without
them costs a search for literals and no more; each pattern is linear: bounded repeats, or possessive ones.
Formats are those of the vendors' own documentation; see docs/decisions/0013-redaction.md."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from nbtrace.store.redaction.names import is_placeholder, looks_secret, named

Hit = Callable[[str], str]
"""Told the rule, counts it and returns what to put in the secret's place."""


class Format(NamedTuple):
    """A key format: one that is recognised wherever it stands."""

    rule: str
    anchors: tuple[str, ...]
    """The text holds one of them, or no key of this format."""
    pattern: str
    """The secret is the group `s`, or all of it. Lengths are lower than the vendor's, as a limit may have cut the key."""


FORMATS = (
    Format("jwt", ("eyJ",), r"eyJ(?:hbGci|0eXAi|raWQi|lbmMi|jdHki|4NXQi)[\w-]*+(?:\.[\w-]*+){0,4}"),
    Format("jwt", (".eyJ",), r"eyJ[\w-]{5,400}+\.eyJ[\w-]*+(?:\.[\w-]*+)?"),
    Format("aws", ("AKIA", "ASIA", "ABIA", "ACCA"), r"A(?:KI|SI|BI|CC)A[A-Z0-9]{12,}+"),
    Format("github", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{12,}+"),
    Format("github", ("github_pat_",), r"github_pat_\w{12,}+"),
    Format(
        "gitlab",
        ("glpat-", "gldt-", "glrt-", "glrtr-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "glsoat-", "gloas-"),
        r"gl(?:pat|dt|rtr?|cbt|ptt|ft|imt|agent|soat|oas)-[\w.-]{12,}+",
    ),
    Format("slack", ("xox",), r"xox[a-z](?:\.xox[a-z])?-[\w-]{10,}+"),
    Format("slack", ("xapp-",), r"xapp-\d-[\w-]{10,}+"),
    Format("slack", ("hooks.slack.com/",), r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<s>[\w/-]{10,}+)"),
    Format("google", ("AIza",), r"AIza[\w-]{20,}+"),
    Format("google", ("ya29.",), r"ya29\.[\w-]{16,}+"),
    Format("google", ("GOCSPX-",), r"GOCSPX-[\w-]{12,}+"),
    Format("google", ("1//0",), r"1//0[\w-]{30,}+"),
    Format("stripe", ("k_live_", "k_test_"), r"[sr]k_(?:live|test)_[A-Za-z0-9]{10,}+"),
    Format("stripe", ("whsec_",), r"whsec_[A-Za-z0-9+/=]{16,}+"),
    Format("anthropic", ("sk-ant-",), r"sk-ant-[\w-]{12,}+"),
    Format("openai", ("sk-",), r"sk-(?:(?:proj|svcacct|admin|or-v1|lf)-[\w-]{12,}+|[A-Za-z0-9]{20,}+)"),
    Format("huggingface", ("hf_",), r"hf_[A-Za-z0-9]{16,}+(?!_)"),
    Format("azure", ("Q~",), r"[\w~.-]{3}\dQ~[\w~.-]{20,}+"),
    Format("npm", ("npm_",), r"npm_[A-Za-z0-9]{20,}+(?!_)"),
    Format("pypi", ("pypi-A",), r"pypi-A[\w-]{16,}+"),
    Format("sendgrid", ("SG.",), r"SG\.[\w-]{16,}+(?:\.[\w-]*+)?"),
    Format("twilio", ("SK",), r"SK[0-9a-f]{32}"),
    Format("telegram", (":A",), r"(?<!\d)\d{8,10}:(?P<s>A[A-Za-z][\w-]{28,}+)"),
    Format("discord", (".",), r"(?<![\w-])[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,}+"),
    Format("discord", ("/api/webhooks/",), r"discord(?:app)?\.com/api/webhooks/\d{1,30}/(?P<s>[\w-]{10,}+)"),
    Format("databricks", ("dapi",), r"dapi[0-9a-f]{20,}+(?:-\d)?"),
    Format("digitalocean", ("_v1_",), r"do[opr]_v1_[0-9a-f]{16,}+"),
    Format("shopify", ("shp",), r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{16,}+"),
    Format("groq", ("gsk_",), r"gsk_[A-Za-z0-9]{20,}+"),
    Format("xai", ("xai-",), r"xai-[A-Za-z0-9]{20,}+"),
    Format("replicate", ("r8_",), r"r8_[A-Za-z0-9]{20,}+"),
    Format("perplexity", ("pplx-",), r"pplx-[A-Za-z0-9]{20,}+"),
    Format("nvidia", ("nvapi-",), r"nvapi-[\w-]{20,}+"),
    Format("langsmith", ("lsv2_",), r"lsv2_(?:pt|sk)_[0-9a-f_]{16,}+"),
    Format("logfire", ("pylf_v",), r"pylf_v\d_(?:[a-z]{2,10}_)?[A-Za-z0-9]{16,}+"),
    Format("wandb", ("wandb_v1_",), r"wandb_v1_\w{16,}+"),
    Format("kaggle", ("KGAT_",), r"KGAT_[0-9a-f]{16,}+"),
    Format("kaggle", ('"username"',), r'"username"\s?:\s?"[^"\n]{0,80}"\s?,\s?"key"\s?:\s?"(?P<s>[0-9a-f]{32})"'),
    Format("vault", ("hvs.", "hvb.", "hvr."), r"hv[sbr]\.[\w-]{16,}+"),
    Format("notion", ("ntn_",), r"ntn_[A-Za-z0-9]{20,}+"),
    Format("grafana", ("glsa_", "glc_"), r"gl(?:sa|c)_\w{16,}+"),
    Format("linear", ("lin_api_", "lin_oauth_"), r"lin_(?:api|oauth)_[A-Za-z0-9]{16,}+"),
    Format("figma", ("figd_",), r"figd_[\w-]{20,}+"),
    Format("newrelic", ("NRAK-",), r"NRAK-[A-Z0-9]{16,}+"),
    Format("postman", ("PMAK-",), r"PMAK-[0-9a-f-]{20,}+"),
    Format("atlassian", ("ATATT3", "ATCTT3", "ATBB"), r"AT(?:ATT3|CTT3|BB)[\w=-]{20,}+"),
    Format("docker", ("dckr_",), r"dckr_(?:pat|oat)_[\w-]{12,}+"),
    Format("mailgun", ("key-",), r"key-[0-9a-f]{32}(?![\w-])"),
    Format("pinecone", ("pcsk_",), r"pcsk_\w{16,}+"),
    Format("tailscale", ("tskey-",), r"tskey-[a-z]{2,10}-[\w-]{12,}+"),
    Format("terraform", (".atlasv1.",), r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{16,}+"),
    Format("supabase", ("sbp_", "sb_secret_"), r"sbp_[0-9a-f]{20,}+|sb_secret_[\w-]{16,}+"),
    Format("planetscale", ("pscale_",), r"pscale_(?:tkn|pw|oauth)_[\w.-]{16,}+"),
    Format("doppler", ("dp.",), r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{20,}+"),
    Format("sentry", ("sntrys_", "sntryu_"), r"sntry[su]_[\w=+/-]{20,}+"),
    Format("rubygems", ("rubygems_",), r"rubygems_[0-9a-f]{20,}+"),
    Format("airtable", ("pat",), r"pat[A-Za-z0-9]{14}\.[0-9a-f]{20,}+"),
    Format("dynatrace", ("dt0",), r"dt0[a-z]\d\d\.[A-Z0-9]{20,}+\.[A-Z0-9]{16,}+"),
    Format("mapbox", ("sk.eyJ",), r"sk\.eyJ[\w-]{10,}+(?:\.[\w-]*+)?"),
    Format("square", ("sq0",), r"sq0[a-z]{3}-[\w-]{16,}+"),
    Format("age", ("AGE-SECRET-KEY-1",), r"AGE-SECRET-KEY-1(?P<s>[A-Z0-9]{16,}+)"),
)  # fmt: skip

SHAPES = ("private-key", "url-credentials", "url-query", "bearer", "basic", "sql", "command-line")
"""The rules that are more than one pattern, in the order in which they are applied, before the formats."""

_ESCAPE = re.compile(r"(?:\\[nrtfv0]|%[0-9A-Fa-f]{2}|\\u[0-9a-f]{4})\Z")


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern compiled, once and when first needed."""
    return re.compile(pattern)


def _by_sign() -> tuple[tuple[str, tuple[tuple[str, int], ...]], ...]:
    """The anchors and their formats' numbers, by a sign that they share: most texts lack most signs."""
    signs: dict[str, list[tuple[str, int]]] = {"_": [], "-": [], ".": [], "": []}
    for number, format in enumerate(FORMATS):
        for anchor in format.anchors:
            signs[next((sign for sign in "_-." if sign in anchor), "")].append((anchor, number))
    return tuple((sign, tuple(anchors)) for sign, anchors in signs.items())


_ANCHORS = _by_sign()


def formats(text: str, rules: frozenset[str], hit: Hit) -> str:
    """Replace keys of the well-known formats."""
    present = []
    for sign, anchors in _ANCHORS:
        if sign in text:
            for anchor, number in anchors:
                if anchor in text:
                    present.append(number)
    for number in sorted(set(present)):
        rule, _, pattern = FORMATS[number]
        if rule in rules:
            text = compiled(pattern).sub(lambda match, rule=rule: _replaced(match, rule, hit), text)  # type: ignore[misc]
    return text


def _replaced(match: re.Match[str], rule: str, hit: Hit) -> str:
    whole, start = match.group(), match.start()
    before = match.string[max(0, start - 6) : start]
    # Within a longer word it is no key, unless what is before it is an escape: "\nkey", "%3Dkey".
    if before and (before[-1].isalnum() or before[-1] == "_") and match.re.groups == 0 and not _ESCAPE.search(before):
        return whole
    if match.re.groups:
        return whole[: match.start("s") - start] + hit(rule) + whole[match.end("s") - start :]
    return hit(rule)


def shapes(text: str, lowered: str, rules: frozenset[str], hit: Hit) -> str:
    """Replace what is recognised by its surroundings: URLs, headers, private keys, SQL and commands.

    `lowered` is the text before any replacement, and used for what it cannot hold alone."""
    if "private-key" in rules and "PRIVATE KEY" in text:
        text = private_keys(text, hit)
    if "url-credentials" in rules and "://" in text and "@" in text:
        text = _URL_CREDENTIALS.sub(lambda match: _url_credentials(match, hit), text)
    if "url-query" in rules and "=" in text and ("?" in text or "&" in text or "#" in text):
        text = _URL_QUERY.sub(lambda match: _url_query(match, hit), text)
    if "bearer" in rules and "bearer" in lowered:
        text = _BEARER.sub(lambda match: _bearer(match, hit), text)
    if "basic" in rules and "basic" in lowered:
        text = _BASIC.sub(lambda match: _basic(match, hit), text)
    if "sql" in rules and "'" in text and ("identified" in lowered or "password" in lowered or "secret" in lowered):
        text = _SQL.sub(lambda match: _group(match, "sql", hit), text)
    if "command-line" in rules:
        for words, pattern in _COMMANDS:
            if any(word in lowered for word in words):
                text = pattern.sub(lambda match: _group(match, "command-line", hit), text)
    return text


def _group(match: re.Match[str], rule: str, hit: Hit) -> str:
    """Replace the group `s`, unless it is a placeholder or the beginning of a mark."""
    whole, start = match.group(), match.start()
    if match["s"].startswith("[redacted:") or is_placeholder(match["s"]):
        return whole
    return whole[: match.start("s") - start] + hit(rule) + whole[match.end("s") - start :]


_URL_CREDENTIALS = re.compile(r"://(?P<user>[^\s/?#@:\"'<>\[]{0,256})(?::(?P<s>[^\s/?#\"'<>]{1,1024}))?@")


def _url_credentials(match: re.Match[str], hit: Hit) -> str:
    if match["s"] is not None:
        return _group(match, "url-credentials", hit)
    # A user alone is a secret only where it is a token.
    user = match["user"]
    return f"://{hit('url-credentials')}@" if len(user) >= 20 and looks_secret(user) else match.group()


_URL_QUERY = re.compile(
    r"(?P<name>[?&#;][A-Za-z_][\w.\-]{0,63})=(?P<s>(?!\[redacted: )[^&\s#\"'<>;=][^&\s#\"'<>;]{0,8191})"
)
_SIGNED = frozenset(
    ("sig", "signature", "x-amz-signature", "x-goog-signature", "x-amz-security-token", "x-amz-credential")
)


def _url_query(match: re.Match[str], hit: Hit) -> str:
    name, value = match["name"][1:], match["s"]
    found = named(name)
    if is_placeholder(value):
        return match.group()
    if name.lower() in _SIGNED or name == "key":
        secret = len(value) >= 16 and looks_secret(value)
    else:
        secret = found is not None and (found.sure or looks_secret(value, 8))
    return f"{match['name']}={hit('url-query')}" if secret else match.group()


_BEARER = re.compile(r"\b(?P<name>bearer)(?P<gap>:?[ \t]{1,4})(?P<s>[A-Za-z0-9._~+/\-]{6,}+=*+)", re.IGNORECASE)


def _bearer(match: re.Match[str], hit: Hit) -> str:
    value = match["s"]
    secret = looks_secret(value, 10) or (len(value) >= 24 and not value.islower())
    return f"{match['name']}{match['gap']}{hit('bearer')}" if secret else match.group()


_BASIC = re.compile(r"\b(?P<name>basic[ \t]{1,4})(?P<s>[A-Za-z0-9+/]{6,}+={0,2})", re.IGNORECASE)


def _basic(match: re.Match[str], hit: Hit) -> str:
    """Base64 of `user:password`, which is why `Basic understanding` is none."""
    value = match["s"]
    try:
        decoded = base64.b64decode(value[: len(value) // 4 * 4], validate=True)
    except (binascii.Error, ValueError):
        return match.group()
    return match["name"] + hit("basic") if b":" in decoded and decoded.isascii() else match.group()


_SQL = re.compile(
    r"\b(?:(?:(?-i:IDENTIFIED)|(?:user|role)\s{1,8}\S{1,80}\s{1,8}identified)\s{1,8}(?:with\s{1,8}\w{1,40}\s{1,8})?by|password\s{1,8}for\s{1,8}\S{1,120}\s{0,8}=|password\s|(?-i:SECRET)\s)"
    r"\s{0,8}'(?P<s>[^'\n]{1,512}+)'",
    re.IGNORECASE,
)
_COMMANDS = (
    (("curl", "wget"), re.compile(r"(?<![^\s])(?:-u|--user|--proxy-user)[ =]{0,2}[\"']?[^\s:\"']{0,64}:(?P<s>[^\s\"']{1,512})")),
    (("sshpass",), re.compile(r"\bsshpass\s{1,4}-p\s{0,4}[\"']?(?P<s>[^\s\"']{1,512})")),
    (("mysql",), re.compile(r"\bmysql\w{0,12}\s(?:[^\n|]{0,200}\s)?-p[\"']?(?P<s>[^\s\"']{1,512})")),
    (("machine", "login"), re.compile(r"\blogin\s{1,8}\S{1,256}\s{1,8}password\s{1,8}[\"']?(?P<s>[^\s\"']{1,512})")),
    (("login ",), re.compile(r"\blogin(?:\s{1,4}--?[\w-]{1,20}){0,3}\s{1,4}(?P<s>[A-Za-z0-9_\-]{32,128})(?![\w-])")),
    (("login(",), re.compile(r"\blogin\(\s{0,8}[\"'][^\"'\n]{1,256}[\"']\s{0,8},\s{0,8}[\"'](?P<s>[^\"'\n]{1,512})[\"']")),
    (("auth(",), re.compile(r"Auth\(\s{0,8}[\"'][^\"'\n]{0,256}[\"']\s{0,8},\s{0,8}[\"'](?P<s>[^\"'\n]{1,512})[\"']")),
)  # fmt: skip

_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_KEY_FOLLOWS = re.compile(r"(?:\s|\\+[nr]|[\"'+,]){0,80}(?:[A-Za-z0-9+/=]{8}|[A-Z][A-Za-z-]{2,20}: )")
_KEY_LINES = re.compile(r"(?:(?<=\n)|\A)[A-Za-z0-9+/=]{16,}+\r?\n")


def private_keys(text: str, hit: Hit) -> str:
    """Replace what is between the lines that begin and end a private key; one that does not end goes to the text's end."""
    parts: list[str] = []
    position = 0
    begin, end = _BEGIN.search(text), _END.search(text)
    while True:
        # Searched anew only when passed, so that a thousand beginnings without an end are not a thousand searches.
        if begin is not None and begin.start() < position:
            begin = _BEGIN.search(text, position)
        if end is not None and end.start() < position:
            end = _END.search(text, position)
        if begin is None or (end is not None and end.start() < begin.start()):
            if end is None:
                break
            # The text was cut at its beginning: the lines before the end are the key's.
            first = last = end.start()
            for line in _KEY_LINES.finditer(text, position, end.start()):
                first = line.start() if line.start() != last else first
                last = line.end()
            if last == end.start() and first < last:
                parts += [text[position:first], hit("private-key"), "\n"]
                position = end.start()
            parts.append(text[position : end.end()])
            position = end.end()
            continue
        parts.append(text[position : begin.end()])
        position = begin.end()
        if _KEY_FOLLOWS.match(text, position):
            parts.append(hit("private-key"))
            position = len(text) if end is None else end.start()
    return "".join(parts) + text[position:]
