"""Who asks: every service takes an Actor first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from portal.errors import Forbidden, Missing

if TYPE_CHECKING:
    from portal.services.installation import Installation


class Role(StrEnum):
    VIEWER = "viewer"
    ADMIN = "admin"
    OWNER = "owner"

    @property
    def rank(self) -> int:
        return list(Role).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRef:
    id: int
    public_id: str
    slug: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRef:
    id: int
    public_id: str
    name: str
    email: str
    is_operator: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRef:
    id: int
    public_id: str
    name: str
    scopes: frozenset[str]
    from_domains: frozenset[str] | None = None  # None: any that the sender may use
    to_domains: frozenset[str] | None = None  # None: anybody


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person, a key, the operator's shell or the system, within a tenant or not."""

    installation: Installation
    tenant: TenantRef | None = None
    role: Role | None = None
    person: PersonRef | None = None
    key: KeyRef | None = None
    system: str | None = None  # "engine", "command line": trusted with everything
    session_id: int | None = None
    ip: str | None = None

    @property
    def label(self) -> str:
        """Who, as audit and pages show it."""
        if self.person:
            return self.person.email
        if self.key:
            return f"key “{self.key.name}”"
        return self.system or "nobody"

    @property
    def here(self) -> TenantRef:
        """The tenant acted in; without one there is nothing to see."""
        if self.tenant is None:
            raise Missing("There is no such tenant.")
        return self.tenant

    def within(self, tenant: TenantRef, role: Role | None = None) -> Actor:
        return replace(self, tenant=tenant, role=role)

    def require(self, role: Role) -> None:
        """Raises Missing for a stranger, Forbidden for too small a role."""
        if self.system:
            return
        if self.tenant is None or self.role is None:
            raise Missing("There is no such page.")
        if self.role.rank < role.rank:
            raise Forbidden(f"This needs the role {role}; yours is {self.role}.")

    def require_scope(self, scope: str) -> None:
        """For keys: raises Forbidden unless the key may do it."""
        if self.system:
            return
        if self.key is None or scope not in self.key.scopes:
            raise Forbidden(f"This key may not {scope}.")

    def require_operator(self) -> None:
        if self.system or (self.person and self.person.is_operator):
            return
        raise Forbidden("Only the operator of this installation may do this.")
