"""The write door of what we know about other domains: policies, overrides, counts of TLS."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from apps.remote.models import StsPolicy, TlsMode, TlsOverride, TlsReport, TlsResult
from apps.remote.sts import Sts
from apps.runtime.clock import now
from apps.runtime.exchange import exchange
from apps.runtime.rows import ManyRows
from apps.wire.errors import InvalidName, NotFound

DAY_SECONDS: Final = 86_400
KEEP_DAYS: Final = 15
"""Days for which counts and the fact of a report are kept."""

_ADD = ManyRows(
    "INSERT INTO remote_tlsresult (day, domain, policy_type, policy, mx_patterns, result, mx_host,"
    " sending_address, receiving_address, reason, sessions)",
    "int text text text text text text text text text int",
    "ON CONFLICT (day, domain, policy_type, result, mx_host, sending_address, receiving_address)"
    " DO UPDATE SET sessions = remote_tlsresult.sessions + excluded.sessions",
)


Said = tuple[TlsMode, tuple[str, ...]]
"""What an administrator says of a domain: the mode, and names that its certificate may have."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions to be added to a day's count; `models.TlsResult` tells of the fields."""

    day: int
    domain: str
    policy_type: str
    policy: Sequence[str]
    patterns: Sequence[str]
    result: str
    mx_host: str
    sending_address: str
    receiving_address: str
    reason: str
    sessions: int


def keep_sts(*, domain: str, policy: Sts) -> None:
    """Keep a policy that was fetched just now, in place of an older one."""
    at = now()
    StsPolicy.objects.update_or_create(
        domain=domain,
        defaults={
            "policy_id": policy.id,
            "mode": policy.mode,
            "patterns": json.dumps(policy.patterns),
            "text": policy.text,
            "fetched_at": at,
            "expires_at": at + policy.max_age,
        },
    )


def set_override(*, domain: str, mode: TlsMode, names: Sequence[str] = ()) -> None:
    """Set an administrator's policy for a domain (A-label; `.example.org` for all below it).

    Raises:
        InvalidName: names with another mode than verify.
    """
    if names and mode is not TlsMode.VERIFY:
        raise InvalidName(text="Names of a certificate go with the mode verify only")
    TlsOverride.objects.update_or_create(
        domain=domain,
        defaults={"mode": mode, "names": json.dumps(list(names))},
        create_defaults={"mode": mode, "names": json.dumps(list(names)), "created_at": now()},
    )


def remove_override(*, domain: str) -> None:
    """Go back to what the domain says itself.

    Raises:
        NotFound: there is none for exactly this domain.
    """
    removed, _ = TlsOverride.objects.filter(domain=domain).delete()
    if not removed:
        raise NotFound(text=f"No TLS policy is set for {domain}")


def standing_override(domain: str) -> Said | None:
    """What an administrator has said of a domain, held until the transaction ends."""
    row = TlsOverride.objects.select_for_update().filter(domain=domain).first()
    return None if row is None else (TlsMode(row.mode), tuple(json.loads(row.names)))


def put_back_override(*, domain: str, was: Said | None, then: Said | None) -> bool:
    """Say something else of a domain, if what is said is what is expected; None is nothing.
    Returns whether it was."""
    return exchange(
        TlsOverride,
        {"domain": domain},
        now=None if was is None else _columns(was),
        then=None if then is None else _columns(then),
        first={"created_at": now()},
    )


def _columns(said: Said) -> dict[str, str]:
    mode, names = said
    return {"mode": mode.value, "names": json.dumps(list(names))}


def add_sessions(batch: Sequence[Sessions]) -> None:
    """Add to the counts. Always in the same order of rows, so that two processes that add at once
    never wait for each other in a circle."""
    rows = sorted(
        (
            one.day,
            one.domain,
            one.policy_type,
            json.dumps(list(one.policy)),
            json.dumps(list(one.patterns)),
            one.result,
            one.mx_host,
            one.sending_address,
            one.receiving_address,
            one.reason,
            one.sessions,
        )
        for one in batch
    )
    with transaction.atomic():
        _ADD.write(rows)


def note_report(*, day: int, domain: str, outcome: str, is_sent: bool = True) -> None:
    """Remember what became of a domain's report of a day, in words; `is_sent` says whether it is
    done with."""
    told = {"sent_at": now() if is_sent else 0, "outcome": outcome[:300]}
    TlsReport.objects.update_or_create(day=day, domain=domain, defaults=told)


def prune() -> int:
    """Remove policies that expired a while ago, and counts of old days; returns how many rows."""
    today = now() // DAY_SECONDS
    total = 0
    for old in (
        StsPolicy.objects.filter(expires_at__lt=now() - DAY_SECONDS),
        TlsResult.objects.filter(day__lt=today - KEEP_DAYS),
        TlsReport.objects.filter(day__lt=today - KEEP_DAYS),
    ):
        total += old.delete()[0]
    return total
