"""Secrets get the seal of a new key, and the old key can go."""

import base64

import pytest
from pytest_django import Settings

from apps.directory import dkim, transports
from apps.directory.models import Domain, Transport, TransportScope, TransportTls
from apps.directory.services import sealed
from apps.directory.services import transports as ways
from apps.provisioning import services
from apps.runtime import sealing

OLD, NEW = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


@pytest.fixture(autouse=True)
def _old_key(settings: Settings) -> None:
    settings.ENCRYPTION_KEY = (OLD,)


def test_it_seals_everything_anew(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = _domain()
    server = ways.Server(
        host="smart.test", tls=TransportTls.VERIFY, username="us", password="secret word"
    )
    ways.put(scope=TransportScope.ALL, server=server)
    monkeypatch.setattr(sealed, "PAGE", 1)
    settings.ENCRYPTION_KEY = (NEW, OLD)
    assert sealed.reseal() == sealed.Resealed(3, ())
    assert sealed.reseal() == sealed.Resealed(0, ())
    settings.ENCRYPTION_KEY = (NEW,)
    dkim._opened.cache_clear()
    assert len(dkim.signers(domain.name)) == 2
    transport = Transport.objects.get()
    assert (
        sealing.open_sealed(transport.secret, context=transports.context("smart.test", "us"))
        == b"secret word"
    )


def test_it_names_what_no_key_opens(db: None, settings: Settings) -> None:
    domain = _domain()
    settings.ENCRYPTION_KEY = (NEW,)
    done = sealed.reseal()
    assert done.changed == 0
    assert len(done.broken) == 2
    assert all(domain.name in one and "not in ENCRYPTION_KEY" in one for one in done.broken)


def _domain() -> Domain:

    return services.add_domain("sealed.test")
