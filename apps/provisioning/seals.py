"""All that is sealed, wherever it is kept."""

from apps.accounts.services import sealed as accounts
from apps.directory.services import sealed as directory
from apps.directory.services.sealed import Resealed
from apps.webhooks.services import endpoints


def reseal() -> Resealed:
    """Seal all secrets under the first ENCRYPTION_KEY; it may be stopped and run again."""
    done = [directory.reseal(), accounts.reseal(), endpoints.reseal()]
    return Resealed(
        sum(one.changed for one in done), tuple(words for one in done for words in one.broken)
    )
