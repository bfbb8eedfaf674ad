"""Many domains in one request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.request import Request

from apps.api.access import Access
from apps.api.bulk.door import MORE, AnswerLine, BulkDoor
from apps.api.bulk.lines import MEDIA_TYPE, Line
from apps.api.bulk.run import checked, trying
from apps.api.domains.adding import NEW, add, look
from apps.api.domains.forms import DomainForm, DomainShown
from apps.api.domains.shown import EXAMPLE, TAG, shown
from apps.api.operations import Gives, Sends, operation
from apps.directory.services import dkim
from apps.directory.services.dkim import NewKeys


class DomainLine(AnswerLine):
    """What is said of a line."""

    result = DomainShown(required=False)


@dataclass(frozen=True, slots=True)
class NewDomain:
    """A domain to add."""

    asked: Mapping[str, Any]
    keys: NewKeys


class NewDomains:
    """Adds a domain for each line."""

    at_once = 1  # it locks its organisation, or the domain that it stands for: no others with it

    def looked(self, access: Access, lines: Sequence[Line]) -> None:
        """Forms, and whether they are there."""
        for line in checked(DomainForm, lines):
            with trying(line):
                look(access.powers, line.ready)

    def made(self, line: Line) -> NewDomain:
        """Its keys."""
        return NewDomain(line.ready, dkim.prepare())

    def locked(self, access: Access, lines: Sequence[Line]) -> None:
        """One alone has nobody to wait for."""

    def done(self, access: Access, line: Line) -> Mapping[str, Any]:
        """Add it."""
        new: NewDomain = line.ready
        return shown(access.powers, [add(access.powers, new.asked, new.keys)])[0]


class BulkDomains(BulkDoor):
    """All of them that are sent."""

    resource = "domains"

    @operation(
        "domains_bulk_create",
        "Host many domains",
        tag=TAG,
        more=MORE,
        sends=Sends(DomainForm, NEW, MEDIA_TYPE),
        gives=Gives(
            DomainLine, {"line": 1, "status": 201, "result": EXAMPLE}, media_type=MEDIA_TYPE
        ),
    )
    def post(self, request: Request) -> StreamingHttpResponse:
        return self.answered(request, NewDomains())
