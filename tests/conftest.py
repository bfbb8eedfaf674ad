"""The cast: Alice and Bob share example.test, Eve lives at other.test and must see nothing of
theirs.
"""

import itertools
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache as once
from pathlib import Path

import pytest
import time_machine
import trustme
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase
from django.test.utils import setup_databases, teardown_databases
from hypothesis import settings
from pytest_django import DjangoDbBlocker
from servestatic.middleware import ServeStaticMiddleware

from apps.blobs import storage
from apps.directory import passwords, scram, throttle
from apps.directory.hashers import Argon2idHasher
from apps.directory.models import Domain, User
from apps.directory.services import history
from apps.events import bus
from apps.mailauth import keys
from apps.provisioning import services as provisioning
from apps.runtime import db
from apps.scan.lookalikes import queries as lookalikes
from tests.support import laws, migrated
from tests.support.database import empty_tables

# A busy machine is no bug: time is bounded by the test's own timeout.
_examples = 100 if os.environ.get(laws.LONG) else 40  # of what a test does not say a number itself
settings.register_profile("house", deadline=None, max_examples=_examples)
settings.load_profile("house")

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _house(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What every test begins and ends with. One fixture does it all: each one more, of thousands of
    tests, costs a run seconds."""
    if request.node.get_closest_marker("real_passwords"):
        passwords._dummy.cache_clear()  # one that another test made was cheap
    else:
        _make_passwords_cheap(monkeypatch)
    yield
    # The threads of `in_db` end, and close their connections, which know this test's database.
    db.shutdown()
    bus.reset()
    # Rows are rolled back after a test; the files that they named are removed.
    shutil.rmtree(Path(os.environ["MAILHOST_DATA"]) / "blobs", ignore_errors=True)
    storage._backend.cache_clear()  # it remembers which folders it has made
    cache.clear()
    throttle._store._down_until = 0.0  # a test may have taken the cache away
    lookalikes.forget()
    history.forget()


def _make_passwords_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has people, whose passwords cost 40 ms to set and 22 ms to check.

    Whole services (tests.support.installation) pay that, and tests marked `real_passwords`.
    """
    monkeypatch.setattr(Argon2idHasher, "time_cost", 1)
    monkeypatch.setattr(Argon2idHasher, "memory_cost", 8)  # KiB: the least that argon2 takes
    for module in (passwords, scram):
        monkeypatch.setattr(module, "SCRAM_ITERATIONS", 4_096)  # the least that RFC 7677 takes


_new_rsa = keys._new_rsa


@once
def _rsa_keys() -> Iterator[keys.NewKey]:
    """Three real ones in turn: each costs 30 ms, and every domain of every test has one."""
    return itertools.cycle([_new_rsa() for _ in range(3)])


@pytest.fixture(scope="session", autouse=True)
def _few_rsa_keys() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "_new_rsa", lambda: next(_rsa_keys()))
        yield


_list_static_files = ServeStaticMiddleware.add_files_from_finders
_listed: list[ServeStaticMiddleware] = []


def _know_static_files(new: ServeStaticMiddleware) -> None:
    if not _listed:
        _list_static_files(new)
        _listed.append(new)
    new.files, new.directories = _listed[0].files, _listed[0].directories


@pytest.fixture(scope="session", autouse=True)
def _static_files_listed_once() -> Iterator[None]:
    """Each browser has middleware of its own, which looks at a hundred files: 20 ms each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ServeStaticMiddleware, "add_files_from_finders", _know_static_files)
        yield


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[None]:
    """A test process of a whole run takes a copy of a database whose migrations were applied."""
    with django_db_blocker.unblock():
        if migrated.is_shared():
            migrated.lay_out(str(connection.creation.test_db_signature()[-1]))
        made = setup_databases(
            0, interactive=False, keepdb=migrated.is_shared(), serialized_aliases=set()
        )
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, 0)


@pytest.fixture(scope="session", autouse=True)
def _quickly_emptied() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: empty_tables())
        yield


@pytest.fixture
def noon() -> Iterator[time_machine.Traveller]:
    """It is noon of today, and time goes on: neither the minute nor the day or month ends soon."""
    today = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    with time_machine.travel(today) as clock:
        yield clock


@pytest.fixture
def domain(db: None) -> Domain:
    return provisioning.add_domain("example.test")


@pytest.fixture
def other_domain(db: None) -> Domain:
    return provisioning.add_domain("other.test")


@pytest.fixture
def alice(domain: Domain) -> User:
    return provisioning.add_user("alice@example.test", PASSWORD, name="Alice Archer")[0]


@pytest.fixture
def bob(domain: Domain) -> User:
    return provisioning.add_user("bob@example.test", PASSWORD, name="Bob Baker")[0]


@pytest.fixture
def eve(other_domain: Domain) -> User:
    return provisioning.add_user("eve@other.test", PASSWORD, name="Eve Elsewhere")[0]


@pytest.fixture(scope="session")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """`ca`, `cert` (chain) and `key` for localhost and mail.example.test."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    server = authority.issue_cert(
        *("localhost", "mail.example.test", "127.0.0.1"),
        common_name="localhost",  # which OfflineIMAP looks for, whatever the other names are
    )
    files = {"ca": folder / "ca.pem", "cert": folder / "cert.pem", "key": folder / "key.pem"}
    authority.cert_pem.write_to_path(str(files["ca"]))
    for blob in server.cert_chain_pems:
        blob.write_to_path(str(files["cert"]), append=True)
    server.private_key_pem.write_to_path(str(files["key"]))
    return files
