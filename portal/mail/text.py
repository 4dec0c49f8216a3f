"""The plain-text alternative of an HTML body: words, links and line breaks."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from portal.mail.tags import Piece, pieces

_HIDDEN = frozenset({"head", "title", "template", "noscript"})
_BLOCK = re.compile(
    r"address|article|aside|blockquote|body|center|d[dlt]|div|fieldset|footer|form"
    r"|h[1-6r]|header|li|main|nav|ol|p|pre|section|table|tr|ul"
)
_PARAGRAPH = re.compile(r"blockquote|h[1-6]|ol|p|pre|table|ul")
_LINKS = ("http://", "https://", "mailto:", "tel:")


def text_alternative(source: str) -> str:
    """What a reader without HTML sees, ending in a line feed; links keep their
    address when it is one that a person may follow (never `javascript:`)."""
    page = _Page()
    for piece in pieces(source):
        if piece.tag:
            page.tag(piece)
        else:
            page.words(piece.text)
    return page.finished()


@dataclass(slots=True)
class _Page:
    """The text so far; `gap` is the number of line feeds due before more words."""

    parts: list[str] = field(default_factory=list)
    gap: int = 0
    space: bool = False
    hidden: int = 0
    pre: int = 0
    link: tuple[str, int] | None = None  # its target, and where its words begin
    lists: list[int] = field(default_factory=list)  # the last number, -1: bullets
    marked: bool = False  # a list item has its mark and no words yet

    def words(self, raw: str) -> None:
        if self.hidden:
            return
        text = html.unescape(raw).replace("\0", "")
        if self.pre:
            self._put(text)
            return
        words = text.replace("\u00ad", "").split()
        if not words:
            self.space = self.space or bool(text)
            return
        if text[0].isspace():
            self.space = True
        self._put(" ".join(words))
        self.space = text[-1].isspace()

    def tag(self, piece: Piece) -> None:
        name, closing = piece.tag, piece.closing
        if name in _HIDDEN:
            self.hidden = max(0, self.hidden + (-1 if closing else 1))
        elif name == "body":
            self.hidden = 0
        if self.hidden:
            return
        if name == "br":
            self.gap, self.space = self.gap + 1, False
        elif _BLOCK.fullmatch(name):
            apart = _PARAGRAPH.fullmatch(name) and not self.lists
            self._break(2 if apart else 1)
        elif name in ("td", "th"):
            self.space = True
        if name == "pre":
            self.pre = max(0, self.pre + (-1 if closing else 1))
        elif name in ("ul", "ol"):
            self._list(name, closing)
        elif name == "li" and not closing:
            self._item()
        elif name == "hr":
            self._put("--------")
            self._break(1)
        elif name == "a":
            self._link(piece)
        elif name == "img":
            self.words(piece.attribute("alt"))

    def finished(self) -> str:
        text = "".join(self.parts)
        lines = [line.rstrip() for line in text.split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"

    def _put(self, text: str) -> None:
        if self.parts and self.gap:
            self.parts.append("\n" * min(self.gap, 2))
        elif self.parts and self.space:
            self.parts.append(" ")
        self.gap, self.space, self.marked = 0, False, False
        self.parts.append(text)

    def _break(self, gap: int) -> None:
        if self.marked:
            return
        self.gap, self.space = max(self.gap, gap), False

    def _list(self, name: str, closing: bool) -> None:
        if not closing:
            self.lists.append(0 if name == "ol" else -1)
        elif self.lists:
            self.lists.pop()
            self._break(1 if self.lists else 2)

    def _item(self) -> None:
        mark = "- "
        if self.lists and self.lists[-1] >= 0:
            self.lists[-1] += 1
            mark = f"{self.lists[-1]}. "
        self._put("  " * (min(len(self.lists), 6) - 1) + mark)
        self.marked = True

    def _link(self, piece: Piece) -> None:
        if not piece.closing:
            target = html.unescape(piece.attribute("href")).strip()
            self.link = target, len(self.parts)
        elif self.link:
            target, since = self.link
            self.link = None
            words = "".join(self.parts[since:]).strip()
            if _worth_showing(target, words):
                self.space = bool(words)
                self._put(f"<{target}>" if words else target)


def _worth_showing(target: str, words: str) -> bool:
    if not target.lower().startswith(_LINKS) or re.search(r"[\s\0-\x1f<>]", target):
        return False
    return target.rstrip("/") != words.rstrip("/") and target != f"mailto:{words}"
