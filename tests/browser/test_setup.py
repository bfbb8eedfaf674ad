"""The first run in a browser: from an empty installation to a message that was delivered."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.installation import PASSWORD, Installation, installation
from tests.support.watching import Watched, opened

ARRIVES = 60_000  # milliseconds: a service that has just started is still warming up


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Installation]:
    """An installation that nobody has set up."""
    with installation(tmp_path) as running:
        yield running


def link(service: Installation) -> str:
    """The path of the link that makes the first operator, as the log has it."""
    service.wait_for(lambda: "/setup/" in service.log.read_text(), 30, "no link")
    found = re.search(r"/setup/[^/\s]+/", service.log.read_text())
    assert found is not None
    return found[0]


def make_account(seen: Watched, service: Installation, address: str, *, hosts: bool) -> None:
    seen.go(link(service))
    seen.look()
    seen.page.fill("[name=name]", "Olga")
    seen.page.fill("[name=address]", address)
    seen.page.fill("[name=password]", PASSWORD)
    seen.page.set_checked("[name=host_domain]", hosts)
    seen.page.click("text=Create the account")


def base_of(service: Installation) -> str:
    return f"https://localhost:{service.ports['WEB']}"


def test_from_nothing_to_a_delivered_message(fresh: Installation, chromium: Browser) -> None:
    with opened(chromium, base_of(fresh)) as seen:
        page = seen.page
        make_account(seen, fresh, "olga@example.test", hosts=True)

        # Its domain is hosted by now: the records are next.
        page.wait_for_url("**/admin/setup/dns/")
        expect(page.locator("h1")).to_have_text("Point example.test at this server")
        expect(page.locator("#dns-mx")).to_contain_text("mail.example.test.")
        expect(page.locator("button:text-is('Continue')")).to_be_disabled()
        seen.look()
        page.click("text=Do this later")

        page.wait_for_url("**/admin/setup/message/")
        seen.look()
        page.click("text=Send it")
        # Nobody loads the page anew.
        expect(page.locator("text=It is there")).to_be_visible(timeout=ARRIVES)
        seen.look()
        page.click("text=Open it")

        page.wait_for_url("**/mail/inbox/**")
        expect(
            page.locator("p", has_text="If you can read this, your mail server works")
        ).to_be_visible()
        seen.go("/admin/setup/")
        page.wait_for_url("**/admin/setup/done/")
        expect(page.locator("h1")).to_have_text("Almost there")  # its records are not in any DNS
        seen.look()
        assert fresh.inbox("olga@example.test")


@pytest.mark.long
def test_without_script_and_with_an_account_elsewhere(
    fresh: Installation, chromium: Browser
) -> None:
    with opened(chromium, base_of(fresh), java_script_enabled=False) as seen:
        page = seen.page
        seen.go(link(fresh))
        page.fill("[name=address]", "olga@elsewhere.test")
        page.fill("[name=password]", PASSWORD)
        page.set_checked("[name=host_domain]", checked=False)
        page.click("text=Create the account")

        page.wait_for_url("**/admin/setup/domain/")
        page.fill("[name=name]", "example.test")
        page.click("text=Host this domain")
        page.wait_for_url("**/admin/setup/dns/")
        page.click("text=Check now")
        page.click("text=Do this later")
        expect(page.get_by_text("Nobody has a mailbox here yet")).to_be_visible()

        fresh.manage("user", "add", "ann@example.test")
        page.reload()
        page.click("text=Send it")
        fresh.wait_for(lambda: fresh.queue() == [], 60, "it is not delivered", pause=0.7)
        seen.go("/admin/setup/message/")  # as "Look again" does, while it is not there
        expect(page.get_by_text("It is there")).to_be_visible()
        page.click("text=Finish")
        expect(page.locator("h1")).to_have_text("Almost there")


@pytest.mark.long
def test_a_domain_is_hosted_in_the_first_run(fresh: Installation, chromium: Browser) -> None:
    with opened(chromium, base_of(fresh)) as seen:
        make_account(seen, fresh, "olga@elsewhere.test", hosts=False)
        seen.page.wait_for_url("**/admin/setup/domain/")
        seen.look()
        seen.page.fill("[name=name]", "no domain")
        seen.page.click("text=Host this domain")
        expect(seen.page.locator("[name=name]")).to_have_attribute("aria-invalid", "true")
        seen.complaints.clear()  # the browser's word for 422
        seen.look()
        seen.page.fill("[name=name]", "example.test")
        seen.page.click("text=Host this domain")
        seen.page.wait_for_url("**/admin/setup/dns/")
        seen.go("/admin/setup/domain/")
        seen.look()
