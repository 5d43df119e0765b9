"""Masks what looks like a secret though nobody knows it: tokens, headers, NAME=value. Pure.

Every pattern takes time in proportion to the text: a word is begun once, repetitions are possessive
or bounded, so that no log can make it slow.
"""

import re
from collections.abc import Callable

from stack.redaction.forms import BEFORE
from stack.redaction.mask import MASK
from stack.redaction.values import FEWEST_DIGITS, is_plain, looks_random, says_secret

Found = re.Match[str]
Judge = Callable[[Found, str | None], bool]  # of a name alone, then of the value behind it

_GITLAB = "pat rt dt cbt ptt ft imt agent oas soat ffct"
# Shapes that their issuers document: what each begins with, and the rest.
_TOKENS = (
    *((f"gh{kind}_", r"\w{20,}") for kind in "oprsu"),  # GitHub
    ("github_pat_", r"\w{22,}"),
    *((f"gl{kind}-", r"[\w-]{20,}") for kind in _GITLAB.split()),
    ("xox", r"[a-z](?:\.xox[a-z])?-[\w-]{10,}"),  # Slack
    ("xapp-", r"\d-[\w-]{10,}"),
    ("hooks.slack.com/", r"(?:services|workflows|triggers)/[\w/]{20,}"),
    ("/api/webhooks/", r"\d{17,20}/[\w-]{60,}"),  # Discord
    ("sk_", r"(?:live|test)_\w{10,}"),  # Stripe
    ("rk_", r"(?:live|test)_\w{10,}"),
    ("whsec_", r"[\w+/=]{20,}"),
    *((f"A{kind}", r"[A-Z0-9]{16}") for kind in ("KIA", "SIA", "BIA", "CCA")),  # AWS
    ("AIza", r"[\w-]{35}"),  # Google
    ("GOCSPX-", r"[\w-]{20,}"),
    ("ya29.", r"[\w-]{20,}"),
    ("npm_", r"[A-Za-z0-9]{30,}"),
    ("pypi-", r"[\w-]{50,}"),
    ("dckr_", r"[po]at_[\w-]{20,}"),  # Docker
    ("SG.", r"[\w-]{16,}\.[\w-]{16,}"),  # SendGrid
    ("SK", r"[0-9a-f]{32}"),  # Twilio
    ("AC", r"[0-9a-f]{32}"),
    ("sk-", r"(?=[\w-]*\d)[\w-]{20,}"),  # OpenAI, Anthropic
    ("hf_", r"[A-Za-z0-9]{30,}"),  # Hugging Face
    *((f"do{kind}_v1_", r"[0-9a-f]{64}") for kind in "opr"),  # DigitalOcean
    ("shp", r"(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),  # Shopify
    ("sq0", r"[a-z]{3}-[\w-]{22,}"),  # Square
    ("key-", r"[0-9a-z]{32}"),  # Mailgun
    (":AA", r"[\w-]{33}"),  # Telegram
    *((f"hv{kind}.", r"[\w-]{24,}") for kind in "bsr"),  # Vault
    ("dapi", r"[0-9a-f]{32}"),  # Databricks
    ("lin_api_", r"\w{32,}"),  # Linear
    ("dp.", r"[a-z]{2}\.[\w.]{32,}"),  # Doppler
    ("AGE-SECRET-KEY-1", r"[0-9A-Z]{50,}"),
    ("eyJ", r"[\w-]{5,}(?:\.[\w-]*){2,4}"),  # a JWT or a JWE: base64url parts, the first is {"…
)


def _token(begins: str, rest: str) -> re.Pattern[str]:
    """Look at what stands before a token only where one may begin: that is fast."""
    word = re.escape(begins)
    before = BEFORE.replace(")|", f"{word})|")[:-2] + f"{word}))" if begins[0].isalpha() else ""
    return re.compile(f"{word}{before}{rest}")


_TOKEN = tuple((begins, _token(begins, rest)) for begins, rest in _TOKENS)

_PRIVATE_KEY = re.compile(
    r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----)"
    # Up to its end; without one, over lines of Base64 and of the headers that may precede them.
    r"(?:(?:[^\"'<>{}-]|-(?!----))*+(?=-----END)"
    r"|(?:(?:\r?\n[ \t]*|\\{1,4}[nr])*+(?:[A-Za-z0-9+/=]++(?=[\r\n\\\"'<-]|\Z)"
    r"|(?:Proc-Type|DEK-Info|Version|Comment)[^\n\\\"]*+))*+)"
)
_END_OF_KEY = re.compile(r"-----END [A-Z ]{0,40}PRIVATE KEY")
_LAST_OF_KEY = re.compile(r"[A-Za-z0-9+/=]{16,}")

