"""The causes of failures: all of them, and a page for each with an address to keep."""

from __future__ import annotations

from werkzeug.wrappers import Response

from portal.delivery.types import Stage
from portal.services import causes
from portal.web import access, fragments
from portal.web.frame import around
from portal.web.rungs import NAMES

pages = access.blueprint("causes", __name__)


@pages.get("/causes")
def show_all() -> Response:
    catalogue = access.visitor().installation.catalogue
    groups = causes.all_groups(catalogue)
    return fragments.page(
        "causes/all.html",
        groups=groups,
        around=around(),
        total=sum(len(group.causes) for group in groups),
    )


@pages.get("/causes/<cause_id>")
def show(cause_id: str) -> Response:
    catalogue = access.visitor().installation.catalogue
    return fragments.page(
        "causes/one.html",
        cause=causes.cause(catalogue, cause_id),
        stage_name=_stage_name,
        around=around(),
    )


def _stage_name(stage: str) -> str:
    return NAMES[Stage(stage)]
