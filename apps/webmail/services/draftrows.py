"""The row of a letter that is being written: made at its first save or its first file, whichever
comes first. Below what saves letters and what keeps their files."""

from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _

from apps.runtime.clock import now
from apps.webmail.models import Draft, DraftState
from apps.wire.errors import Gone, LimitReached, NotFound

MOST: Final = 2_000
"""Letters that one person may be writing at once."""


def ensure(*, user_id: int, draft_id: UUID) -> Draft:
    """The letter of this id, which is made if it is not there yet; its revision is 0 then.

    The page that writes it has chosen the id, so somebody's own may come from a stranger: that is
    not found, as is an id that was never made.

    Raises:
        NotFound: it is somebody else's.
        Gone: it was sent or discarded.
        LimitReached: there are too many already.
    """
    draft = Draft.objects.filter(id=draft_id).first()
    if draft is None:
        if Draft.objects.filter(user_id=user_id, state=DraftState.OPEN).count() >= MOST:
            raise LimitReached(text=_("You have too many drafts: send or discard some"))
        at = now()
        new = Draft(id=draft_id, user_id=user_id, created_at=at, saved_at=at)
        # Of two that begin it at once the second finds the row of the first.
        Draft.objects.bulk_create([new], ignore_conflicts=True)
        draft = Draft.objects.get(id=draft_id)
    if draft.user_id != user_id:
        raise NotFound(text=_("There is no such draft"))
    return require_open(draft)


def find(*, user_id: int, draft_id: UUID) -> Draft:
    """A letter that is being written. Raises NotFound, and Gone as `ensure` does."""
    draft = Draft.objects.filter(id=draft_id, user_id=user_id).first()
    if draft is None:
        raise NotFound(text=_("There is no such draft"))
    return require_open(draft)


def require_open(draft: Draft) -> Draft:
    """The same letter, if it is still being written. Raises Gone."""
    if draft.state != DraftState.OPEN:
        was_sent = draft.state in {DraftState.SENT, DraftState.SCHEDULED}
        raise Gone(
            text=_("This message was sent already") if was_sent else _("This draft was discarded")
        )
    return draft