# A value in quotes (which a string within a string has escaped), or up to what ends it.
_QUOTED = (
    r"(?P<quote>\\{1,7}[\"'])(?:(?!(?P=quote))[^\n])*+"
    r"|\"(?:[^\"\\\n]|\\.)*+|'[^'\n]*+"
)
_VALUE = re.compile(rf"{_QUOTED}|[^\s\"',;&<>\\]++")

_HEADER = re.compile(
    r"(?i)(?<![A-Za-z0-9_])"
    r"((?:proxy-)?authorization|(?:set-)?cookie2?|x-(?:[a-z0-9]{1,20}-){0,3}(?:key|token|secret|auth"
    r"|password|signature))"
    r"(\\{0,7}[\"']?,?\s{0,4}(?:\"value\"\s?)?(?:[:=]|=>|(?<=,\s)(?=b?[\"']))\s{0,4}(?:[\[(](?!redacted))?(?:b(?=[\"']))?)"
    rf"({_QUOTED}|(?:=\\{{0,7}}\"[^\n\"]*\"|\[redacted\]|[^\n\"'\[\]])++)"
)
_SCHEME = re.compile(r"(?i)[\"'\\]*(?:bearer|basic|digest|token|negotiate|ntlm)[ .]")
_BEARER = re.compile(
    # "basic authentication" is prose; credentials hold a capital letter or a digit.
    r"([Bb](?i:earer|asic)[ .])(?=[\w.~+/-]*[A-Z0-9])[\w.~+/=-]{8,}"
)

# Only names are looked for; a value is read where the name says that it is secret.
_ASSIGNED = re.compile(
    r"(?<![A-Za-z0-9_])(?P<name>[A-Za-z_][\w.-]{0,100}+)"
    r"(?P<between>\\{0,7}[\"']?[ \t]{0,4}(?::=|=>|=|:)[ \t]{0,4})"
)
_YAML = re.compile(r"(?m)^[ \t]*(?:- )?(?P<name>[\w-]{1,100}+): +(?![\s\"'\[{|>])")
_LINE = re.compile(r".+")
_ELEMENT = re.compile(r"<(?P<name>[\w.:-]{1,100}+)>")
_TEXT = re.compile(r"[^<\n]++(?=<)")
_OPTION = re.compile(
    r"(?P<name>-(?<![\w-]-)-?[A-Za-z][\w-]{0,60}+)(?:[ \t]{1,40}|\\{0,7}[\"'],\s{0,40})(?!-)"
)
_BETWEEN = r"[\s\"',\\]{1,40}"
# Commands with options of one letter for a password.
_COMMANDS = tuple(
    (name, re.compile(rf"({name}{rest}\b[^\n|;&]{{0,300}}?{_BETWEEN}{option})[^\s\"',\\|;&]+"))
    for name, rest, option in (
        ("sshpass", "", r"-p[\s\"',\\]{0,40}"),
        ("mysql", "[a-z-]{0,12}", "-p"),
        ("mariadb", "[a-z-]{0,12}", "-p"),
        ("redis-cli", "", rf"(?:-a|--pass){_BETWEEN}"),
        ("curl", "", r"(?:-u|--user)[\s\"',\\=]{0,40}[^\s:\"']{1,80}:"),
        ("login", "", rf"-p{_BETWEEN}"),
    )
)

_QUERY = re.compile(
    r"(?:[?&#;]|%3[fF]|%26|\\{1,7}u0026|&amp;)(?P<name>[\w.\[\]-]{1,80}+)(?:=|%3[dD])"
)
_PARAMETER = re.compile(r"(?:(?!%26|%23)[^\s&\"'<>#;\\])++")
_PARAMETERS = re.compile(
    r"code|state|sig|signature|session|sid|ticket|assertion|samlresponse|relaystate|hmac|nonce|otp"
    r"|code_verifier|awsaccesskeyid|x-(?:amz|goog)-credential",
    re.IGNORECASE,
)
_USERINFO = re.compile(
    r"(://[^\s:/@\"'<>]{0,200}:)(?!\d{1,5}[/?#])"
    r"(?:(?!://)[^\s\"'<>])+(?=@)"
)
_USER = re.compile(r"(?P<name>://)(?=[\w.~-]{16,200}+@)")
_LOGIN = re.compile(r"[\w.~-]++")
_GO_DSN = re.compile(r"(:)[^\s:@/\"']{1,200}+(?=@(?:tcp|unix)\()")


