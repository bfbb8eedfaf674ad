"""Asking as other servers and mail programs do: without a cookie, under any name."""

from typing import Any

import pytest
from django.test import Client

from apps.directory.models import Domain
from apps.provisioning import services as provisioning

POLICY = "/.well-known/mta-sts.txt"
ALLOWED = ["mail.example.test"]


@pytest.fixture(autouse=True)
def _strict_hosts(settings: Any) -> None:
    """The test environment allows one more host than an installation does."""
    settings.ALLOWED_HOSTS = ALLOWED


@pytest.fixture
def domain(db: None) -> Domain:
    return provisioning.add_domain("example.test")


@pytest.fixture
def alias_domain(domain: Domain) -> Domain:
    return provisioning.add_domain("alias.test", alias_of="example.test")


def get(host: str, path: str, query: dict[str, str] | None = None, *, secure: bool = True) -> Any:
    return Client(headers={"host": host}).get(path, query, secure=secure)


def post(host: str, path: str, body: bytes, *, secure: bool = True) -> Any:
    client = Client(enforce_csrf_checks=True, headers={"host": host})
    return client.post(path, body, content_type="text/xml", secure=secure)
