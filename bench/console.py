"""`python -m bench.console`: what pages of the console cost the server with very many users.

Runs in a temporary data folder on SQLite as shipped, or on the Postgres that DATABASE_URL names, in
a database that holds nothing else. Pages are asked for by Django's own client in this process, so a
figure is all that the server does for a page but the socket. Exit 1 if a page's p95 is over the
limit.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

USERS: Final = int(os.environ.get("BENCH_USERS", "100000"))
DOMAINS: Final = int(os.environ.get("BENCH_DOMAINS", "10000"))
ORGANIZATIONS: Final = 200
ALIASES: Final = USERS // 2
RECORDS: Final = USERS * 2  # of the audit log
CROWD: Final = USERS // 5  # users of the one large domain
RUNS: Final = int(os.environ.get("BENCH_RUNS", "25"))
LIMIT_MS: Final = 300
BATCH: Final = 5_000
BEGUN: Final = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="mailhost-bench-") as folder:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
        os.environ.setdefault("MAILHOST_DATA", folder)
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        try:
            began = time.perf_counter()
            people = _seed()
            print(
                f"{connection.vendor}: {USERS} users, {DOMAINS} domains, {ALIASES} aliases,"
                f" {RECORDS} records of the audit log,"
                f" made in {time.perf_counter() - began:.0f} s",
                flush=True,
            )
            slow = [name for who, user in people.items() for name in _measure(who, user)]
        finally:
            connection.close()
    for name in slow:
        print(f"over the limit: {name}", file=sys.stderr)
    return 1 if slow else 0


def _seed() -> dict[str, Any]:
    """Fill the database; return an operator, a reseller and an administrator of a large domain."""
    from django.db import connection

    from apps.directory.models import Domain, Organization, Role, User
    from apps.directory.services import roles
    from apps.provisioning import services as provisioning

    operator, _ = provisioning.create_operator("root@elsewhere.test", "correct horse battery")
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
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    admin, reseller = users[0], users[1]
    roles.grant(user=admin, role=Role.DOMAIN_ADMIN, domain=domains[0])
    roles.grant(user=reseller, role=Role.RESELLER, organization=companies[1])
    return {"operator": operator, "reseller": reseller, "administrator": admin}


def _company(number: int) -> str:
    return f"Company {number:04}"


def _users(domains: list[Any]) -> Iterator[Any]:
    from apps.directory.models import Kind, User, UserState

    for n in range(USERS):
        domain = domains[0] if n < CROWD else domains[n % len(domains)]
        address = f"{'anna bert carl dora emil'.split()[n % 5]}.{n:06}@{domain.name}"
        yield User(
            key=address,
            address=address,
            domain=domain,
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


def _make(model: Any, rows: Iterator[Any]) -> None:
    while some := list(islice(rows, BATCH)):
        model.objects.bulk_create(some)


def _pages() -> list[tuple[str, str]]:
    from django.urls import reverse

    from apps.directory.models import Alias, Domain, User

    domain = Domain.objects.get(name="d00000.test")
    user = User.objects.filter(domain=domain).order_by("pk")[10]
    alias = Alias.objects.filter(domain=domain).order_by("pk")[10]
    users, domains, aliases = (
        reverse(f"console-{noun}") for noun in ("users", "domains", "aliases")
    )
    return [
        ("dashboard", reverse("console-dashboard")),
        ("domains", domains),
        ("domains, searched", f"{domains}?text=d0099"),
        ("domains, that need work", f"{domains}?only=work"),
        ("domain: DNS", reverse("console-domain", args=[domain.pk])),
        ("users", users),
        ("users, a deep page", f"{users}?after=carl.050002@d00002.test"),
        ("users, by part of a name", f"{users}?text=okafor"),
        ("users, by what nobody is called", f"{users}?text=zzzz"),
        ("users, of a domain", f"{users}?domain=d00000.test"),
        ("users, suspended", f"{users}?state=suspended"),
        ("users, by storage", f"{users}?sort=used"),
        ("user", reverse("console-user", args=[user.pk])),
        ("aliases", aliases),
        ("aliases, searched", f"{aliases}?text=alias-0400"),
        ("aliases, groups", f"{aliases}?only=groups"),
        ("alias", reverse("console-alias", args=[alias.pk])),
        ("shared mailboxes", reverse("console-shared")),
        ("organisations", reverse("console-organizations")),
        ("policies", reverse("console-policies")),
        ("audit log", reverse("console-audit")),
        ("audit log, of a user", f"{reverse('console-audit')}?subject={user.address}"),
        ("found by the palette", f"{reverse('console-find')}?q=anna"),
        ("import", reverse("console-import")),
    ]


def _measure(who: str, user: Any) -> list[str]:
    from django.conf import settings
    from django.test import Client

    from apps.accounts.sessions import SessionStore
    from apps.directory.models import Means
    from apps.runtime.clock import now

    client = Client(headers={"host": "localhost"})
    client.force_login(user, settings.AUTHENTICATION_BACKENDS[0])
    session = client.session
    assert isinstance(session, SessionStore)
    session.signed_in(means=Means.PASSWORD)
    session["proved"] = int(now())
    session.save()
    slow = []
    print(f"\n{who:40} status queries  median      p95      CPU")
    for name, address in _pages():
        status, queries = _counted(client, address)
        walls, cpus = zip(*[_timed(client, address) for _ in range(RUNS)], strict=True)
        p95 = sorted(walls)[RUNS * 95 // 100] * 1000
        print(
            f"{name:40} {status:6} {queries:7} {statistics.median(walls) * 1000:7.1f} {p95:8.1f}"
            f" {statistics.median(cpus) * 1000:8.1f}",
            flush=True,
        )
        if p95 > LIMIT_MS:
            slow.append(f"{who}: {name}")
    return slow


def _counted(client: Any, address: str) -> tuple[int, int]:
    from django.db import connection

    said: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        said.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        status = client.get(address, secure=True).status_code
    return status, len(said)


def _timed(client: Any, address: str) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    client.get(address, secure=True)
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    sys.exit(main())
