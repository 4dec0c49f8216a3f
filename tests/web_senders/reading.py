"""What a page or a fragment says: its fields, its rungs, the test it shows."""

from __future__ import annotations

import re

RUNG = re.compile(r'<li data-state="(\w+)">.*?<small>(\w+)</small>', re.S)


def value(html: str, name: str) -> str:
    found = re.search(rf'<input[^>]*\sname="{name}"[^>]*', html)
    assert found, f"no field {name}"
    given = re.search(r'\svalue="([^"]*)"', found[0])
    return given[1] if given else ""


def chosen(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)" checked', html)
    return found[1] if found else ""


def rungs(html: str) -> dict[str, str]:
    """The state of each stage of the ladder."""
    ladder = html.partition('<ol class="ladder">')[2].partition("</ol>")[0]
    return {stage: state for state, stage in RUNG.findall(ladder)}


def words(html: str) -> str:
    """Without the places where a name may break."""
    return html.replace("<wbr>", "")


def started(html: str) -> str:
    """The address of the ladder that this fragment shows."""
    test_id = re.search(r'name="test" value="([^"]+)"', html)
    assert test_id
    return f"/t/acme-inc/tests/{test_id[1]}"
