"""What TLS mail to other domains must have, as an administrator sets it."""

from collections.abc import Sequence

from django.db import transaction

from apps.audit.services import record
from apps.remote import services
from apps.remote.models import TlsMode
from apps.remote.services import Said


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


@transaction.atomic
def put_back(*, domain: str, now: Said | None, then: Said | None) -> bool:
    """Set it as it was before, if it is what is expected; None is nothing. Say whether it was."""
    if not services.put_back_override(domain=domain, was=now, then=then):
        return False
    if then is None:
        record("tlspolicy.remove", subject=domain)
    else:
        mode, names = then
        record("tlspolicy.set", subject=domain, detail={"mode": mode.value, "names": list(names)})
    return True
