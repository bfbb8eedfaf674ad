"""Kept policies are fetched anew, overrides heard of, and the web client is patient with nobody."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from apps.remote import overrides, queries, services, stscache, tasks
from apps.remote.models import StsPolicy, TlsMode
from apps.remote.overrides import Overrides, nearest
from apps.remote.queries import Override
from apps.remote.refresh import refresh
from apps.remote.stscache import live_sts
from apps.remote.webfetch import FetchError, UntrustedError, Web
from apps.resolver.live import live_resolver
from apps.runtime.db import in_db
from tests.support.dns_server import DnsServer
from tests.support.policy_host import PolicyHost
from tests.support.test_ca import Authority

pytestmark = pytest.mark.django_db(transaction=True)

DOMAINS = ("a.test", "b.test", "c.test")


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[tuple[DnsServer, PolicyHost]]:
    authority = Authority(tmp_path)
    context = authority.server(*(f"mta-sts.{name}" for name in DOMAINS)).context
    with DnsServer() as dns, PolicyHost(context) as web:
        for name in DOMAINS:
            dns.add(f"_mta-sts.{name}", "TXT", '"v=STSv1; id=1;"', ttl=0)
            dns.add(f"mta-sts.{name}", "A", "127.0.0.1")
        web.publish("enforce", "mx.a.test")
        with override_settings(
            DNS_SERVERS=(dns.endpoint,),
            HTTPS_OUT_PORT=web.port,
            EXTRA_CA=authority.file,
            SMTP_OUT_PRIVATE=True,
        ):
            yield dns, web


async def find(*domains: str) -> None:
    cache = live_sts(live_resolver())
    for domain in domains:
        await cache.find(domain)
    await cache.close()


async def test_it_fetches_kept_policies_anew(ground: tuple[DnsServer, PolicyHost]) -> None:
    dns, web = ground
    await find(*DOMAINS)
    old = StsPolicy.objects.filter(domain__in=DOMAINS[:2])
    await in_db("write", lambda: old.update(fetched_at=1_000))
    dns.remove("_mta-sts.b.test")  # it is silent, not gone: what is kept stays
    web.requests.clear()
    web.publish("enforce", "mx.a.test", max_age=1_000_000)  # under the id of before
    assert await refresh() == 1
    assert [one.host for one in web.requests] == ["mta-sts.a.test"]
    kept = await in_db("read", queries.sts_policy, "a.test")
    assert kept is not None
    assert kept.policy.max_age == 1_000_000
    assert await in_db("read", StsPolicy.objects.count) == 3


async def test_it_goes_on_where_a_policy_cannot_be_fetched(
    ground: tuple[DnsServer, PolicyHost],
) -> None:
    _, web = ground
    await find(*DOMAINS)
    await in_db("write", lambda: StsPolicy.objects.update(fetched_at=1_000))
    web.answer.status = 500
    assert await refresh() == 0
    assert await in_db("read", StsPolicy.objects.filter(mode="enforce").count) == 3


def test_it_removes_what_is_old_on_the_way(ground: tuple[DnsServer, PolicyHost]) -> None:
    asyncio.run(find("a.test"))
    StsPolicy.objects.update(expires_at=1, fetched_at=0)
    tasks.refresh_policies()
    assert not StsPolicy.objects.exists()


async def test_it_looks_once_for_many_that_ask_at_once(
    ground: tuple[DnsServer, PolicyHost],
) -> None:
    dns, web = ground
    cache = live_sts(live_resolver())
    asking = [asyncio.ensure_future(cache.find("a.test")) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()  # whoever gives up takes nothing from the others
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert all(isinstance(one, stscache.Announced) and one.policy for one in found[1:])
    await cache.find("a.test")
    assert len(web.requests) == dns.count("_mta-sts.a.test") == 1
    await cache.close()


async def test_it_bounds_what_it_remembers(
    ground: tuple[DnsServer, PolicyHost], monkeypatch: pytest.MonkeyPatch
) -> None:
    dns, _ = ground
    monkeypatch.setattr(stscache, "MOST_DOMAINS", 2)
    cache = live_sts(live_resolver())
    for domain in DOMAINS:
        await cache.find(domain)
    assert set(cache._known) == {"b.test", "c.test"}
    await cache.close()
    assert dns.count("_mta-sts.c.test") == 1


@pytest.mark.parametrize("what", ["silent", "endless"])
async def test_it_waits_for_no_web_server_for_long(
    ground: tuple[DnsServer, PolicyHost], what: str
) -> None:
    _, server = ground
    server.answer.is_silent, server.answer.is_endless = what == "silent", what == "endless"
    web = Web(live_resolver(), port=server.port, seconds=0.2)
    before = time.monotonic()
    with pytest.raises(FetchError, match=r"within 0 s|more than"):
        await web.get("mta-sts.a.test", "/x", limit=1 << 40 if what == "silent" else 65_536)
    assert time.monotonic() - before < 10
    await web.close()


async def test_it_takes_a_certificate_for_the_name_only(
    ground: tuple[DnsServer, PolicyHost],
) -> None:
    dns, server = ground
    dns.add("mta-sts.d.test", "A", "127.0.0.1")
    web = Web(live_resolver(), port=server.port)
    with pytest.raises(UntrustedError):
        await web.get("mta-sts.d.test", "/x", limit=10)
    with override_settings(EXTRA_CA=Path()):
        stranger = Web(live_resolver(), port=server.port)
        with pytest.raises(UntrustedError):
            await stranger.get("mta-sts.a.test", "/x", limit=10)
    await web.close()
    await stranger.close()
    assert server.requests == []


@pytest.mark.parametrize(
    ("domain", "found"),
    [
        ("example.org", "example.org"),
        ("a.example.org", ".example.org"),
        ("b.a.example.org", ".a.example.org"),
        ("else.org", ".org"),
        ("org", None),
        ("else.net", None),
    ],
)
def test_it_finds_the_most_special_override(domain: str, found: str | None) -> None:
    names = ("example.org", ".example.org", ".a.example.org", ".org")
    known = {name: Override(name, TlsMode.ENCRYPT) for name in names}
    result = nearest(known, domain)
    assert (result.domain if result else None) == found


async def test_it_hears_of_an_override_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Overrides()
    assert await known.find("example.org") is None
    await in_db("write", services.set_override, domain="example.org", mode=TlsMode.NONE)
    assert await known.find("example.org") is None
    monkeypatch.setattr(overrides, "FRESH_SECONDS", 0.0)
    known._until = 0.0
    assert await known.find("example.org") == Override("example.org", TlsMode.NONE)
    await in_db("write", services.remove_override, domain="example.org")
    assert await known.find("example.org") is None
