"""The messages of a mailbox, one by one."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import matching
from apps.api.bodies import Json
from apps.api.mailboxes.doors import MailDoor, require
from apps.api.messages import finding, marking
from apps.api.messages.forms import (
    MarkForm,
    MessageRowShown,
    MessageShown,
    MessagesSought,
    UploadedShown,
    UploadSought,
)
from apps.api.messages.shown import EXAMPLE, ROW, TAG, message, row, words
from apps.api.operations import Gives, GivesText, Lists, Sends, SendsText, operation
from apps.api.pages import answer, no_cursor
from apps.api.problems import Changed
from apps.api.raw import MESSAGE, OctetsAnswer, RawAnswer, RawBody, message_of
from apps.blobs import services as blobs
from apps.mailstore import queries
from apps.mailstore.queries import ListRow
from apps.mailstore.reach import Place
from apps.mailstore.services import expunge
from apps.mailstore.services.append import Appending, append
from apps.mailstore.services.locks import lock
from apps.mailstore.services.prepare import PreparedMessage, prepare
from apps.mime.reading import part_content, read
from apps.runtime.clock import now
from apps.runtime.ulid import new_ulid
from apps.search.finding import rows as places
from apps.wire.errors import NotFound

_OCTETS: Final = "application/octet-stream"
_LETTER: Final = (
    "From: Carol Clark <carol@example.com>\r\nTo: ann@example.org\r\nSubject: Figures\r\n"
    "\r\nThe figures are attached.\r\n"
)


class Messages(MailDoor):
    """All of a mailbox."""

    parser_classes = (RawBody,)

    @operation(
        "messages_list",
        "List the messages of a mailbox, the newest first",
        tag=TAG,
        more="To find some of them, search: `GET /api/v1/messages?query=`.",
        seeks=MessagesSought,
        gives=Lists(MessageRowShown, ROW),
    )
    def get(self, request: Request, mailbox_id: int) -> Response:
        sought = self.sought(MessagesSought)
        place = self.place(mailbox_id)
        cursor, limit = sought.get("cursor", ""), sought["limit"]
        after = places.read_place(cursor)
        if cursor and (after is None or after.mailbox_id != place.id):
            raise no_cursor()
        before = None if after is None else (after.internaldate, after.uid)
        found = queries.inbox_page(place.id, before, limit + 1)
        shown, following = found[:limit], ""
        if len(found) > limit:
            last = shown[-1]
            following = places.Place(last.internaldate, place.id, last.uid).write()
        has_keywords = any(one.keywords for one in shown)
        names = queries.keyword_names(place.id) if has_keywords else ()
        items = [row(place.id, one, words(one.keywords, names)) for one in shown]
        return answer(request, items, following)

    @operation(
        "messages_upload",
        "Put a message into a mailbox",
        tag=TAG,
        more="The body is the message itself (RFC 5322). It is not sent to anybody.",
        seeks=UploadSought,
        sends=SendsText(MESSAGE, _LETTER),
        gives=Gives(UploadedShown, {"mailbox": 41, "uid": 132}, status=201),
    )
    def post(self, request: Request, mailbox_id: int) -> Response:
        sought, place, ready = self._sought, self._place, self._ready
        self._is_kept = True  # of a commit that was cut off nobody knows: the bytes stay then
        at = sought.get("received_at")
        one = Appending(
            message=ready,
            internaldate=now() if at is None else int(at.timestamp()),
            flags=marking.bits(sought) & place.kept.flags,
        )
        (made,) = append(
            mailbox_id=place.id, user_id=place.owner_id, messages=[one], origin=self.origin
        )
        values = dict(UploadedShown({"mailbox": place.id, "uid": made.uid}).data)
        return self.made(values, reverse("api-message", args=[place.id, made.uid]))

    _is_kept = False
    _ready: PreparedMessage

    def ahead(self) -> None:
        """Read and store what was sent."""
        self._sought = self.sought(UploadSought)
        self._place = self.place(self.kwargs["mailbox_id"], "i")
        self._ready = prepare(message_of(self.request), trace_id=new_ulid())

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """DRF's; bytes that nothing names go again."""
        ready = getattr(self, "_ready", None)
        if ready is not None and ready.blob is not None and not self._is_kept:
            blobs.discard(ready.blob)
        return super().finalize_response(request, response, *args, **kwargs)


