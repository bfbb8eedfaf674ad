"""What TLS mail to other domains must have, as an administrator sets it."""

from collections.abc import Sequence

from django.db import transaction

from apps.audit.services import record
from apps.remote import services
from apps.remote.models import TlsMode


@transaction.atomic
def put(*, domain: str, mode: TlsMode, names: Sequence[str] = ()) -> None:
    """Set the policy for a domain. Raises: as `remote.services.set_override`."""
    services.set_override(domain=domain, mode=mode, names=names)
    record("tlspolicy.set", subject=domain, detail={"mode": mode.value, "names": list(names)})


@transaction.atomic
def remove(*, domain: str) -> None:
    """Go back to what the domain says itself. Raises NotFound."""
    services.remove_override(domain=domain)
    record("tlspolicy.remove", subject=domain)
