"""A receiver of webhooks: a web server that takes what is posted and checks every signature as its
owner would, by nothing but the secret."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from apps.directory.models import Domain, User
from apps.provisioning import services as provisioning
from apps.remote.webfetch import Web
from apps.resolver.live import live_resolver
from apps.webhooks import sending
from tests.support.dns_server import DnsServer
from tests.support.policy_host import Answer, PolicyHost, Request
from tests.support.test_ca import Authority

HOST = "hooks.test"
PASSWORD = "correct horse battery"


def verified(secret: str, request: Request) -> dict[str, Any]:
    """What a request says, if its signature is good (written anew, from the specification)."""
    headers = request.headers
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert f"v1,{right}" in headers["webhook-signature"].split(" ")
    said: dict[str, Any] = json.loads(request.body)
    assert said["id"] == headers["webhook-id"]
    return said


@dataclass
class Receiver:
    """The server; for trials, the internet is loopback."""

    host: PolicyHost
    dns: DnsServer
    patience: float = 20.0  # seconds for an answer: the machine may be busy

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.host.port}/mail"

    @property
    def requests(self) -> list[Request]:
        return self.host.requests

    def client(self, *, is_installations: bool, seconds: float) -> Web:
        """In place of `sending.client`."""
        return Web(live_resolver(), seconds=self.patience, reaches=lambda one: one.is_loopback)

    def answers(self, status: int, body: bytes = b"", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.host.answer = Answer(body, status, headers=named)


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    authority = Authority(tmp_path)
    context = authority.server(HOST).context
    with DnsServer() as dns, PolicyHost(context) as host:
        dns.add(HOST, "A", "127.0.0.1")
        with override_settings(DNS_SERVERS=(dns.endpoint,), EXTRA_CA=authority.file):
            made = Receiver(host, dns)
            monkeypatch.setattr(sending, "client", made.client)
            made.answers(204)
            yield made


@pytest.fixture
def domain(db: None) -> Domain:
    return provisioning.add_domain("example.test", organization="A")


@pytest.fixture
def ann(domain: Domain) -> User:
    return provisioning.add_user("ann@example.test", PASSWORD)[0]