class OneMessage(MailDoor):
    """One of them."""

    matches = frozenset({"PATCH", "DELETE"})

    @operation(
        "messages_show",
        "Read a message",
        tag=TAG,
        more="It stays unread: to mark it is another request.",
        gives=Gives(MessageShown, EXAMPLE),
    )
    def get(self, request: Request, mailbox_id: int, uid: int) -> Response:
        place = self.place(mailbox_id)
        one = finding.find(place, uid)
        state = finding.tag(place, one)
        if matching.is_known(request, state):
            return Response(status=304, headers={"ETag": state})
        names = words(one.keywords, finding.keywords_of(place, one))
        with finding.octets(self.user.pk, one) as (raw, _):
            return self._told(place, one, message(place.id, one, names, raw))

    @operation(
        "messages_mark",
        "Mark a message",
        tag=TAG,
        sends=Sends(MarkForm, {"is_seen": True}),
        gives=Gives(MessageRowShown, {**ROW, "is_seen": True}),
    )
    def patch(self, request: Request, mailbox_id: int, uid: int) -> Response:
        asked = self.asked(MarkForm).validated_data
        place = self.place(mailbox_id)
        finding.find(place, uid)
        with transaction.atomic():
            self._demand_unchanged(place, uid)
            marking.mark(place, [uid], asked, self.origin)
            one = finding.find(place, uid)
        names = words(one.keywords, finding.keywords_of(place, one))
        return self._told(place, one, row(place.id, one, names))

    @operation(
        "messages_delete",
        "Delete a message",
        tag=TAG,
        more="For some days it can be restored. To put it into the trash is to move it there.",
    )
    def delete(self, request: Request, mailbox_id: int, uid: int) -> Response:
        place = self.place(mailbox_id)
        finding.find(place, uid)
        require(place, "te")
        with transaction.atomic():
            self._demand_unchanged(place, uid)
            expunge.expunge(mailbox_id=place.id, uids=[uid], origin=self.origin, marked=False)
        return self.gone()

    def _demand_unchanged(self, place: Place, uid: int) -> None:
        """Raise Changed unless it is as If-Match says, and stays so until the transaction ends."""
        if self.request.headers.get("If-Match") is None:
            return
        lock(users=[place.owner_id], mailboxes=[place.id])
        if not matching.is_meant(self.request, finding.tag(place, finding.find(place, uid))):
            raise Changed

    def _told(self, place: Place, one: ListRow, data: Mapping[str, Any]) -> Response:
        return Response(data, headers={"ETag": finding.tag(place, one)})


class Raw(MailDoor):
    """A message as it is."""

    renderer_classes = (Json, RawAnswer)

    @operation(
        "messages_download",
        "Read a message as it is (RFC 5322)",
        tag=TAG,
        gives=GivesText(MESSAGE, _LETTER),
    )
    def get(self, request: Request, mailbox_id: int, uid: int) -> HttpResponse:
        one = finding.find(self.place(mailbox_id), uid)
        with finding.octets(self.user.pk, one) as (raw, hold):
            response = HttpResponse(raw, content_type=MESSAGE)
            hold.until_gone(response)
        return response


class Attachment(MailDoor):
    """A file of a message."""

    renderer_classes = (Json, OctetsAnswer)

    @operation(
        "messages_part_download",
        "Read a file of a message, decoded",
        tag=TAG,
        gives=GivesText(_OCTETS, "…"),
    )
    def get(self, request: Request, mailbox_id: int, uid: int, part: int) -> HttpResponse:
        one = finding.find(self.place(mailbox_id), uid)
        with finding.octets(self.user.pk, one) as (raw, hold):
            found = part_content(raw, part)
            if found is None:
                raise NotFound(f"part {part} of {uid}", text="This message has no such part")
            names = {file.number: file.name for file in read(raw).files}
            response = HttpResponse(found[1], content_type=_OCTETS)
            hold.until_gone(response)
        name = names.get(part) or "part"
        response["Content-Disposition"] = content_disposition_header(True, name)
        response["X-Content-Type-Options"] = "nosniff"
        return response
