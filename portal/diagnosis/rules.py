"""The reader of the rules: TOML in, the first rule that fits out."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from portal.diagnosis.meaning import Saying, Vocabulary, ideas, vocabulary
from portal.diagnosis.reading import Reading

# Without a stage, these words must stand there for a rule of that stage to be asked.
_STAGE_WORDS = {
    "dns": r"dns|resol|look.?up|getaddrinfo|gaierror|name server|unknown ?host|known|EAI_|ENOTFOUND|NXDOMAIN|SERVFAIL|nodename|no such host",
    "connect": r"connect|socket|unreachable|route|dial",
    "tls": r"tls|ssl|certificate|x509|handshake",
    "banner": r"greeting|banner|connect|session|\bIMAP|POP3|SSH-|HTTP|\b[45]\d\d\b",
    "ehlo": r"helo|ehlo",
    "starttls": r"tls|ssl|certificate|x509",
    "oauth_token": r"oauth|token|AADSTS|invalid_|unauthorized_|grant",
    "auth": r"auth|log.?in|sign.?in|password|credential|user ?name|api.?key|授权码",
    "mail_from": r"sender|from|return.?path|absender|发件人",
}
# RFC 4954 §6 has no 55x: such a reply is about signing in only if it names a secret.
_SECRET_WORDS = re.compile(
    r"passw|log.?in|user ?name|credentials?(?! for)|api.?key", re.I
)
# Where there is no reply either: “it may have been accepted” is not said lightly.
_CONTENT_WORDS = re.compile(r"\b(data|message|body|dot|354)\b", re.IGNORECASE)
_BEFORE_REPLIES = frozenset({"dns", "connect", "tls", "oauth_token"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One of `causes/*.toml`: the words for it, where it happens."""

    id: str
    stages: tuple[str, ...] = ()
    temporary: bool = False
    stays: bool = False  # also where a relay says “later” (4yz)
    title: str
    meaning: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Every condition that is given must hold. `codes` are the first digits of a
    reply code, `enhanced` may begin with `x` for any class, `exceptions` are class
    names without their module. Without a code, `codes` never hold."""

    cause: str
    sure: float
    stages: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    enhanced: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    securities: tuple[str, ...] = ()
    auths: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    not_ports: tuple[int, ...] = ()
    no_code: bool = False
    text: re.Pattern[str] | None = None
    says: tuple[Saying, ...] = ()
    lacks: tuple[Saying, ...] = ()
    alternatives: tuple[str, ...] = ()
    title: str | None = None
    meaning: str | None = None
    remedy: str | None = None

    def fits(self, reading: Reading) -> bool:
        return (
            self._fits_place(reading)
            and self._fits_reply(reading)
            and self._fits_words(reading)
        )

    def _fits_place(self, reading: Reading) -> bool:
        return (
            self._fits_stage(reading)
            and _holds(self.kinds, reading.kind)
            and _holds(self.phases, reading.phase)
            and _holds(self.securities, reading.security)
            and _holds(self.auths, reading.auth)
            and (not self.ports or reading.port in self.ports)
            and reading.port not in self.not_ports
        )

    def _fits_stage(self, reading: Reading) -> bool:
        if not self.stages or reading.stage in self.stages:
            return True
        if reading.stage is not None or not (
            self.text or self.says or self.enhanced or self.exceptions
        ):
            return False  # a bare code without its stage tells nothing
        return any(_may_be(stage, reading) for stage in self.stages)

    def _fits_reply(self, reading: Reading) -> bool:
        code, enhanced = reading.code, reading.enhanced
        if self.no_code and code is not None:
            return False
        digits = str(code or reading.permanence)
        if self.codes and not digits.startswith(self.codes):
            return False
        if self.enhanced and not any(_matches(e, enhanced) for e in self.enhanced):
            return False
        return _holds(self.exceptions, reading.exception)

    def _fits_words(self, reading: Reading) -> bool:
        if self.text and not self.text.search(reading.words):
            return False
        says = reading.meaning.says
        if self.says and not any(says(each) for each in self.says):
            return False
        return not any(says(each) for each in self.lacks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What there is to know of failures; a bench tries it with pages torn out."""

    rules: tuple[Rule, ...]
    vocabulary: Vocabulary

    def first_fitting(self, reading: Reading) -> Rule:
        """The last rule of all has no condition, so there is always one."""
        return next(rule for rule in self.rules if rule.fits(reading))


@cache
def causes() -> dict[str, Cause]:
    return {
        id_: Cause(id=id_, **_tuples(row))
        for _name, table in _tables("causes")
        for id_, row in table.items()
    }


@cache
def groups() -> dict[str, tuple[str, ...]]:
    """The ids of the causes by the name of their file: `signing_in`."""
    return {name: tuple(table) for name, table in _tables("causes")}


@cache
def book() -> Book:
    """All rules, in the order of the files and within them, and their vocabulary."""
    rows = (row for _name, table in _tables("rules") for row in table["rule"])
    return Book(rules=tuple(_rule(row) for row in rows), vocabulary=vocabulary(ideas()))


def _tables(folder: str) -> Iterator[tuple[str, dict[str, Any]]]:
    files = (resources.files("portal.diagnosis") / folder).iterdir()
    for file in sorted(files, key=lambda each: each.name):
        if file.name.endswith(".toml"):
            name = file.name.removesuffix(".toml")
            yield name, tomllib.loads(file.read_text("utf-8"))


def _rule(row: dict[str, Any]) -> Rule:
    row = _tuples(row)
    if "text" in row:
        row["text"] = re.compile(row["text"], re.IGNORECASE)
    for key in ("says", "lacks"):
        row[key] = tuple(Saying.of(each) for each in row.get(key, ()))
    return Rule(**row)


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}


def _may_be(stage: str, reading: Reading) -> bool:
    if stage in _BEFORE_REPLIES and reading.code is not None:
        return False
    words = f"{reading.exception or ''} {reading.words}"
    if stage == "auth" and str(reading.code).startswith("55"):
        return _SECRET_WORDS.search(words) is not None
    if stage in ("data", "post_data") and not reading.permanence:
        return _CONTENT_WORDS.search(words) is not None
    return re.search(_STAGE_WORDS.get(stage, ""), words, re.IGNORECASE) is not None


def _holds(wanted: tuple[str, ...], value: str | None) -> bool:
    return not wanted or value in wanted


def _matches(pattern: str, enhanced: str | None) -> bool:
    if enhanced is None:
        return False
    return enhanced == pattern or (
        pattern.startswith("x.") and enhanced.partition(".")[2] == pattern[2:]
    )
