"""Messages that their door waits for, for tests."""

from dataclasses import replace

from apps.directory.models import User
from apps.mailqueue.services import Submission
from tests.support.mail import RAW, local, submission


def offered(
    *users: User, seconds: float = 60, raw: bytes = RAW, is_cleared: bool = False
) -> Submission:
    """A message whose door waits so long for the verdict; 0: it does not."""
    item = submission(local(*users), raw)
    return replace(item, offered_us=int(seconds * 1_000_000), is_cleared=is_cleared)
