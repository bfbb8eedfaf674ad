"""Whether a token may do something at all; whether its user may, the services ask."""

from typing import Any, Protocol, cast

from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.api.access import Access


class _Door(Protocol):
    resource: str
    is_administrators: bool

    def way(self, verb: str) -> str: ...


class HasScope(BasePermission):
    """Asks the scopes of the token, and that its user has some role where one is needed."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Raise PermissionDenied, which says what scope it would be."""
        door = cast("_Door", view)
        access = request.auth
        if not isinstance(access, Access):
            raise NotAuthenticated("Send a token: Authorization: Bearer mhk_…")
        way = door.way(request.method or "")
        if not access.allows(door.resource, way):
            raise PermissionDenied(
                f"This token has not the scope {door.resource}:{way}", code="scope_missing"
            )
        if door.is_administrators and not access.powers:
            raise PermissionDenied(
                "The user of this token has no role that lets it administer anything here",
                code="not_permitted",
            )
        return True
