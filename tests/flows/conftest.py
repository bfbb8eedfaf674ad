"""One service for the flow tests of a module: starting it takes seconds."""

from collections.abc import Iterator

import pytest

from tests.support.installation import Installation, installation


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running installation with alice and bob at example.test and eve at other.test."""
    with installation(tmp_path_factory.mktemp("service"), clerk=True) as running:
        running.add_people("alice@example.test", "bob@example.test", "eve@other.test")
        yield running
