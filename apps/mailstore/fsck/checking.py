"""All checks of mail at rest, in an order in which each finds what those before it have mended:
the file, users, bytes, mailboxes, what nothing shows, what users use."""

from collections.abc import Iterator

from apps.mailstore.fsck import accounts, contents, database, leftovers, mailboxes
from apps.mailstore.fsck.finding import Finding, Scope

EVERYTHING = Scope()


def check(scope: Scope = EVERYTHING) -> Iterator[Finding]:
    """All findings; whoever mends one does so before taking the next.

    Raises:
        StorageUnavailable: database or object store do not answer.
    """
    if scope.user_id is None:
        yield from database.check()
    yield from accounts.check(scope)
    yield from contents.check(scope)
    yield from leftovers.homeless(scope)
    yield from mailboxes.check(scope)
    yield from leftovers.check(scope)
    yield from accounts.use(scope)
