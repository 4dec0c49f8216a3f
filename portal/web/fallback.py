"""A person ends the fallback: the sender carries its mail again at once."""

from __future__ import annotations

from werkzeug.wrappers import Response

from portal.services import senders
from portal.services.actor import Role
from portal.services.senders.activating import return_now
from portal.web import access, fragments, notices, sender_words

pages = access.blueprint("fallback", __name__)


@pages.post("/t/<slug>/fallback/end")
def end(slug: str) -> Response:
    """Every page says who carries the mail, so that the overview is shown anew."""
    actor = access.tenant_actor(slug, Role.ADMIN)
    left = return_now(actor)
    route = senders.route_now(actor.installation, actor.here.id)
    if left is None:
        notices.say(f"Mail goes through “{route.label}”; nothing stood in for it.")
    else:
        notices.say(
            f"Mail goes through “{route.label}” again from now on."
            f" {sender_words.left_behind(left)}".rstrip()
        )
    return fragments.go(f"/t/{slug}/")
