"""Messages of all mailboxes that somebody can read: found by words, and those that were deleted."""

from typing import Final

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.forms import Sought
from apps.api.mailboxes.doors import MailDoor, require
from apps.api.messages.forms import DeletedMessageShown, FoundMessagesShown, SearchSought
from apps.api.messages.shown import ROW, TAG, deleted, row
from apps.api.operations import Gives, Lists, operation
from apps.api.pages import answer, no_cursor
from apps.mailstore import recoverable
from apps.mailstore.recoverable import Key
from apps.mailstore.services import undelete
from apps.search.finding.pages import find
from apps.search.finding.rows import Place, read_place
from apps.search.language.parsing import parse

_SECONDS: Final = 3.0  # that one page may take where mail has to be read
_FOUND: Final = {"items": [ROW], "next": None, "is_cut": False, "hints": []}
_GONE: Final = {
    "mailbox": 41,
    "uid": 130,
    "subject": "Old news",
    "sender": {"name": "Carol Clark", "address": "carol@example.com"},
    "recipients": "Ann Archer",
    "received_at": "2026-11-20T10:00:00Z",
    "deleted_at": "2026-11-28T10:00:00Z",
    "size": 4_100,
}


class Searching(MailDoor):
    """By words, in all mailboxes."""

    @operation(
        "messages_search",
        "Search for messages, the newest first",
        tag=TAG,
        more="In all mailboxes that you can read but Junk and Trash, unless the query says `in:`."
        " A message that lies in two mailboxes is found twice.",
        seeks=SearchSought,
        gives=Gives(FoundMessagesShown, _FOUND),
    )
    def get(self, request: Request) -> Response:
        sought = self.sought(SearchSought)
        found = find(
            parse(sought["query"], timezone.localdate()),
            user_id=self.user.pk,
            after=_place(sought.get("cursor", "")),
            limit=sought["limit"],
            is_deleted=sought["deleted"],
            with_count=False,
            seconds=_SECONDS,
        )
        items = [row(hit.folder.id, hit.row, hit.keywords) for hit in found.hits]
        response = answer(request, items, found.after.write() if found.after else "")
        response.data |= {"is_cut": found.is_cut, "hints": [one.text for one in found.hints]}
        return response


def _place(cursor: str) -> Place | None:
    found = read_place(cursor)
    if cursor and found is None:
        raise no_cursor()
    return found


class Deleted(MailDoor):
    """Those of a mailbox that can be restored."""

    @operation(
        "messages_deleted_list",
        "List deleted messages of a mailbox that can be restored, the latest first",
        tag=TAG,
        seeks=Sought,
        gives=Lists(DeletedMessageShown, _GONE),
    )
    def get(self, request: Request, mailbox_id: int) -> Response:
        sought = self.sought(Sought)
        place = self.place(mailbox_id)
        require(place, "".join(sorted(undelete.RIGHTS)))
        after, limit = _place(sought.get("cursor", "")), sought["limit"]
        found = recoverable.messages(
            place.owner_id,
            mailbox_id=place.id,
            before=None if after is None else Key(*after),
            limit=limit + 1,
        )
        shown = found[:limit]
        following = Place(*shown[-1].key).write() if len(found) > limit else ""
        return answer(request, [deleted(one) for one in shown], following)
