"""TLS policy in a service as it is installed, with signed zones (Knot), a validating name server
beside it (Unbound), and a host of MTA-STS policies.

Nothing is set but what an administrator sets. What counts is what the other server got, and what
the administrator is told where it got nothing.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage

import pytest

from tests.support.dnssec import dnssec
from tests.support.installation import PASSWORD, Installation, installation
from tests.support.policy_host import PolicyHost
from tests.support.services import free_port
from tests.support.smtp_sink import SmtpSink
from tests.support.test_ca import Authority

SECONDS = 40.0
FORGED = "3 1 1 " + "00" * 32


@dataclass(frozen=True, slots=True)
class World:
    """All that takes part."""

    ours: Installation
    sink: SmtpSink
    web: PolicyHost

    def write(self, to: str) -> None:
        """Alice writes to somebody elsewhere."""
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = "alice@example.test", to, "hello"
        letter.set_content("How are you?\n")
        with self.ours.smtp("SUBMISSIONS") as client:
            client.login("alice@example.test", PASSWORD)
            client.send_message(letter)

    def came(self, to: str) -> bool:
        return any(to in message.recipients for message in self.sink.messages)

    def story(self, to: str) -> str:
        """All that is told of the mail to an address."""
        ids = dict.fromkeys(re.findall(r"\b[0-9A-Z]{26}\b", self.ours.manage("trace", to)))
        return "".join(self.ours.manage("trace", one) for one in ids)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("tls")
    authority, port = Authority(folder), free_port()
    names = ("signed.test", "wrong.test", "sts.test", "strict.test")
    server = authority.server(*(f"mx.{name}" for name in names if name != "strict.test"))
    web_server = authority.server("mta-sts.sts.test", "mta-sts.strict.test")

    def zone(tlsa: str = "", identity: str = "") -> list[str]:
        records = ["@ MX 10 mx", "mx A 127.0.0.1"]
        if tlsa:
            records.append(f"_{port}._tcp.mx TLSA {tlsa}")
        if identity:
            records += [f'_mta-sts TXT "v=STSv1; id={identity};"', "mta-sts A 127.0.0.1"]
        return records

    with (
        SmtpSink(tls=server.context, port=port) as sink,
        PolicyHost(web_server.context) as web,
        dnssec(
            {"signed.test": zone(server.tlsa()), "wrong.test": zone(FORGED)},
            plain={"sts.test": zone(identity="1"), "strict.test": zone(identity="1")},
        ) as resolver,
    ):
        web.publish("enforce", "mx.sts.test", "mx.strict.test")
        settings = {
            "DNS_SERVERS": str(resolver),
            "SMTP_OUT_PORT": str(port),
            "HTTPS_OUT_PORT": str(web.port),
            "SMTP_OUT_PRIVATE": "true",
            "EXTRA_CA": str(authority.file),
        }
        with installation(folder, settings, clerk=True) as ours:
            ours.add_people("alice@example.test")
            yield World(ours, sink, web)


@pytest.mark.parametrize(("domain", "how"), [("signed.test", "dane"), ("sts.test", "trusted")])
def test_it_delivers_where_the_policy_is_kept(world: World, domain: str, how: str) -> None:
    to = f"bob@{domain}"
    world.write(to)
    world.ours.wait_for(lambda: world.came(to), SECONDS, f"nothing came to {to}")
    world.ours.wait_for(lambda: how in world.story(to), SECONDS, f"the story does not say {how}")


def test_it_waits_where_the_policy_is_broken_until_told_otherwise(world: World) -> None:
    people = {"wrong.test": "bob@wrong.test", "strict.test": "bob@strict.test"}
    for to in people.values():
        world.write(to)

    def waiting() -> list[str]:
        rows = [row for row in world.ours.queue() if "not verified as" in json.dumps(row)]
        return [row["id"] for row in rows]

    world.ours.wait_for(lambda: len(waiting()) == 2, SECONDS, "the mail does not wait")
    assert not any(map(world.came, people.values()))
    for domain, why in (("wrong.test", "dane"), ("strict.test", "mta-sts")):
        assert why in world.ours.manage("tls-policy", "show", domain)
        world.ours.manage("tls-policy", "set", domain, "opportunistic")
    ids = waiting()

    def retried() -> bool:
        # The change is heard of within seconds; until then a retry ends like the first try. While
        # a try is under way there is nothing to be retried, which the command calls a failure.
        with suppress(AssertionError):
            world.ours.manage("queue", "retry", *ids)
        return all(map(world.came, people.values()))

    world.ours.wait_for(retried, SECONDS, "the mail did not come")


def test_it_tells_how_tls_went(world: World) -> None:
    def counted() -> bool:
        told = world.ours.manage("tls-policy", "results")
        return "wrong.test\ttlsa\tvalidation-failure" in told and "sts.test\tsts\tsuccess" in told

    world.write("carol@wrong.test")
    world.write("carol@sts.test")
    world.ours.wait_for(counted, SECONDS, "the counts were not written")
