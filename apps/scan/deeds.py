"""What was done with each copy of a message that was judged: the end of every verdict. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Done(StrEnum):
    """What was done with one recipient's copy."""

    INBOX = "inbox"
    JUNK = "junk"
    QUARANTINE = "quarantine"
    REFUSED = "refused"  # at the dot: whoever brought the message still has it
    HELD = "held"  # mail of a user of ours that does not leave until an administrator lets it
    WAITING = "waiting"  # it could not be judged, must not pass unjudged, and is tried again soon
    SENT = "sent"  # it goes its way to another server
    NOWHERE = "nowhere"  # its mailbox was removed meanwhile: an administrator must look


@dataclass(frozen=True, slots=True)
class Deed:
    """One copy.

    Args:
        address: the final one; `written` as RCPT named it.
        user_id: whose copy it is; None elsewhere.
        why: the reader's opinion in words, "" if there was nothing to say.
        mailbox_id, uid: where it lies, if it lies in a mailbox.
        forwarder: the user who has it sent to another server, and by whose wishes it was judged.
    """

    address: str
    written: str
    user_id: int | None
    done: Done
    why: str = ""
    mailbox_id: int = 0
    uid: int = 0
    forwarder: int | None = None

    @property
    def judged_for(self) -> int | None:
        """By whose wishes; None: by those for all who are not ours."""
        return self.user_id if self.forwarder is None else self.forwarder
