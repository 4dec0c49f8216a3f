"""Writes the lists of all causes, docs/causes.md and the README's, from the data.

Run it after a change of the data: `python -m tests.house.causes`
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from portal.providers.catalogue import Catalogue
from portal.services.causes import CauseView, all_groups

ROOT = Path(__file__).parents[2]
PATH, README = ROOT / "docs" / "causes.md", ROOT / "README.md"
BEGIN, END = "<!-- causes -->\n", "<!-- end of causes -->\n"


def document() -> str:
    return "\n".join(_lines()) + "\n"


def short_list() -> str:
    """For the README: each cause leads to its place in docs/causes.md."""
    groups = all_groups(Catalogue.load())
    return "".join(
        f"- [{each.title}](docs/causes.md#{each.id}): {each.remedy}\n"
        for group in groups
        for each in group.causes
    )


def in_readme(text: str, listed: str) -> str:
    """The README with this list between its marks."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{listed}\n{END}{rest.partition(END)[2]}"


def _lines() -> Iterator[str]:
    groups = all_groups(Catalogue.load())
    total = sum(len(group.causes) for group in groups)
    yield "# What goes wrong, and what repairs it"
    yield ""
    yield (
        f"The {total} causes that a diagnosis names: under a live test, on a message, in"
        " `GET /send/<id>`, and in `portal explain`. The running portal shows each at"
        " `/causes/<id>`, with the wordings of providers that mean it."
    )
    for group in groups:
        yield ""
        yield f"## {group.title}"
        for each in group.causes:
            yield from _cause(each)


def _cause(cause: CauseView) -> Iterator[str]:
    stages = ", ".join(f"`{stage}`" for stage in cause.stages) or "any stage"
    lasts = "passes by itself" if cause.temporary else "stays until something changes"
    yield ""
    yield f"### `{cause.id}`"
    yield ""
    yield f"**{cause.title}.** {cause.meaning}"
    yield ""
    yield f"- Repair: {cause.remedy}"
    if cause.repairs:
        yield f"- By a setting: {'; '.join(cause.repairs)}."
    yield f"- At {stages}; {lasts}."


if __name__ == "__main__":
    PATH.write_text(document(), encoding="utf-8")
    readme = in_readme(README.read_text(encoding="utf-8"), short_list())
    README.write_text(readme, encoding="utf-8")
