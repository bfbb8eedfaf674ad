"""To whom a letter came and to whom not.

The world outside is a name server and a server for far.test, which refuses whom a test wants.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Page, expect

from tests.browser.writing import composer, new, send_now, show, write
from tests.support.dns_server import DnsServer
from tests.support.installation import Installation, installation
from tests.support.outgoing import Outside
from tests.support.services import free_port
from tests.support.smtp_sink import SmtpSink
from tests.support.watching import Watched

ALICE, BOB = "alice@example.test", "bob@example.test"
FAR = "far.test"


@pytest.fixture(scope="module")
def world() -> Iterator[Outside]:
    with ExitStack() as stack:
        yield Outside(stack.enter_context(DnsServer()), free_port(), stack)


@pytest.fixture(scope="module")
def far(world: Outside) -> SmtpSink:
    return world.domain(FAR)


@pytest.fixture(scope="module")
def service(
    world: Outside, far: SmtpSink, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    outside = {
        "DNS_SERVERS": str(world.dns.endpoint),
        "SMTP_OUT_PORT": str(world.port),
        "SMTP_OUT_PRIVATE": "true",
        "SMTP_OUT_IPV6": "false",
    }
    with installation(tmp_path_factory.mktemp("sending"), outside) as running:
        running.add_people(ALICE, BOB)
        yield running


@pytest.mark.long
def test_each_recipient_has_a_word_and_who_failed_is_written_to_again(
    service: Installation, watched: Watched, far: SmtpSink
) -> None:
    far.on(f"RCPT gone@{FAR}", "550 5.1.1 no such user here")
    far.on(f"RCPT slow@{FAR}", "451 4.3.0 come back later")
    page = watched.page
    new(page)
    write(page, "To many", "Hello all", f"{BOB},gone@{FAR},slow@{FAR},well@{FAR}")
    send_now(page)
    service.wait_for(
        lambda: b"no such user here" in b"".join(service.inbox(ALICE)), 40, "no bounce", pause=0.5
    )
    # In the list: the worst, by icon and word.
    watched.go("/mail/sent/")
    row = page.locator("article.conv", has_text="To many")
    expect(row).to_contain_text("Failed: 1 of 4")
    watched.look()
    show(watched, "sent", "To many")
    box = page.locator("details[id^=sent-]")
    expect(box.locator("summary")).to_contain_text("Delivered to 2 of 4 recipients")
    box.locator("summary").click()
    for who, word in ((BOB, "Delivered"), ("well@", "Delivered"), ("gone@", "Failed")):
        line = box.locator("li", has_text=who)
        expect(line.locator(".badge")).to_have_text(word)
        expect(line.locator(".badge svg")).to_be_visible()
    expect(box.locator("li", has_text="gone@")).to_contain_text("no such user here")
    expect(box.locator("li", has_text="slow@").locator(".badge")).to_have_text("Delayed")
    watched.look()
    tried_again(service, page, far)
    # The report says it too, and leads to the letter and on.
    page.locator(".mail__side a[href='/mail/inbox/']").first.click()
    page.locator("a.conv__subj", has_text=re.compile("[Uu]ndeliver|not delivered")).first.click()
    again = page.locator(".mail__read").get_by_role("link", name="Edit and send again")
    expect(again).to_be_visible()
    watched.look()
    again.click()
    to = composer(page).locator("[data-people=to]")
    expect(to).to_contain_text("gone@")
    expect(to).not_to_contain_text("slow@")
    expect(to).not_to_contain_text("bob@")
    expect(composer(page).locator("[name=subject]")).to_have_value("To many")
    to.get_by_role("button", name=re.compile("Remove")).first.click()
    to.locator("input").fill(f"here@{FAR},")
    composer(page).locator("[data-compose=send]").click()
    expect(page.locator(".composer")).to_have_count(0)
    service.wait_for(lambda: [f"here@{FAR}"] in [each.recipients for each in far.messages], 30, "")
    assert sum(f"well@{FAR}" in each.recipients for each in far.messages) == 1
    watched.check()


def tried_again(service: Installation, page: Page, far: SmtpSink) -> None:
    far.forget(f"RCPT slow@{FAR}")
    page.get_by_role("button", name="Try again now").click()
    expect(page.locator(".toast", has_text="It is tried again now.")).to_be_visible()
    service.wait_for(
        lambda: any(f"slow@{FAR}" in each.recipients for each in far.messages), 30, "not tried"
    )
    # Who looks at it sees it change.
    box = page.locator("details[id^=sent-]")
    expect(box.locator("li", has_text="slow@").locator(".badge")).not_to_have_text(
        "Delayed", timeout=15_000
    )
