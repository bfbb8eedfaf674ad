"""A running service for the programs of this folder, and for each test a person at a desk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.desk import Desk
from tests.support.installation import DOORS, PASSWORD, POP3_DOORS, Installation, installation

BATCH = 32  # accounts made at once: starting a command costs more than an account
MAKE = """
import sys
from apps.provisioning import services
for line in sys.stdin.read().split():
    services.add_user(line, {password!r})
"""


class Accounts:
    """Addresses at example.test that nobody has used yet."""

    def __init__(self, service: Installation) -> None:
        self.service = service
        self.made = 0
        self.free: list[str] = []

    def take(self) -> str:
        if not self.free:
            numbers = range(self.made, self.made + BATCH)
            self.made += BATCH
            self.free = [f"reader{number}@example.test" for number in numbers]
            self.service.manage(
                "shell", "-c", MAKE.format(password=PASSWORD), text="\n".join(self.free)
            )
        return self.free.pop(0)


@pytest.fixture(scope="package")
def accounts(
    tmp_path_factory: pytest.TempPathFactory, tls_files: dict[str, Path]
) -> Iterator[Accounts]:
    """A service with every door open, and a certificate that the programs can verify."""
    certificate = {"TLS_CERT": str(tls_files["cert"]), "TLS_KEY": str(tls_files["key"])}
    folder = tmp_path_factory.mktemp("clients")
    doors = (*DOORS, *POP3_DOORS)
    with installation(folder, certificate, doors=doors, clerk=True) as running:
        running.manage("domain", "add", "example.test")
        yield Accounts(running)


@pytest.fixture
def desk(accounts: Accounts, tls_files: dict[str, Path], tmp_path: Path) -> Desk:
    """A person with a new account and an empty home folder."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Desk(accounts.service, accounts.take(), home, tls_files["ca"])
