"""The console against a whole service: a domain administrator's day, a helpdesk that reads nobody's
mail, a keyboard alone, and pages without script."""

import csv
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.administering import (
    ADMIN,
    HELPDESK,
    LEAVER,
    MEMBER,
    READER,
    SUBJECT,
    TEXT,
    at_work,
    base_of,
    choose_password,
    focused,
    has_ring,
    look_long,
    open_user,
    path_of,
    path_of_user,
    people,
    post,
    said,
    sign_in,
    tab_to,
    take_back,
    walk,
)
from tests.support.installation import Installation
from tests.support.watching import Watched, opened

SLOW = 60_000  # milliseconds: what a worker does


@pytest.fixture(scope="module")
def service(house: Installation) -> Installation:
    """None of the stories lives on what another leaves behind."""
    return people(house)


@pytest.fixture
def alice(service: Installation, chromium: Browser) -> Iterator[Watched]:
    allowed = ["clipboard-read", "clipboard-write"]
    with at_work(service, chromium, permissions=allowed) as seen:
        yield seen


@pytest.fixture
def helen(service: Installation, chromium: Browser) -> Iterator[Watched]:
    with at_work(service, chromium, HELPDESK) as seen:
        yield seen


def test_a_new_colleague(service: Installation, chromium: Browser, alice: Watched) -> None:
    page = alice.page
    expect(page.locator("h1")).to_have_text("Dashboard")
    alice.look()
    page.click("text=Add user")
    expect(page.locator("h1")).to_have_text("Add user")
    alice.look()
    page.fill("[name=name]", "Anna Adler")
    page.fill("[name=address]", "anna")
    page.press("[name=address]", "Enter")
    expect(page.locator("h1")).to_have_text("User added")
    temporary = page.locator("code").inner_text().strip()
    alice.look()
    page.click("text=Done")
    expect(page.locator("h1")).to_have_text("Anna Adler")
    assert temporary not in page.content()

    with opened(chromium, base_of(service)) as hers:
        sign_in(hers, "anna@weser.test", temporary)
        hers.go("/mail/inbox/")  # nothing else opens before
        choose_password(hers, temporary)
        hers.go("/admin/users/")
        expect(hers.page.locator("h1")).not_to_have_text("Users")

    page.get_by_role("navigation", name="User", exact=True).get_by_text("Addresses").click()
    page.fill("[name=address]", "a.adler@weser.test")
    page.click("text=Add alias")
    expect(page.locator("main li", has_text="a.adler@weser.test")).to_be_visible()
    alice.look()
    page.click("nav >> text=Aliases and groups")
    page.click("text=New group")
    page.fill("[name=address]", "team@weser.test")
    page.fill("[name=targets]", f"anna@weser.test\n{MEMBER}")
    look_long(alice)
    page.click("text=Make group")
    expect(page.locator("h1")).to_have_text("team@weser.test")
    alice.look()
    page.click("text=Where would it go")
    expect(page.locator(".way__stop h2")).to_contain_text(["team@weser.test"])
    expect(page.locator(".verdict")).to_contain_text("Mailbox of anna@weser.test")
    alice.look()
    page.click("nav >> text=Aliases and groups")
    expect(page.locator("table")).to_contain_text("a.adler@weser.test")
    alice.look()


def test_finding_and_many_at_once(service: Installation, alice: Watched) -> None:
    page = alice.page
    page.keyboard.press("Control+k")
    page.keyboard.type("bo")
    expect(page.get_by_role("option", name=MEMBER)).to_have_attribute("aria-selected", "true")
    alice.look()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text(MEMBER)
    look_long(alice)

    page.get_by_role("button", name="Suspend").click()
    said(alice, "bob@weser.test is suspended")
    expect(page.locator("header .badge", has_text="Suspended")).to_be_visible()
    alice.look()
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("header .badge", has_text="Active")).to_be_visible()

    page.click("nav >> text=Users")
    expect(page.locator(".bulkbar")).to_be_hidden()
    for name in ("bob", "dave", "erin"):
        page.get_by_label(f"Select {name}@weser.test").focus()
        page.keyboard.press("Space")
    expect(page.locator(".bulkbar")).to_contain_text("3 selected")
    alice.look()
    page.click("text=Set quota")
    expect(page.locator("h1")).to_have_text("Set the quota")
    look_long(alice)
    page.fill("[name=space]", "2.5")
    page.click("text=Set it")
    expect(page.locator("td", has_text="of 2.5")).to_have_count(3)
    take_back(alice, "3 users are given this quota")
    expect(page.locator("td", has_text="of 2.5")).to_have_count(0)
    look_long(alice)
    with page.expect_download() as taken:
        page.click("main >> text=Export")
    rows = list(csv.reader(taken.value.path().read_text(encoding="utf-8-sig").splitlines()))
    assert {ADMIN, MEMBER, READER} < {row[0] for row in rows}
    alice.check()


