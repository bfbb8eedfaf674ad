"""Tell open pages that something their users sent got further, or did not."""

from collections.abc import Iterable

from apps.events.bus import publish_on_commit
from apps.events.types import DeliveryChanged


def tell(senders: Iterable[int | None]) -> None:
    """When the transaction commits, tell each of these users; None is mail of no user of ours."""
    for user_id in {one for one in senders if one is not None}:
        publish_on_commit(DeliveryChanged(user_id))
