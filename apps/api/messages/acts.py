"""What is done to many messages of a mailbox at once."""

from collections.abc import Callable
from typing import Any, Final

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.mailboxes.doors import MailDoor, require
from apps.api.messages import marking
from apps.api.messages.forms import (
    AllMarkedShown,
    AllMovedShown,
    ExpungedShown,
    MarksForm,
    MovedShown,
    TransferForm,
    UidsForm,
)
from apps.api.messages.shown import TAG, marked
from apps.api.operations import Gives, Sends, operation
from apps.api.problems import Fault, Wrong, about
from apps.mailstore.services import copy, expunge, undelete
from apps.mailstore.services.copy import Copied
from apps.wire.errors import NotFound, NotPermitted

_MOST: Final = "Up to 1,000 at once; those that are not there are passed over."
_MARKED: Final = {
    "uid": 132,
    "modseq": 513,
    "is_seen": True,
    "is_answered": False,
    "is_flagged": False,
    "is_draft": False,
    "is_deleted": False,
    "keywords": [],
}
_TRANSFER: Final = {"uids": [132, 133], "mailbox": 42}
_MOVED: Final = Gives(AllMovedShown, {"items": [{"uid": 132, "mailbox": 42, "new_uid": 9}]})


class Marking(MailDoor):
    """Flags and keywords."""

    @operation(
        "messages_bulk_mark",
        "Mark messages",
        tag=TAG,
        more=_MOST,
        sends=Sends(MarksForm, {"uids": [132, 133], "is_seen": True}),
        gives=Gives(AllMarkedShown, {"items": [_MARKED]}),
    )
    def post(self, request: Request, mailbox_id: int) -> Response:
        asked = self.asked(MarksForm).validated_data
        place = self.place(mailbox_id)
        done = marking.mark(place, asked["uids"], asked, self.origin)
        items = [marked(one, done.keyword_names) for one in done.rows]
        return self.shown({"items": items})


class _Transfer(MailDoor):
    """Base of what takes messages to another mailbox."""

    rights = ""

    def _done(self, mailbox_id: int, carry: Callable[..., Copied]) -> Response:
        asked = self.asked(TransferForm).validated_data
        place = self.place(mailbox_id, self.rights)
        if asked["mailbox"] == place.id:
            words = "They are there already: name another mailbox"
            raise Wrong(Fault("/mailbox", "invalid", words))
        with about("/mailbox", NotFound, NotPermitted):
            target = self.place(asked["mailbox"], "i")
        done = carry(
            mailbox_id=place.id,
            uids=asked["uids"],
            target_id=target.id,
            origin=self.origin,
            kept=target.kept,
        )
        return self.shown(_moved(target.id, done.uids))


def _moved(mailbox_id: int, pairs: list[tuple[int, int]]) -> dict[str, Any]:
    items = [
        dict(MovedShown({"uid": old, "mailbox": mailbox_id, "new_uid": new}).data)
        for old, new in pairs
    ]
    return {"items": items}


class Moving(_Transfer):
    """From one mailbox to another."""

    rights = "te"

    @operation(
        "messages_move",
        "Move messages to another mailbox",
        tag=TAG,
        more=_MOST,
        sends=Sends(TransferForm, _TRANSFER),
        gives=_MOVED,
    )
    def post(self, request: Request, mailbox_id: int) -> Response:
        return self._done(mailbox_id, copy.move)


class Copying(_Transfer):
    """Into another mailbox as well."""

    @operation(
        "messages_copy",
        "Copy messages to another mailbox",
        tag=TAG,
        more=_MOST,
        sends=Sends(TransferForm, _TRANSFER),
        gives=_MOVED,
    )
    def post(self, request: Request, mailbox_id: int) -> Response:
        return self._done(mailbox_id, copy.copy)


class Expunging(MailDoor):
    """For good, but for the days in which they can be restored."""

    @operation(
        "messages_bulk_delete",
        "Delete messages",
        tag=TAG,
        more=f"{_MOST} For some days they can be restored.",
        sends=Sends(UidsForm, {"uids": [132, 133]}),
        gives=Gives(ExpungedShown, {"uids": [132, 133]}),
    )
    def post(self, request: Request, mailbox_id: int) -> Response:
        asked = self.asked(UidsForm).validated_data
        place = self.place(mailbox_id, "te")
        gone = expunge.expunge(
            mailbox_id=place.id, uids=asked["uids"], origin=self.origin, marked=False
        )
        return self.shown({"uids": [uid for uid, _ in gone]})


class Restoring(MailDoor):
    """Back to where they were."""

    @operation(
        "messages_restore",
        "Restore deleted messages of a mailbox",
        tag=TAG,
        more="They come back under new UIDs.",
        sends=Sends(UidsForm, {"uids": [130]}),
        gives=Gives(AllMovedShown, {"items": [{"uid": 130, "mailbox": 41, "new_uid": 134}]}),
    )
    def post(self, request: Request, mailbox_id: int) -> Response:
        asked = self.asked(UidsForm).validated_data
        place = self.place(mailbox_id)
        require(place, "".join(sorted(undelete.RIGHTS)))
        back = undelete.messages(mailbox_id=place.id, uids=asked["uids"], origin=self.origin)
        return self.shown(_moved(place.id, back.uids))
