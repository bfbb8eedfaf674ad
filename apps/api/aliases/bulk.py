"""Many aliases and groups in one request."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.request import Request

from apps.api.access import Access
from apps.api.aliases.adding import EXAMPLE, add
from apps.api.aliases.forms import AliasForm, AliasShown
from apps.api.aliases.shown import SHOWN, TAG, one
from apps.api.bulk.door import MORE, AnswerLine, BulkDoor
from apps.api.bulk.lines import MEDIA_TYPE, Line
from apps.api.bulk.run import checked
from apps.api.operations import Gives, Sends, operation
from apps.directory.written import stored_domain
from apps.mime.address import take_apart
from apps.provisioning.bulk.locks import lock_homes


class AliasLine(AnswerLine):
    """What is said of a line."""

    result = AliasShown(required=False)


class NewAliases:
    """Adds an alias for each line."""

    at_once = 50

    def looked(self, access: Access, lines: Sequence[Line]) -> None:
        """Their forms."""
        checked(AliasForm, lines)

    def made(self, line: Line) -> Mapping[str, Any]:
        """Nothing of it takes time."""
        asked: Mapping[str, Any] = line.ready
        return asked

    def locked(self, access: Access, lines: Sequence[Line]) -> None:
        """Their domains."""
        named = {stored_domain(take_apart(line.ready["address"])[1]) for line in lines}
        lock_homes(access.powers, named)

    def done(self, access: Access, line: Line) -> Mapping[str, Any]:
        """Add it."""
        asked = line.ready
        return one(add(access.powers, asked), list(dict.fromkeys(asked["targets"])))


class BulkAliases(BulkDoor):
    """All of them that are sent."""

    resource = "aliases"

    @operation(
        "aliases_bulk_create",
        "Add many aliases and groups",
        tag=TAG,
        more=MORE,
        sends=Sends(AliasForm, EXAMPLE, MEDIA_TYPE),
        gives=Gives(AliasLine, {"line": 1, "status": 201, "result": SHOWN}, media_type=MEDIA_TYPE),
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        return self.answered(request, NewAliases())
