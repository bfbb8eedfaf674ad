"""Ninety days of counted mail flow for `bench.console`, and the pages that show it."""

import os
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

FLOWING: Final = int(os.environ.get("BENCH_FLOWING", "200"))  # domains that have mail
BATCH: Final = 5_000
_DAYS: Final = 90


def seed(domains: list[Any]) -> int:
    """Count mail for some of these domains and for everything, in all spans that are kept; return
    how many rows that are."""
    from apps.trace.models import Flow

    some = [0, *(domain.pk for domain in domains[:FLOWING])]
    rows, made = _rows(some), 0
    while part := list(islice(rows, BATCH)):
        Flow.objects.bulk_create(part)
        made += len(part)
    return made


def _rows(domains: list[int]) -> Iterator[Any]:
    from apps.runtime.clock import now
    from apps.trace.flow import DAY, HOUR, MICROSECONDS, MINUTE, QUARTER
    from apps.trace.models import Flow

    spans = ((MINUTE, 2), (HOUR, _DAYS), (QUARTER, _DAYS), (DAY, _DAYS))
    for domain in domains:
        for span, days in spans:
            if span == MINUTE and domain:
                continue  # hours are enough to fill a table: minutes for everything alone
            last = int(now()) // span * span
            for number in range(days * DAY // span):
                got = (number * 7919 + domain) % 97
                yield Flow(
                    span=span,
                    domain_id=domain,
                    at=(last - number * span) * MICROSECONDS,
                    received=got + 9,
                    sent=got // 3,
                    delivered=got,
                    handed=got // 3,
                    junk=4,
                    quarantined=1,
                    refused=got // 9,
                    deferred=2,
                    bounced=1,
                    octets=got * 9_000,
                    took=got * 300_000,
                    took_2=got // 2,
                    took_3=got - got // 2,
                )


def pages() -> list[tuple[str, str]]:
    """Names and addresses of the dashboard's periods."""
    from django.urls import reverse

    from apps.console.mailflow import PERIODS

    at = reverse("console-dashboard")
    return [(f"dashboard, {one.name}", f"{at}?period={one.key}") for one in PERIODS]