def mask_shapes(text: str) -> str:
    """Mask all that looks like a secret by its shape or by what stands before it."""
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub(_behind, _masked_ends(text))
    text = _HEADER.sub(_header, text)
    for begins, token in _TOKEN:
        if begins in text:
            text = token.sub(MASK, text)
    for name, command in _COMMANDS:
        if name in text:
            text = command.sub(_behind, text)
    for pattern in (_BEARER, _USERINFO, _GO_DSN):
        text = pattern.sub(_behind, text)
    for rule in _RULES:
        text = _masked_behind_names(text, *rule)
    return text


def _behind(found: Found) -> str:
    return found[1] + MASK


def _header(found: Found) -> str:
    """Keep the scheme of credentials: which one it is explains much, and opens nothing."""
    value = found[3]
    scheme = _SCHEME.match(value)
    return found[1] + found[2] + (scheme[0] if scheme else _opening(value)) + MASK


def _opening(value: str) -> str:
    return re.match(r"\\*[\"']?", value)[0] if value[:1] in {"\\", '"', "'"} else ""  # type: ignore[index]


def _masked_ends(text: str) -> str:
    """Mask the lines before the end of a key whose beginning is missing, as at the top of a log."""
    if not _END_OF_KEY.search(text):
        return text
    lines = text.split("\n")
    for number, line in enumerate(lines):
        before = number - 1
        if _END_OF_KEY.match(line.strip()):
            while before >= 0 and _LAST_OF_KEY.fullmatch(lines[before].strip()):
                lines[before] = MASK
                before -= 1
    return "\n".join(lines)


def _masked_behind_names(
    text: str, names: re.Pattern[str], values: re.Pattern[str], judge: Judge
) -> str:
    """Mask the values that follow names, where both are judged; quotes around them stay."""
    parts, done, place = [], 0, 0
    while found := names.search(text, place):
        place = found.end()
        value = values.match(text, place) if judge(found, None) else None
        if value is None:
            continue
        opening = _opening(value[0])
        inner = value[0][len(opening) :]
        if not opening and not inner.endswith(MASK):
            inner = inner.rstrip(")}]")
        if is_plain(inner) or inner.startswith("-----BEGIN") or not judge(found, inner):
            continue
        parts += [text[done : place + len(opening)], MASK]
        done = place = place + len(opening) + len(inner)
    return "".join([*parts, text[done:]])


def _is_named_secret(found: Found, _value: str | None) -> bool:
    return says_secret(found["name"])


def _is_assigned_secret(found: Found, value: str | None) -> bool:
    """Judge NAME=value and name: value; what follows a colon may be prose ("token: expired")."""
    if value is None:
        return says_secret(found["name"])
    if value[:1] in {"[", "{", "("}:
        return False
    is_prose = value.isalpha() and (value.islower() or value.istitle())
    is_little = value.isdigit() and len(value) < FEWEST_DIGITS
    return found["between"].strip() != ":" or not (is_prose or is_little)


def _is_option_secret(found: Found, value: str | None) -> bool:
    """Judge what follows an option; of one letter (-p) nobody knows what it means."""
    name = found["name"]
    is_short = len(name.strip("-")) == 1
    return says_secret(name) or (is_short and (value is None or looks_random(value)))


def _is_parameter(found: Found, value: str | None) -> bool:
    name = found["name"]
    if name == "state" and value is not None and value.isalpha():
        return False
    return bool(_PARAMETERS.fullmatch(name)) or says_secret(name)


def _is_random_user(_found: Found, value: str | None) -> bool:
    return value is None or looks_random(value)


_RULES: tuple[tuple[re.Pattern[str], re.Pattern[str], Judge], ...] = (
    (_YAML, _LINE, _is_named_secret),
    (_ASSIGNED, _VALUE, _is_assigned_secret),
    (_ELEMENT, _TEXT, _is_named_secret),
    (_OPTION, _VALUE, _is_option_secret),
    (_QUERY, _PARAMETER, _is_parameter),
    (_USER, _LOGIN, _is_random_user),
)
