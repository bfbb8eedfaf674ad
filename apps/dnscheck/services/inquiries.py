"""Checks of domains whose leases were taken: asked at the same time, kept one after the other."""

import asyncio
import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from django.conf import settings

from apps.directory.models import Domain
from apps.dnscheck import asking, expected, here, judging
from apps.dnscheck.answers import Answers
from apps.dnscheck.here import Here
from apps.dnscheck.records import Wanted
from apps.dnscheck.services import keeping

logger = logging.getLogger(__name__)

BATCH: Final = 8  # domains whose leases are taken, and that are asked, at a time
RUN_SECONDS: Final = 5.0
"""After which a run begins no more: other housekeeping waits for the same worker, where silent name
servers may have kept it for twice as long, and the next run goes on."""

Asked = tuple[Domain, tuple[Wanted, ...]]


def check_due() -> int:
    """Check the domains that are due; how many there were."""
    end, count = time.monotonic() + RUN_SECONDS, 0
    keeping.enrol()
    while time.monotonic() < end and (ids := keeping.claim_due(BATCH)):
        run(ids)
        count += len(ids)
    return count


def run(domain_ids: Collection[int]) -> None:
    """Check domains, BATCH at most, whose leases the caller has. Not within an event loop."""
    try:
        _run(domain_ids)
    except Exception:
        keeping.release(domain_ids)
        raise


def _run(domain_ids: Collection[int]) -> None:
    this = _here()
    domains = list(Domain.objects.filter(pk__in=domain_ids).select_related("alias_of"))
    wanted = expected.of_domains(domains, this)
    pairs = [(domain, wanted[domain.pk]) for domain in domains]
    said = asyncio.run(_ask_all(pairs, this))
    for (domain, records), answers in zip(pairs, said, strict=True):
        if isinstance(answers, Answers):
            _keep(domain, records, answers, this)
        else:
            # A domain that cannot be asked for must not stop the others.
            logger.error("no check", extra={"domain": domain.name}, exc_info=answers)
            keeping.release([domain.pk])


def _here() -> Here:
    """This host; who has never asked does not know its addresses yet."""
    this = here.here()
    if this.addresses:
        return this
    found = asyncio.run(asking.addresses_of(this.host))
    keeping.keep_addresses(this.host, found)
    return replace(this, addresses=found)


async def _ask_all(pairs: Sequence[Asked], this: Here) -> list[Answers | BaseException]:
    asked = (asking.ask(domain.name, wanted, this) for domain, wanted in pairs)
    return await asyncio.gather(*asked, return_exceptions=True)


def _keep(domain: Domain, wanted: Sequence[Wanted], answers: Answers, this: Here) -> None:
    authority = this.certificate.authority if this.certificate else ""
    keeping.keep(
        domain.pk,
        judging.judge(wanted, answers, host=this.host, authority=authority),
        host=judging.provider(answers.zone),
        trouble=judging.trouble(answers),
        is_check=judging.counts(answers),
        at=answers.asked_at,
    )
    if not settings.SMTP_OUT_ADDRESS:
        keeping.keep_addresses(this.host, answers.seen_addresses)
