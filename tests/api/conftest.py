"""Programs with tokens of people with roles."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from django.test import Client

from apps.api.bulk.lines import MEDIA_TYPE
from apps.directory.apitokens import SCOPES
from apps.directory.models import Domain, Organization, Role, User
from apps.directory.services import apitokens
from apps.provisioning import services as provisioning
from tests.console.conftest import PASSWORD, holder

JSON = "application/json"


class Program:
    """Asks in somebody's name, from a network of its own."""

    def __init__(self, token: str = "", address: str = "192.0.2.1") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = Client(headers=headers, REMOTE_ADDR=address)
        self._client.raise_request_exception = False

    def ask(self, verb: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request, below /api/v1/ unless the path begins with a slash; names of headers have
        underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        address = path if path.startswith("/") else f"/api/v1/{path}"
        if body is None:
            return self._client.generic(verb, address, headers=named)
        octets = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._client.generic(verb, address, octets, content_type=JSON, headers=named)

    def get(self, path: str, **headers: str) -> Any:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.ask("POST", path, {} if body is None else body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.ask("PATCH", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self.ask("PUT", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.ask("DELETE", path, **headers)

    def lines(self, path: str, objects: Iterable[Any], **headers: str) -> list[dict[str, Any]]:
        """Send lines of JSON; return those of the answer."""
        body = b"".join(json.dumps(one).encode() + b"\n" for one in objects)
        answer = self.ask("POST", path, body, Content_Type=MEDIA_TYPE, **headers)
        assert answer.status_code == 200, answer.content
        return [json.loads(one) for one in b"".join(answer.streaming_content).splitlines()]


def program(
    user: User,
    scopes: Iterable[str] = SCOPES,
    places: Iterable[Organization | Domain] | None = None,
    name: str = "",
) -> Program:
    """A program that has a token of somebody."""
    count = user.api_tokens.count()
    _, token = apitokens.issue(
        user=user,
        name=name or f"program {count}",
        scopes=scopes,
        places=None if places is None else list(places),
    )
    return Program(token)


def faults(answer: Any) -> list[tuple[str, str]]:
    """Pointers and codes of what is wrong."""
    return [(one["pointer"], one["code"]) for one in answer.json().get("errors", [])]


@pytest.fixture
def domain(db: None) -> Domain:
    return provisioning.add_domain("example.test", organization="A")


@pytest.fixture
def other_domain(db: None) -> Domain:
    return provisioning.add_domain("other.test", organization="B")


@pytest.fixture
def operator(db: None) -> Program:
    return program(holder("root@elsewhere.test", Role.OPERATOR))


@pytest.fixture
def reseller(domain: Domain) -> Program:
    return program(holder("reseller@example.test", Role.RESELLER, domain.organization))


@pytest.fixture
def admin(domain: Domain) -> Program:
    return program(holder("admin@example.test", Role.DOMAIN_ADMIN, domain))


@pytest.fixture
def ann(domain: Domain) -> Program:
    """Somebody without a role."""
    return program(provisioning.add_user("ann@example.test", PASSWORD)[0])


@pytest.fixture
def stranger(db: None) -> Program:
    """Without a token."""
    return Program()
