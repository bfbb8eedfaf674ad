"""Many users in one request."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.http import StreamingHttpResponse
from rest_framework.request import Request

from apps.api.access import Access
from apps.api.bulk.door import MORE, AnswerLine, BulkDoor
from apps.api.bulk.lines import MEDIA_TYPE, Line
from apps.api.bulk.run import checked, trying
from apps.api.operations import Gives, Sends, operation
from apps.api.users.adding import Known, NewUser, add, hashed, look
from apps.api.users.forms import NewUserShown, UserForm
from apps.api.users.shown import EXAMPLE, TAG, shown
from apps.directory.services.users import user_address
from apps.provisioning.bulk.locks import lock_homes

_NEW: Final = {**EXAMPLE, "password": "h7kq2-m4xwd-9rtyb-c3vfa"}


class UserLine(AnswerLine):
    """What is said of a line."""

    result = NewUserShown(required=False)


class NewUsers:
    """Adds a user for each line."""

    at_once = 20

    def looked(self, access: Access, lines: Sequence[Line]) -> None:
        """Forms, domains in sight, and who is there."""
        good = checked(UserForm, lines)
        known = Known.of(access.powers, [line.ready["address"] for line in good])
        for line in good:
            with trying(line):
                look(access.powers, line.ready, known)

    def made(self, line: Line) -> NewUser:
        """The hash of its password."""
        return hashed(line.ready)

    def locked(self, access: Access, lines: Sequence[Line]) -> None:
        """Their domains."""
        named = {user_address(line.ready.asked["address"]).domain for line in lines}
        lock_homes(access.powers, named)

    def done(self, access: Access, line: Line) -> Mapping[str, Any]:
        """Add it."""
        new: NewUser = line.ready
        return {**shown(add(access.powers, new)), "password": new.invented or None}


class BulkUsers(BulkDoor):
    """All of them that are sent."""

    resource = "users"

    @operation(
        "users_bulk_create",
        "Add many users",
        tag=TAG,
        more=MORE,
        sends=Sends(UserForm, {"address": "ann@example.org", "name": "Ann"}, MEDIA_TYPE),
        gives=Gives(UserLine, {"line": 1, "status": 201, "result": _NEW}, media_type=MEDIA_TYPE),
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        return self.answered(request, NewUsers())
