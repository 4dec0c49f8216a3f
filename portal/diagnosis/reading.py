"""Evidence made regular: codes found in pasted words, lines joined, names short."""

from __future__ import annotations

import re
from dataclasses import dataclass

from portal.diagnosis.meaning import Meaning, Vocabulary
from portal.diagnosis.types import Evidence

_LONGEST = 4000
_CODE = re.compile(r"(?:^|[\s(\[:\"'])([2-5]\d\d)(?=[\s,:;)-]|$)")
_CODE_IN_FRONT = re.compile(r"^\s*[(\[\"']*([2-5]\d\d)(?:[\s,-]+b?[\"']?|$)")
_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_OF_AUTH = frozenset({534, 535, 538})  # RFC 4954 §6: nothing else answers so
_LINE = re.compile(r"\n\s*(?:[2-5]\d\d[ -])?(?:[245]\.\d{1,3}\.\d{1,3}\s)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the rules look at; `words` is one line."""

    words: str
    meaning: Meaning
    stage: str | None
    code: int | None
    enhanced: str | None
    exception: str | None
    port: int | None
    security: str | None
    auth: str | None
    kind: str | None
    phase: str | None

    @property
    def permanence(self) -> str:
        """The class of the reply, `4` or `5`; empty where none is known.

        RFC 2034 §4: it is also the first digit of an enhanced code.
        """
        return str(self.code or self.enhanced or "")[:1]


def read(evidence: Evidence, vocabulary: Vocabulary) -> Reading:
    words = " ".join(_LINE.sub(" ", evidence.text[:_LONGEST]).split())
    code, enhanced = evidence.code, evidence.enhanced
    if code is None and evidence.exception is None and evidence.kind is None:
        code = _code_in(words)
    return Reading(
        words=words,
        meaning=Meaning(words, vocabulary),
        stage=evidence.stage or ("auth" if code in _OF_AUTH else None),
        code=code,
        enhanced=enhanced or _enhanced_in(words, code),
        exception=(evidence.exception or "").rpartition(".")[2] or None,
        port=evidence.port,
        security=evidence.security,
        auth=evidence.auth,
        kind=evidence.kind,
        phase=evidence.phase,
    )


def _code_in(words: str) -> int | None:
    """The code of a pasted reply: in front, or right before an enhanced code."""
    front = _CODE_IN_FRONT.match(words)
    if front:
        return int(front[1])
    for found in _CODE.finditer(words):
        behind = words[found.end() : found.end() + 12]
        if _ENHANCED.match(behind.lstrip(" ,-:")):
            return int(found[1])
    return None


def _enhanced_in(words: str, code: int | None) -> str | None:
    for found in _ENHANCED.finditer(words):
        # RFC 2034 §4: the class is the code's first digit; else it is an address.
        if code is None or found[1] == str(code)[0]:
            return found[0]
    return None