def test_a_domain_and_its_policies(service: Installation, alice: Watched) -> None:
    page = alice.page
    page.click("nav >> text=Domains")
    expect(page.locator("h1")).to_have_text("Domains")
    alice.look()
    page.click("table >> text=weser.test")
    expect(page.locator("#dns-mx")).to_contain_text("mail.example.test")
    page.locator("#dns-mx").get_by_label("Copy the value of").click()
    expect(page.get_by_label("Copied")).to_be_visible()
    assert "mail.example.test" in page.evaluate("navigator.clipboard.readText()")

    page.click("#check-now")
    said(alice, "The records are being looked at")
    # The part comes anew by itself, until it says why nothing was found out.
    expect(page.locator("#check-now")).to_be_visible(timeout=SLOW)
    expect(page.locator("#records .callout--warn")).to_contain_text("so nothing could be asked")
    alice.look()
    page.click("text=Sending and DKIM")
    expect(page.locator(".selector").first).to_be_visible()
    alice.look()

    page.click("main nav >> text=Policies")
    look_long(alice)
    page.click("aside >> text=Policies")
    expect(page.locator("[name=domain]")).to_be_visible()
    alice.look()
    page.fill("[name=domain]", "weser.test")
    page.click("text=Go to domain")
    page.fill("[name=junk]", "7.5")
    expect(page.locator("[data-words]")).to_contain_text("1 change")
    alice.look()
    page.get_by_role("button", name="Review and save").last.click()
    expect(page.locator("h1")).to_have_text("Review what will change")
    expect(page.locator("ins")).to_contain_text("7.5")
    alice.look()
    page.click("main >> button >> text=Save")
    expect(page.locator("[name=junk]")).to_have_value("7.5")
    alice.check()


@pytest.mark.long  # its pages are walked in tests/console, and looked at like those above
def test_a_shared_mailbox_and_a_farewell(service: Installation, alice: Watched) -> None:
    page = alice.page
    page.click("nav >> text=Shared mailboxes")
    expect(page.locator("h1")).to_have_text("Shared mailboxes")
    alice.look()
    page.click("text=Add shared mailbox")
    expect(page.locator("h1")).to_have_text("Add shared mailbox")
    look_long(alice)
    page.fill("[name=address]", "office@weser.test")
    page.fill("[name=name]", "Office")
    page.press("[name=name]", "Enter")
    expect(page.locator("h1")).to_have_text("Office")
    page.fill("[name=member]", MEMBER)
    page.click("button >> text=Add member")
    said(alice, f"{MEMBER} is a member")
    alice.look()
    with service.imap(MEMBER) as his:
        assert any("office" in name for _, _, name in his.list_folders())

    page.click("nav >> text=Users")
    open_user(alice, LEAVER)
    page.locator("summary", has_text="More").click()
    page.click("text=Remove…")
    expect(page.locator("main >> button >> text=Remove user")).to_be_visible()
    look_long(alice)
    page.fill("[name=address]", LEAVER[:-1])
    page.click("main >> button >> text=Remove user")
    expect(page.locator(".error")).to_contain_text("This is not the address")
    alice.complaints.clear()  # the browser's word for 422
    page.fill("[name=address]", LEAVER)
    page.click("main >> button >> text=Remove user")
    said(alice, f"{LEAVER} is removed")
    expect(page.locator("table")).not_to_contain_text(LEAVER)
    alice.go("/admin/users/?state=removed")
    alice.look()
    page.click("main >> button >> text=Bring back")
    said(alice, f"{LEAVER} is back")
    with service.imap(LEAVER):
        pass

    page.click("nav >> text=Audit log")
    for words in ("office@weser.test", LEAVER):
        expect(page.locator("main li", has_text=words).first).to_be_visible()
    alice.look()


def test_a_helpdesk_helps_and_reads_nothing(
    service: Installation, chromium: Browser, helen: Watched
) -> None:
    page = helen.page
    menu = page.locator("aside")
    expect(menu).to_contain_text("Users")
    for item in ("Policies", "Audit log", "Organisations", "Health"):
        expect(menu).not_to_contain_text(item)
    for path in ("policies", "audit", "organizations", "health", "setup", "roles"):
        assert page.request.get(f"{helen.base}/admin/{path}/").status == 404, path
    look_long(helen)
    open_user(helen, READER)
    expect(page.locator("main")).not_to_contain_text("Look as this user")
    expect(page.locator("main")).not_to_contain_text("Suspend")
    helen.look()
    page.click("text=Reset password")
    expect(page.locator("h1")).to_have_text("Reset password")
    helen.look()
    page.click("text=Reset it")
    temporary = page.locator("code").inner_text().strip()
    page.click("text=Done")
    assert temporary not in page.content()
    with opened(chromium, base_of(service)) as hers:
        sign_in(hers, READER, temporary)
        choose_password(hers, temporary)

    seen = walk(helen, "/admin/", "/admin/users/", "/admin/find/?q=carol", "/admin/find/?q=quokka")
    there, tabs = path_of_user(helen, READER), ("", "replies/", "sharing/", "activity/")
    assert {there + tab for tab in tabs} < set(seen.pages)
    assert not seen.refused, seen.refused  # no link leads to where she may not go
    for path, text in seen.pages.items():
        # What became of a message is found by its subject; its text is nowhere.
        is_trace = path.startswith(("/admin/trace/", "/admin/export/?kind=traces"))
        assert SUBJECT not in text or is_trace, path
        assert TEXT not in text, path


