"""Very many users, domains, aliases and records for `bench.console`."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from bench import flowrows, keptrows

USERS: Final = int(os.environ.get("BENCH_USERS", "100000"))
DOMAINS: Final = int(os.environ.get("BENCH_DOMAINS", "10000"))
ORGANIZATIONS: Final = 200
ALIASES: Final = USERS // 2
RECORDS: Final = USERS * 2  # of the audit log
CROWD: Final = USERS // 5  # users of the one large domain
WAITING: Final = int(os.environ.get("BENCH_WAITING", "100000"))  # recipients at other servers
PLACES: Final = 200  # where these are
BATCH: Final = 5_000
BEGUN: Final = datetime(2026, 1, 1, tzinfo=UTC)


def seed() -> dict[str, Any]:
    """Fill the database; return an operator, a reseller and an administrator of a large domain."""
    from django.db import connection

    from apps.directory.models import Role
    from apps.directory.services import roles
    from apps.provisioning import services as provisioning

    operator, _ = provisioning.create_operator("root@elsewhere.test", "correct horse battery")
    companies, domains, users = seed_directory()
    keptrows.seed(users)
    flowrows.seed(domains)
    _queue(users)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    admin, reseller = users[0], users[1]
    roles.grant(user=admin, role=Role.DOMAIN_ADMIN, domain=domains[0])
    roles.grant(user=reseller, role=Role.RESELLER, organization=companies[1])
    return {"operator": operator, "reseller": reseller, "administrator": admin}


def seed_directory() -> tuple[list[Any], list[Any], list[Any]]:
    """Organisations, domains and users, and what of theirs the lists of them show."""
    from apps.directory.models import Domain, Organization, User

    _make(Organization, (Organization(name=_company(n)) for n in range(ORGANIZATIONS)))
    companies = list(Organization.objects.filter(name__startswith="Company").order_by("pk"))
    _make(
        Domain,
        (
            Domain(name=f"d{n:05}.test", organization=companies[n * n % ORGANIZATIONS])
            for n in range(DOMAINS)
        ),
    )
    domains = list(Domain.objects.filter(name__startswith="d").order_by("name"))
    _make(User, _users(domains))
    users = list(User.objects.filter(domain__isnull=False).order_by("pk"))
    _furnish(domains, users, companies)
    _share(users)
    return companies, domains, users


def _company(number: int) -> str:
    return f"Company {number:04}"


def _users(domains: list[Any]) -> Iterator[Any]:
    from apps.directory.models import Kind, User, UserState

    for n in range(USERS):
        domain = domains[0] if n < CROWD else domains[n % len(domains)]
        address = f"{'anna bert carl dora emil'.split()[n % 5]}.{n:06}@{domain.name}"
        if n % 100 == 57:
            yield User(
                key=f"{address}#{n}",
                address=address,
                state=UserState.REMOVED,
                removed_at=BEGUN + timedelta(minutes=n),
            )
            continue
        yield User(
            key=address,
            address=address,
            domain=domain,
            created_at=BEGUN,
            seen_at=BEGUN + timedelta(minutes=n * 4) if n % 3 else None,
            name=f"{'Weber Okafor Silva Moreau Tanaka Novak Olsen'.split()[n % 7]} {n}",
            kind=Kind.SHARED if n % 100 == 99 else Kind.PERSON,
            state=UserState.SUSPENDED if n % 50 == 49 else UserState.ACTIVE,
            quota=(5 << 30) if n % 3 else 0,
            has_factor=n % 4 == 0,
        )


def _furnish(domains: list[Any], users: list[Any], companies: list[Any]) -> None:
    from apps.audit.models import AuditRecord
    from apps.directory.models import Alias, AliasTarget, DkimKey, DkimState, SignIn
    from apps.mailstore.models import Usage

    _make(
        Usage,
        (
            Usage(user=user, size=(n * 7919 % 5_400) << 20, messages=n % 9_000)
            for n, user in enumerate(users)
        ),
    )
    _make(
        SignIn,
        (
            SignIn(
                user=user,
                digest=(n * 2 + again).to_bytes(16, "big"),
                outcome="ok",
                door="imap",
                means="password",
                address="192.0.2.7",
                first_at=BEGUN + timedelta(minutes=n + again),
                last_at=BEGUN + timedelta(minutes=n + again),
            )
            for n, user in enumerate(users)
            for again in (0, 1)
        ),
    )
    _make(
        DkimKey,
        (
            DkimKey(
                domain=domain,
                selector="s2026a",
                algorithm="ed25519",
                state=DkimState.ACTIVE,
                public="11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
            )
            for domain in domains
        ),
    )
    _make(
        Alias,
        (
            Alias(domain=domains[0 if n % 5 == 0 else n % len(domains)], local=f"alias-{n:06}")
            for n in range(ALIASES)
        ),
    )
    aliases = Alias.objects.order_by("pk").values_list("pk", flat=True)
    _make(
        AliasTarget,
        (
            AliasTarget(alias_id=pk, address=users[(n * 3 + again) % len(users)].address)
            for n, pk in enumerate(aliases)
            for again in range(1 + (n % 10 == 0) * 9)
        ),
    )
    _make(
        AuditRecord,
        (
            AuditRecord(
                at=BEGUN + timedelta(seconds=n),
                actor_kind="user",
                actor=users[n % 50].address,
                action="user.change",
                subject=users[n % len(users)].address,
                organization_id=companies[n % ORGANIZATIONS].pk,
                domain_id=users[n % len(users)].domain_id,
                door="web",
            )
            for n in range(RECORDS)
        ),
    )


def _share(users: list[Any]) -> None:
    """One in ten has opened the mailbox, and one of a hundred of these shares it."""
    from apps.mailstore.models import Mailbox, MailboxRight, MailboxState

    last = Mailbox.objects.count()
    _make(
        Mailbox,
        (Mailbox(user=user, name="INBOX", uidvalidity=1, created_at=0) for user in users[::10]),
    )
    boxes = list(Mailbox.objects.order_by("pk")[last:])
    _make(MailboxState, (MailboxState(mailbox=box) for box in boxes))
    _make(
        MailboxRight,
        (
            MailboxRight(mailbox=box, user=users[n * 7 + 1], rights="lr")
            for n, box in enumerate(boxes)
            if n % 100 == 0
        ),
    )


def _queue(users: list[Any]) -> None:
    """A bad day: a hundred thousand recipients wait, most of them for a few servers; some are held,
    and two of three messages were sent by users, a fifth of these by those of the large domain."""
    import hashlib

    from apps.blobs.models import Blob
    from apps.mailqueue.models import (
        Attempt,
        MessageState,
        QueuedMessage,
        QueuedRecipient,
        RecipientState,
    )
    from apps.runtime.clock import now_us
    from apps.runtime.ulid import new_ulid

    digest = hashlib.sha256(b"x").digest()
    blob = Blob.objects.create(sha256=digest, size=1, inline=b"x", created_at=0)
    now = now_us()
    ids = sorted(new_ulid() for _ in range(WAITING))
    _make(
        QueuedMessage,
        (
            QueuedMessage(
                id=ids[n],
                blob=blob,
                trace_id=ids[n],
                prefix=b"Received: from somewhere by mail.example.test with ESMTP\r\n" * 3,
                signatures=b"DKIM-Signature: v=1; a=rsa-sha256\r\n" * 10,
                size=8_000,
                sender=users[n % len(users)].address,
                user=users[n % len(users)] if n % 3 else None,
                domain_id=users[n % len(users)].domain_id if n % 3 else None,
                door="submission" if n % 3 else "mx",
                state=MessageState.HELD if n % 500 == 0 else MessageState.ROUTED,
                received_at=now - (WAITING - n) * 1_000_000,
            )
            for n in range(WAITING)
        ),
    )
    _make(
        QueuedRecipient,
        (
            QueuedRecipient(
                message_id=ids[n],
                address=f"person{n}@place{_place(n):03}.test",
                original=f"person{n}@place{_place(n):03}.test",
                state=RecipientState.HELD if n % 500 == 0 else RecipientState.WAITING,
                attempts=n % 7,
                next_attempt_at=now + n * 10_000 if n % 7 else 0,
                destination=f"mx/place{_place(n):03}.test",
                last_reply="421 4.7.28 rate limited, try again later" if n % 7 else "",
            )
            for n in range(WAITING)
        ),
    )
    first = QueuedRecipient.objects.order_by("pk")[:BATCH]
    _make(
        Attempt,
        (
            Attempt(
                recipient=one,
                at=now,
                remote="mx.place.test [192.0.2.25]:25",
                tls="TLSv1.3",
                outcome="deferred",
                reply=one.last_reply,
                transcript="> MAIL FROM:<a@b.test>\n< 250 ok\n" * 10,
            )
            for one in first
            for _ in range(3)
        ),
    )


def _place(number: int) -> int:
    """Half of all mail waits for one of the places."""
    return 0 if number % 2 else number * 7919 % PLACES


def _make(model: Any, rows: Iterator[Any]) -> None:
    while some := list(islice(rows, BATCH)):
        model.objects.bulk_create(some)
