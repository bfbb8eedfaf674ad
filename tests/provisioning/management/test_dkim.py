"""The commands dkim and reseal as people and programs use them."""

import base64
import io
import json
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from apps.directory import dkim
from apps.directory.models import DkimKey, Domain
from tests.support.dns_server import DnsServer


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, no_color=True)
    return out.getvalue()


@pytest.fixture
def dns(settings: Settings) -> Iterator[DnsServer]:
    with DnsServer() as server:
        settings.DNS_SERVERS = (server.endpoint,)
        yield server


def _publish(dns: DnsServer, domain: Domain) -> None:
    for row in dkim.keys_of(domain.name):
        dns.add(row.record, "TXT", " ".join(f'"{one}"' for one in row.strings))


def test_it_shows_what_to_publish(domain: Domain) -> None:
    shown = run("dkim", "show", domain.name)
    for row in dkim.keys_of(domain.name):
        assert f"{row.record}. IN TXT (" in shown
        assert all(f'"{string}"' in shown for string in row.strings)
    assert shown.count("It signs. Its record must be in the DNS.") == 2


def test_it_shows_it_to_programs(domain: Domain, dns: DnsServer) -> None:
    (first, second) = json.loads(run("dkim", "show", domain.name, "--json"))
    assert {first["algorithm"], second["algorithm"]} == {"rsa", "ed25519"}
    assert first["dns"] is None
    assert "".join(first["strings"]) == first["text"]
    unpublished = json.loads(run("dkim", "show", domain.name, "--check", "--json"))
    assert [one["dns"] for one in unpublished] == ["missing"] * 2
    assert all("Publish its record now" in one["next"] for one in unpublished)
    _publish(dns, domain)
    checked = json.loads(run("dkim", "show", domain.name, "--check", "--json"))
    assert [one["dns"] for one in checked] == ["published"] * 2


def test_nothing_that_it_writes_is_private(domain: Domain, dns: DnsServer) -> None:
    _publish(dns, domain)
    secrets = [base64.b64encode(bytes(key.secret))[:40].decode() for key in DkimKey.objects.all()]
    written = [run("dkim", "rotate", domain.name, "--json")]
    _publish(dns, domain)
    for words in (("show", domain.name), ("list",), ("activate", domain.name)):
        written.append(run("dkim", *words, "--json"))
    assert not [one for one in secrets if one in "".join(written)]
    assert "secret" not in "".join(written)


def test_a_rotation_step_by_step(domain: Domain, dns: DnsServer) -> None:
    with pytest.raises(CommandError, match="No key of this domain waits"):
        run("dkim", "activate", domain.name)
    assert run("dkim", "rotate", domain.name).count("pending since") == 2
    with pytest.raises(CommandError, match="publish or discard those first"):
        run("dkim", "rotate", domain.name)
    with pytest.raises(CommandError, match="Not all keys sign"):
        run("dkim", "activate", domain.name)
    assert run("dkim", "discard", domain.name) == "Keys that are dropped: 2.\n"
    run("dkim", "rotate", domain.name)
    _publish(dns, domain)
    assert run("dkim", "activate", domain.name).count("active since") == 2
    run("dkim", "rotate", domain.name)
    assert run("dkim", "activate", domain.name, "--force").count("active since") == 2
    states = [line.split("\t")[3] for line in run("dkim", "list").splitlines()]
    assert states == ["retiring"] * 4 + ["active"] * 2


def test_an_erased_key_is_out_of_sight(domain: Domain) -> None:
    row = dkim.keys_of(domain.name)[0]
    assert "signs no more" in run("dkim", "erase", domain.name, row.selector)
    assert row.selector not in run("dkim", "show", domain.name)
    gone = run("dkim", "show", domain.name, "--all")
    assert f"{row.selector}: {row.algorithm}, retired" in gone
    assert row.text not in gone


@pytest.mark.parametrize("verb", ["show", "rotate", "activate", "discard"])
def test_it_knows_no_other_domains(db: None, verb: str) -> None:
    with pytest.raises(CommandError, match="not hosted here"):
        run("dkim", verb, "elsewhere.test")


def test_reseal_says_what_it_did(domain: Domain, settings: Settings) -> None:
    new = base64.b64encode(b"n" * 32).decode()
    old = settings.ENCRYPTION_KEY
    settings.ENCRYPTION_KEY = (new, *old)
    assert json.loads(run("reseal", "--json")) == {"changed": 2, "broken": []}
    assert run("reseal") == "Secrets sealed anew: 0.\n"
    settings.ENCRYPTION_KEY = old
    with pytest.raises(CommandError, match="cannot be opened"):
        run("reseal")
