"""The message that a letter is begun from, if the person may read it."""

from dataclasses import dataclass

from apps.mailstore import conversations, queries
from apps.mailstore.conversations import Head
from apps.webmail import folders as boxes
from apps.webmail import refs
from apps.webmail.folders import Folder
from apps.wire.errors import MailError, NotFound


@dataclass(frozen=True, slots=True)
class Source:
    """A message, and the folder that it lies in."""

    folder: Folder
    head: Head

    @property
    def ref(self) -> str:
        return refs.write(self.head.mailbox_id, self.head.uid)

    def raw(self) -> bytes:
        """Its bytes as readers see them; one query. Raises Damaged, StorageUnavailable."""
        return queries.shown_bytes(self.head.message_id, self.head.head_id)

    def header(self) -> bytes:
        """Its header; one query. Raises as `raw`."""
        return queries.header_bytes(self.head.message_id, self.head.head_id)


def find(user_id: int, ref: str) -> Source:
    """The message of a ref; three queries at most.

    Raises:
        NotFound: there is none, the text is no ref, or it lies where the person may not read.
    """
    try:
        ((mailbox_id, (uid,)),) = refs.parse([ref]).items()
    except (MailError, ValueError):
        raise NotFound(f"ref {ref[:40]!r}") from None
    return at(user_id, _folder(user_id, mailbox_id), uid)


def at(user_id: int, folder: Folder, uid: int) -> Source:
    """The message with a UID in a folder of the person's; one query. Raises NotFound."""
    head = conversations.head(folder.id, uid)
    if head is None:
        raise NotFound(f"no message {uid} in {folder.id} for {user_id}")
    return Source(folder, head)


def _folder(user_id: int, mailbox_id: int) -> Folder:
    for found in (boxes.folders, boxes.shared):
        for one in found(user_id):
            if one.id == mailbox_id:
                return one
    raise NotFound(f"mailbox {mailbox_id} of user {user_id}")
