"""What every form of ours shares: its token, and a service's sentences beside fields."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from wtforms.csrf.core import CSRF

from portal.errors import FieldError, Invalid
from portal.web import crossing, sessions


class _SessionToken(CSRF):  # type: ignore[misc]  # WTForms carries no types
    """The token of the server-side session; `crossing.check` has judged it."""

    def generate_csrf_token(self, csrf_token_field: Any) -> str:
        return sessions.csrf_token()

    def validate_csrf_token(self, form: Any, field: Any) -> None:
        return None


class PortalForm(FlaskForm):  # type: ignore[misc]  # WTForms carries no types
    """An explicit list of fields: what is not in it is not read (ASVS 15.3.3).

    Rules are the service's: it raises Invalid, and `refuse` puts each sentence
    beside its field.
    """

    class Meta:
        csrf = True
        csrf_class = _SessionToken
        csrf_field_name = crossing.FIELD

    def refuse(self, fault: Invalid) -> None:
        self.form_errors: list[str] = []
        for error in fault.errors:
            self._beside(error)

    def ask_again(self, name: str) -> None:
        """A secret is not sent back to the page: say that it must be typed again."""
        field = self._fields[name]
        if field.data and not field.errors:
            field.errors = ["Type it again: it is not kept with a refused form."]

    def _beside(self, error: FieldError) -> None:
        field = self._fields.get(error.field)
        if field is None:
            self.form_errors.append(error.detail)
        else:
            field.errors = [*field.errors, error.detail]
