"""What a domain's MTA-STS policy asks of senders (RFC 8461): the only door through which that
changes."""

import time

from django.db import transaction

from apps.audit.services import record
from apps.directory import subjects
from apps.directory.models import Domain, StsMode
from apps.directory.services.domains import find_own
from apps.directory.services.names import lock_domain
from apps.directory.stspolicies import digest_of
from apps.runtime import clock


def change(*, name: str, mode: StsMode) -> Domain:
    """Give a domain's policy another mode. It gets a new id if it says something else now, be it
    only that this host has another name; else nothing happens.

    Raises:
        InvalidName, NotFound
        InUse: it is an alias domain.
    """
    asked = find_own(name)
    with transaction.atomic():
        domain = lock_domain(asked.name)
        if not domain.sts_id and mode == StsMode.NONE:
            return domain
        if domain.sts_mode == mode and domain.sts_id.endswith(digest_of(mode)):
            return domain
        domain.sts_mode = mode
        domain.sts_id = _new_id(mode)
        Domain.objects.filter(pk=domain.pk).update(sts_mode=mode, sts_id=domain.sts_id)
        detail = {"mode": str(mode), "id": domain.sts_id}
        record("domain.mta_sts", **subjects.of_domain(domain), detail=detail)
    return domain


def _new_id(mode: StsMode) -> str:
    """An id that senders have not seen: its moment tells it from an earlier one that said the
    same."""
    moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(clock.now()))
    return f"{moment}{digest_of(mode)}"
