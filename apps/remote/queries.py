"""Reads of what we know about other domains. One query each unless it says otherwise."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from apps.remote.models import StsPolicy, TlsMode, TlsOverride, TlsReport, TlsResult
from apps.remote.sts import Mode, Sts


@dataclass(frozen=True, slots=True)
class KeptSts:
    """A policy as it was fetched; `expires_at` in Unix seconds."""

    policy: Sts
    expires_at: int


@dataclass(frozen=True, slots=True)
class Override:
    """An administrator's TLS policy for a domain, or with `.` before it for all below one."""

    domain: str
    mode: TlsMode
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """Sessions with a domain that went one way in one day (`models.TlsResult`)."""

    policy_type: str
    policy: tuple[str, ...]
    patterns: tuple[str, ...]
    result: str
    mx_host: str
    sending_address: str
    receiving_address: str
    reason: str
    sessions: int


@dataclass(frozen=True, slots=True)
class DayRow:
    """A line of what was counted, for an administrator; `day` as 2026-01-31."""

    day: str
    domain: str
    policy: str
    result: str
    host: str
    sessions: int
    reason: str


def sts_policy(domain: str) -> KeptSts | None:
    """The policy of a domain as last fetched, expired or not."""
    row = StsPolicy.objects.filter(domain=domain).first()
    return None if row is None else _kept(row)


def sts_domains(*, fetched_before: int, expires_after: int) -> list[str]:
    """Domains whose policy was last fetched before that, and still holds then (Unix seconds)."""
    rows = StsPolicy.objects.filter(fetched_at__lt=fetched_before, expires_at__gt=expires_after)
    return list(rows.exclude(mode="none").order_by("fetched_at").values_list("domain", flat=True))


def overrides() -> list[Override]:
    """All overrides, by domain. An administrator types them: there are few."""
    return [
        Override(row.domain, TlsMode(row.mode), tuple(json.loads(row.names)))
        for row in TlsOverride.objects.order_by("domain")
    ]


def unreported(day: int) -> list[str]:
    """Domains of which something was counted on a day, and that have no report of it yet. Two
    queries."""
    done = set(TlsReport.objects.filter(day=day, sent_at__gt=0).values_list("domain", flat=True))
    counted = TlsResult.objects.filter(day=day).order_by("domain").values_list("domain", flat=True)
    return [one for one in counted.distinct() if one not in done]


def counted(day: int, domain: str, *, limit: int) -> Iterator[Counted]:
    """What was counted for a domain on a day, the most frequent first."""
    rows = TlsResult.objects.filter(day=day, domain=domain).order_by("-sessions", "id")[:limit]
    for row in rows:
        yield Counted(
            row.policy_type,
            tuple(json.loads(row.policy)),
            tuple(json.loads(row.mx_patterns)),
            row.result,
            row.mx_host,
            row.sending_address,
            row.receiving_address,
            row.reason,
            row.sessions,
        )


def results(*, since: int, domain: str = "", limit: int = 10_000) -> Iterator[DayRow]:
    """What was counted from a day on (days since 1970), the newest first, failures before
    successes."""
    rows = TlsResult.objects.filter(day__gte=since).order_by("-day", "domain", "-result", "id")
    if domain:
        rows = rows.filter(domain=domain)
    for row in rows[:limit].iterator(chunk_size=1_000):
        yield DayRow(
            (date(1970, 1, 1) + timedelta(row.day)).isoformat(),
            row.domain,
            row.policy_type,
            row.result or "success",
            row.mx_host,
            row.sessions,
            row.reason,
        )


def _kept(row: StsPolicy) -> KeptSts:
    policy = Sts(
        id=row.policy_id,
        mode=cast(Mode, row.mode),
        patterns=tuple(json.loads(row.patterns)),
        max_age=max(0, row.expires_at - row.fetched_at),
        text=row.text,
    )
    return KeptSts(policy, row.expires_at)
