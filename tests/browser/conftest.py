"""Debian's Chromium against a whole running service.

Both are started once for all of these tests, as far as one process has them in a row. Each module
names people of its own (`PEOPLE`), alone at a domain (called like a river: a word that no page has)
of an organisation of its own: their mailboxes are empty, whichever modules went before.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from tests.support.installation import DOORS, Installation, installation
from tests.support.watching import Watched, opened

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
).split()
# How long it takes until something is there is no promise of a page. Who waits goes on at once.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """It runs an event loop in this thread: no test of another folder may come before its end."""
    with sync_playwright() as made:
        yield made


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Every test has its own context."""
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that many live in."""
    with installation(tmp_path_factory.mktemp("browser"), clerk=True) as running:
        # What these tests look at is hostile on purpose, and has to be in the inbox.
        running.manage("spam", "threshold", "--filter", "off")
        yield running


@pytest.fixture(scope="package")
def plain_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One whose pages are plain HTTP: browsers refuse passkeys to a site whose certificate nobody
    vouches for, and take http://localhost as safe. It has POP3."""
    doors, folder = (*DOORS, "POP3S"), tmp_path_factory.mktemp("plain")
    with installation(folder, {"WEB_TLS": "off"}, doors=doors, clerk=True) as running:
        running.manage("spam", "threshold", "--filter", "off")
        yield running


@pytest.fixture(scope="module")
def service(request: pytest.FixtureRequest, house: Installation) -> Installation:
    """The installation, with the people of this module."""
    return moved_in(house, request.module.PEOPLE)


@pytest.fixture
def watched(service: Installation, chromium: Browser) -> Iterator[Watched]:
    """The first of the people, at the inbox."""
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(chromium, base, as_whom=service.people[0]) as seen:
        seen.go("/mail/inbox/")
        yield seen


def moved_in(house: Installation, people: tuple[str, ...]) -> Installation:
    """The installation, with these people in it, who know of nobody else there."""
    house.add_people(*people, organization=people[0].partition("@")[2])
    return replace(house, people=people)
