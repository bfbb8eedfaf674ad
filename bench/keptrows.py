"""Very much mail in quarantine for `bench.console`, and the pages that show it."""

import os
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

KEPT: Final = int(os.environ.get("BENCH_KEPT", "100000"))
BATCH: Final = 5_000
_EVERY: Final = 15  # seconds from one to the next: all of it came within a month


def seed(users: list[Any]) -> None:
    """Keep KEPT messages from these users; half as many again were released or deleted."""
    from apps.blobs import services as blobs
    from apps.scan.models import Quarantined

    blob = blobs.prepare(b"From: a@b.test\r\nSubject: x\r\n\r\nx\r\n")
    blobs.insert([blob])
    rows = _rows(users, blob)
    while some := list(islice(rows, BATCH)):
        Quarantined.objects.bulk_create(some)


def _rows(users: list[Any], blob: Any) -> Iterator[Any]:
    from apps.mime.address import take_apart
    from apps.runtime.clock import now
    from apps.runtime.ulid import new_ulid
    from apps.scan.models import Quarantined, Reason

    reasons = (*[Reason.SPAM] * 6, Reason.PHISHING, Reason.ATTACHMENT, Reason.VIRUS, Reason.HARMFUL)
    at, count = now(), KEPT * 3 // 2
    for n in range(count):
        user, is_kept = users[n * 7919 % len(users)], n % 3 != 0
        author = f"s{n % 9_000}@shop{n % 700}.test"
        yield Quarantined(
            user=user,
            trace_id=new_ulid(),
            queue_id=new_ulid(),
            blob_id=blob.id if is_kept else None,
            size=blob.size,
            sender=f"bounce{n % 5_000}@mailer{n % 700}.test",
            address=user.address,
            original=user.address,
            domain=take_apart(user.address)[1],
            door="mx",
            received_at=(at - (count - n) * _EVERY) * 1_000_000,
            author=f"Sender {n % 9_000} <{author}>",
            author_address=author,
            subject=f"{'Invoice Offer Prize Parcel Reminder'.split()[n % 5]} number {n}",
            reason=reasons[n % len(reasons)],
            rule="ATTACHMENT_FORBIDDEN" if n % 10 == 7 else "",
            words="much in it looks like spam",
            points=n % 240 / 10,
            kept_at=at - (count - n) * _EVERY,
            state="kept" if is_kept else ("released", "deleted")[n % 2],
            settled_at=0 if is_kept else at,
            is_wanted=n % 50 == 0,
        )


def pages(powers: Any, domain: str) -> list[tuple[str, str]]:
    """Names and addresses of pages, of what is in sight."""
    from django.urls import reverse

    from apps.provisioning.administration.quarantine import in_sight

    kept = reverse("console-quarantine")
    newest = in_sight(powers).filter(state="kept").order_by("-pk").values_list("pk")[:1]
    message = "console-quarantine-message"
    return [
        ("quarantine", kept),
        ("quarantine, a deep page", f"{kept}?after={KEPT // 2}"),
        ("quarantine, a reason", f"{kept}?tab=virus"),
        ("quarantine, by a word", f"{kept}?text=parcel"),
        ("quarantine, by what nothing is called", f"{kept}?text=zzzz"),
        ("quarantine, probably wanted", f"{kept}?likely=yes"),
        ("quarantine, of a domain", f"{kept}?domain={domain}"),
        *(("quarantine: message", reverse(message, args=one)) for one in newest),
    ]
