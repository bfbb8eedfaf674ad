"""Debian's Chromium against a whole running service."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.installation import Installation, installation
from tests.support.watching import Watched, opened

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
).split()
PEOPLE = ("alice@example.test", "bob@example.test")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running installation with alice and bob."""
    with installation(tmp_path_factory.mktemp("browser")) as running:
        running.add_people(*PEOPLE)
        # What these tests look at is hostile on purpose, and has to be in the inbox.
        running.manage("spam", "threshold", "--filter", "off")
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for the module; every test has its own context."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def watched(service: Installation, chromium: Browser) -> Iterator[Watched]:
    """Alice at her inbox."""
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(chromium, base, as_whom=PEOPLE[0]) as seen:
        seen.go("/mail/inbox/")
        yield seen