def test_a_helpdesk_takes_nothing(service: Installation, helen: Watched) -> None:
    service.manage("user", "add", "board@weser.test", "--kind", "shared")
    hers, board = (path_of_user(helen, name) for name in (READER, "board@weser.test"))
    box = board.replace("/users/", "/shared/")
    attempts = [
        (f"{hers}state/", {"to": "suspend"}),
        (f"{hers}rename/", {"address": "other@weser.test"}),
        (f"{hers}remove/", {"address": READER}),
        (f"{hers}act/", {"reason": "I would like to"}),
        (f"{hers}addresses/", {"what": "add", "address": "hers@weser.test"}),
        (f"{hers}sharing/", {"what": "grant", "delegate": HELPDESK, "how": "as"}),
        (f"{board}sharing/", {"what": "grant", "delegate": HELPDESK, "how": "as"}),
        (f"{box}member/", {"member": HELPDESK, "level": "read", "sending": "as"}),
        (f"{hers.replace('/users/', '/shared/')}member/", {"member": HELPDESK, "level": "read"}),
        (f"{hers}replies/", {"what": "forward", "address": HELPDESK}),
        (f"{hers}recover/", {"id": "1"}),
        ("/admin/aliases/add/", {"address": "c@weser.test", "targets": HELPDESK}),
        ("/admin/roles/give/", {"address": HELPDESK, "role": "operator"}),
        ("/admin/policies/", {"junk": "1"}),
        ("/admin/users/bulk/", {"act": "remove", "id": hers.split("/")[-2]}),
    ]
    for path, fields in attempts:
        assert post(helen, path, **fields).status in (403, 404, 422), path
    post(helen, "/admin/users/bulk/", act="suspend", id=hers.split("/")[-2])
    helen.go("/admin/users/")
    assert "Your role" in helen.page.locator(".toast--bad").inner_text()
    expect(helen.page.locator("td .badge", has_text="Suspended")).to_have_count(0)
    with service.imap(HELPDESK) as client:
        names = [name for _, _, name in client.list_folders()]
        assert not [name for name in names if "carol" in name or "board" in name]
    for address in ("c@weser.test", "hers@weser.test"):
        assert address not in service.manage("alias", "list")


def test_a_keyboard_alone(service: Installation, alice: Watched) -> None:
    page = alice.page
    tab_to(alice, "Users")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/users/")
    tab_to(alice, "Select dave@weser.test")
    page.keyboard.press("Space")
    tab_to(alice, "Select erin@weser.test")
    page.keyboard.press("Space")
    expect(page.locator(".bulkbar")).to_contain_text("2 selected")
    tab_to(alice, "Lock", most=200)
    page.keyboard.press("Enter")
    said(alice, "2 users are locked")
    # Undo is near, and waits for whoever is on it.
    tab_to(alice, "Undo", most=3)
    page.keyboard.press("Enter")
    expect(page.locator("td .badge", has_text="Locked")).to_have_count(0)
    alice.check()


def test_the_focus_stays_when_a_part_comes_anew(service: Installation, alice: Watched) -> None:
    page = alice.page
    page.clock.install()
    page.reload()
    for name in ("By user", "Audit log"):
        tab_to(alice, name)
        page.evaluate("document.querySelector('[data-fresh]').id = 'before'")
        page.clock.run_for(16_000)
        expect(page.locator("#before")).to_have_count(0)
        assert focused(alice) == name
        assert has_ring(alice)


def test_without_script(service: Installation, chromium: Browser) -> None:
    with at_work(service, chromium, java_script_enabled=False) as seen:
        page = seen.page
        page.click("text=Find a user, domain or page")
        page.fill("[name=q]", "erin")
        page.press("[name=q]", "Enter")
        page.click("main >> text=erin@weser.test")
        expect(page.locator("h1")).to_have_text("erin@weser.test")
        page.click("nav >> text=Users")
        page.fill("[name=text]", "erin")
        page.press("[name=text]", "Enter")
        expect(page.locator("tbody tr")).to_have_count(1)
        page.check("[name=id]")
        page.click(".bulkbar >> text=Suspend")
        expect(page.locator("td .badge")).to_contain_text("Suspended")
        take_back(seen, "1 user is suspended")
        expect(page.locator("td .badge")).to_contain_text("Active")
        page.click("nav >> text=Aliases and groups")
        page.click("text=Add alias")
        page.fill("[name=address]", "e@weser.test")
        page.fill("[name=targets]", "erin@weser.test")
        page.click("main >> button >> text=Add alias")
        expect(page.locator("h1")).to_have_text("e@weser.test")
        page.go_back()
        assert path_of(seen).startswith("/admin/aliases/")
