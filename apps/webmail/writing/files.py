"""The files of a letter, as its page, its text and its sending ask for them. Reads alone."""

from typing import Any
from uuid import UUID

from django.db.models import F
from django.urls import reverse

from apps.mailstore.models import Mailbox
from apps.webmail.models import Draft, DraftFile


def listing(draft_id: UUID) -> tuple[DraftFile, ...]:
    """All of them, in the order in which they were begun; one query."""
    return tuple(DraftFile.objects.filter(draft_id=draft_id).order_by("id"))


def as_json(file: DraftFile) -> dict[str, Any]:
    """A file as scripts and templates know it; `size` and `received` in octets."""
    named = [file.draft_id, file.id]
    return {
        "id": str(file.id),
        "name": file.name,
        "size": file.size,
        "received": file.received,
        "type": file.media_type,
        "cid": file.cid,
        "url": reverse("draft-file", args=named),
        "content": reverse("draft-file-content", args=named),
    }


def unfinished(draft_id: UUID) -> list[str]:
    """The names of those that have not arrived as a whole; one query."""
    coming = DraftFile.objects.filter(draft_id=draft_id, received__lt=F("size"))
    return list(coming.order_by("id").values_list("name", flat=True))


def addresses(draft: Draft) -> dict[str, str]:
    """The Content-ID of each picture within the text, by the addresses at which an editor may show
    it: ours, and for one that was carried over that in the message it came with. Two queries."""
    at_home = moved(draft)
    found = shown(draft.id)
    own = {address: cid for cid, address in found.items()}
    return own | {there: own[here] for there, here in at_home.items() if here in own}


def shown(draft_id: UUID) -> dict[str, str]:
    """Where each picture within the text is to be seen, by Content-ID; one query."""
    ids = DraftFile.objects.filter(draft_id=draft_id).exclude(cid="").values_list("id", "cid")
    return {cid: reverse("draft-file-content", args=[draft_id, one]) for one, cid in ids}


def moved(draft: Draft) -> dict[str, str]:
    """For each picture that was carried over: its address in the message it came with, to that in
    this letter, which stays when that message has gone. Two queries."""
    if draft.source_mailbox_id is None or draft.source_uid is None:
        return {}
    carried = list(
        DraftFile.objects.filter(draft_id=draft.id, carried__gte=0)
        .exclude(cid="")
        .values_list("id", "carried")
    )
    if not carried:
        return {}
    special = Mailbox.objects.filter(id=draft.source_mailbox_id).values_list(
        "special_use", flat=True
    )
    # A folder of another person is known by its number, whatever it is to them.
    slugs = {str(draft.source_mailbox_id), *filter(None, special)}
    return {
        reverse("inline", args=[slug, draft.source_uid, part]): reverse(
            "draft-file-content", args=[draft.id, one]
        )
        for slug in slugs
        for one, part in carried
    }
