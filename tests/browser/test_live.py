"""Two tabs of one browser: what happens elsewhere is there at once, and moves nothing."""

import re
import time
from uuid import uuid4

from playwright.sync_api import Browser, Route, expect

from tests.support.installation import Installation
from tests.support.watching import opened

PEOPLE = ("alice@douro.test", "bob@douro.test")
LETTER = "From: Carol <carol@example.net>\r\nTo: alice@douro.test\r\nSubject: {0}\r\n\r\nHi\r\n"


def send(service: Installation) -> str:
    subject = f"News {uuid4().hex[:8]}"
    with service.smtp() as client:
        client.sendmail("carol@example.net", ["alice@douro.test"], LETTER.format(subject))
    return subject


def test_mail_is_told_to_all_tabs_within_a_second(service: Installation, chromium: Browser) -> None:
    base = f"https://localhost:{service.ports['WEB']}"
    first = send(service)
    with opened(chromium, base, as_whom="alice@douro.test") as watched:
        one = watched.page
        watched.go("/mail/inbox/")
        expect(one.locator(f"a.conv__subj:text-is('{first}')")).to_be_visible(timeout=20_000)
        expect(one.locator("#live")).to_have_text("Up to date", timeout=10_000)
        other = one.context.new_page()
        other.goto(f"{base}/mail/inbox/")
        expect(other.locator("#live")).to_have_text("Up to date", timeout=10_000)
        # Nobody's pointer rests in the first tab; in the other one it does.
        one.mouse.move(5, 5)
        other.bring_to_front()
        other.hover(f"a.conv__subj:text-is('{first}')")
        before = other.locator(f"a.conv__subj:text-is('{first}')").bounding_box()
        second = send(service)
        began = time.monotonic()
        pill = other.locator(".live-pill")
        expect(pill).to_have_text("1 new message", timeout=10_000)
        assert time.monotonic() - began < 2  # one, and what a busy machine takes
        assert other.locator(f"a.conv__subj:text-is('{first}')").bounding_box() == before
        expect(one.locator(f"a.conv__subj:text-is('{second}')")).to_be_visible(timeout=10_000)
        expect(one).to_have_title(re.compile(r"^\(\d+\) "))
        pill.click()
        fresh = other.locator(f"a.conv__subj:text-is('{second}')")
        expect(fresh).to_be_visible()
        unread = one.locator("article.conv.is-unread", has_text=second)
        expect(unread).to_have_count(1)
        fresh.click()
        expect(other.locator("h1")).to_have_text(second)
        expect(unread).to_have_count(0, timeout=10_000)
        watched.check()


def test_mail_that_comes_while_the_page_is_made_is_shown(
    service: Installation, chromium: Browser
) -> None:
    base = f"https://localhost:{service.ports['WEB']}"
    subjects: list[str] = []

    def late(route: Route) -> None:
        """The page is there, and its stream is not yet: now it comes."""
        if not subjects:
            known = len(service.inbox("alice@douro.test"))
            subjects.append(send(service))
            service.wait_for(
                lambda: len(service.inbox("alice@douro.test")) > known, 20, "it did not come"
            )
        route.continue_()

    with opened(chromium, base, as_whom="alice@douro.test") as watched:
        watched.page.route("**/mail/events/", late)
        watched.go("/mail/inbox/")
        expect(watched.page.locator("#live")).to_have_text("Up to date", timeout=20_000)
        row = watched.page.locator(f"a.conv__subj:text-is('{subjects[0]}')")
        expect(row).to_be_visible(timeout=10_000)


def test_without_a_stream_it_asks_now_and_then(service: Installation, chromium: Browser) -> None:
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(chromium, base, as_whom="alice@douro.test") as watched:
        page = watched.page

        def refuse(route: Route) -> None:
            route.fulfill(status=204)

        page.route("**/mail/events/", refuse)
        with page.expect_response("**/mail/poll/**") as asked:
            watched.go("/mail/inbox/")
        assert asked.value.json()["counts"]
        expect(page.locator("#live")).to_have_text("Up to date")
        subject = send(service)
        service.wait_for(
            lambda: any(subject.encode() in raw for raw in service.inbox("alice@douro.test")),
            20,
            "no mail",
        )
        page.mouse.move(5, 5)
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.locator(f"a.conv__subj:text-is('{subject}')")).to_be_visible(timeout=10_000)
