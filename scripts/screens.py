"""Takes the pictures of docs/screens and docs/screenshots from a running demo: `make screenshots`.

docs/screens has those that the README shows; docs/screenshots has every page at a desk and on a
phone, light and dark, as small JPEG files. Needs Debian's chromium and requirements-dev.txt;
fonts-noto-cjk and fonts-noto-color-emoji, so that no name is a row of boxes. The mail is the demo's
(docs/demo.md); the pages are the product's.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from scripts import traffic
from tests.browser.conftest import FLAGS
from tests.support.installation import ROOT, Installation, installation
from tests.support.zone_server import ZoneServer

SCREENS: Final = ROOT / "docs" / "screens"
ALL: Final = ROOT / "docs" / "screenshots"
SHOWN: Final = "Slow Garden"  # whose letter is opened
OPERATOR: Final = "olga.lind@fernhill.example"
READER: Final = "maya@fernhill.example"
SIZES: Final = {"desk": (1440, 900), "phone": (390, 844)}
THEMES: Final = ("light", "dark")
QUALITY: Final = 72  # of JPEG: the pages are read, not measured
OWN: Final = {
    "inbox": "/mail/inbox/",
    "starred": "/mail/starred/",
    "search": "/mail/search/?q=garden",
    "folders": "/mail/folders/",
    "labels": "/mail/labels/",
    "removed": "/mail/removed/",
    "contacts": "/mail/contacts/",
    "settings-general": "/settings/general/",
    "settings-identities": "/settings/identities/",
    "settings-vacation": "/settings/vacation/",
    "settings-storage": "/settings/storage/",
    "settings-tokens": "/settings/tokens/",
}
CHECKED: Final = """
from apps.directory.models import Domain
from apps.dnscheck.services import checks
checks.check(Domain.objects.get(name="fernhill.example").pk)
"""
OPERATORS: Final = {
    "console-dashboard": "/admin/",
    "console-domains": "/admin/domains/",
    "console-domain": "/admin/domains/1/",
    "console-sending": "/admin/domains/1/sending/",
    "console-users": "/admin/users/",
    "console-user": "/admin/users/5/",
    "console-aliases": "/admin/aliases/",
    "console-route": "/admin/route/?address=studio@fernhill.example",
    "console-shared": "/admin/shared/",
    "console-programs": "/admin/programs/",
    "console-tokens": "/admin/tokens/",
    "console-token-add": "/admin/tokens/new/",
    "console-organizations": "/admin/organizations/",
    "console-roles": "/admin/roles/",
    "console-policies": "/admin/policies/",
    "console-import": "/admin/import/",
    "console-health": "/admin/health/",
    "console-audit": "/admin/audit/",
    "console-trace": "/admin/trace/",
    "console-queue": "/admin/queue/",
    "console-quarantine": "/admin/quarantine/",
    "settings-security": "/settings/security/",
    "settings-apps": "/settings/apps/",
    "settings-password": "/settings/password/",
    "settings-recovery": "/settings/recovery/",
    "settings-activity": "/settings/activity/",
}
# Pages that have numbers of their own: where they are linked, and by what.
LINKED: Final = {
    "console-trace-message": ("/admin/trace/?text=orders@timber-yard.example", ".traces tbody a"),
    "console-queue-message": ("/admin/queue/?text=stone-works", "[aria-label=Messages] tbody a"),
    "console-quarantine-message": ("/admin/quarantine/?text=survey", ".kept tbody a.link-strong"),
}

# The DNS that the demo's domain is in: what is above it, and its own servers.
_SOA: Final = "@ 300 SOA ns1.dns-host.example. hostmaster.dns-host.example. 1 3600 600 86400 60\n"
_ABOVE: Final = f"""\
$ORIGIN example.
$TTL 300
{_SOA}@ NS ns1.dns-host
fernhill NS ns1.dns-host
ns1.dns-host A 127.0.0.2
{traffic.RECORDS}"""
_OWN: Final = f"$ORIGIN fernhill.example.\n$TTL 300\n{_SOA}@ NS ns1.dns-host.example.\n"


@contextmanager
def names() -> Iterator[tuple[ZoneServer, ZoneServer]]:
    """A resolver, and the server of the demo's domain."""
    with ExitStack() as stack:
        resolver = stack.enter_context(ZoneServer())
        own = stack.enter_context(ZoneServer("127.0.0.2", authoritative=True))
        for zone in (f"$ORIGIN .\n{_SOA}@ 300 NS ns1.dns-host.example.\n", _ABOVE):
            resolver.load(zone)
        yield resolver, own


def publish(service: Installation, resolver: ZoneServer, own: ZoneServer) -> None:
    """Put the domain's records into the DNS as somebody in a hurry does: one is not there yet, one
    was typed wrongly; and have them looked at."""
    lines = service.manage("dns", "zone", "fernhill.example").splitlines()
    zone = _OWN + "\n".join(line for line in lines if "_dmarc" not in line)
    zone = zone.replace("v=TLSRPTv1;", "v=TLSRPTv1:") + "\nmail A 192.0.2.25\n"
    for server in (resolver, own):
        server.load(zone)
    service.manage("shell", "-v0", "-c", CHECKED)


@contextmanager
def look(browser: Browser, size: str, theme: str) -> Iterator[Page]:
    """A page of a browser that is that large and that dark, with cookies of its own."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    yield context.new_page()
    context.close()


def settled(page: Page) -> None:
    """Wait until nothing is loaded any more. An event stream stays open, so not for the network."""
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(400)


def enter(page: Page, base: str, address: str, password: str) -> None:
    """By the door, as everybody."""
    page.goto(f"{base}/login/")
    page.fill("[name=address]", address)
    page.fill("[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/mail/**")


def follow(page: Page, base: str, name: str) -> None:
    """One of LINKED."""
    path, link = LINKED[name]
    page.goto(base + path)
    page.locator(link).first.click()
    page.locator("h1").wait_for()


def keep(page: Page, name: str, size: str, theme: str) -> None:
    """One picture of docs/screenshots."""
    settled(page)
    page.screenshot(path=ALL / f"{name}-{size}-{theme}.jpg", type="jpeg", quality=QUALITY)


def open_letter(page: Page) -> None:
    """The letter of a conversation that has much to show."""
    page.locator(".conv", has_text=SHOWN).first.locator("a.conv__subj").click()
    page.locator(".mail__read h1").wait_for()


def answer_letter(page: Page) -> None:
    """An answer to it that somebody has begun to write."""
    page.keyboard.press("r")
    page.locator(".composer [contenteditable=true]").click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("Thank you. I will try it with the ferns by the steps first.")
    page.locator(".composer [data-state]", has_text="saved").wait_for()


def take_mail(browser: Browser, base: str, password: str) -> None:
    """What a person sees of their mail."""
    for size in SIZES:
        for theme in THEMES:
            with look(browser, size, theme) as page:
                enter(page, base, READER, password)
                for name, path in OWN.items():
                    page.goto(base + path)
                    keep(page, name, size, theme)
                page.goto(f"{base}/mail/inbox/")
                open_letter(page)
                keep(page, "message", size, theme)
                if size == "desk":
                    page.keyboard.press("Control+k")
                    keep(page, "palette", size, theme)
                    page.keyboard.press("Escape")
                answer_letter(page)
                keep(page, "compose", size, theme)


def take_operator(browser: Browser, base: str, password: str) -> None:
    """What an operator sees, and the door by which everybody comes in."""
    for size in SIZES:
        for theme in THEMES:
            with look(browser, size, theme) as page:
                page.goto(f"{base}/login/")
                keep(page, "login", size, theme)
                enter(page, base, OPERATOR, password)
                for name, path in OPERATORS.items():
                    page.goto(base + path)
                    keep(page, name, size, theme)
                for name in LINKED:
                    follow(page, base, name)
                    keep(page, name, size, theme)


def take_readme(browser: Browser, base: str, password: str) -> None:
    """The four of the README that are of somebody's mail."""
    for name, size, theme in (
        ("inbox", "desk", "light"),
        ("message", "desk", "light"),
        ("compose", "desk", "light"),
        ("mobile-dark", "phone", "dark"),
    ):
        with look(browser, size, theme) as page:
            enter(page, base, READER, password)
            if name != "inbox":
                open_letter(page)
            if name == "compose":
                answer_letter(page)
            settled(page)
            page.screenshot(path=SCREENS / f"{name}.png")


def take_console(browser: Browser, base: str, password: str) -> None:
    """Those of the README that an operator sees: the console, and the own security page."""
    with look(browser, "desk", "light") as page:
        enter(page, base, OPERATOR, password)
        for name, path in (
            ("dashboard", "/admin/"),
            ("console", "/admin/users/"),
            ("domain", "/admin/domains/1/"),
            ("security", "/settings/security/"),
            ("trace", "/admin/trace/"),
            ("queue", "/admin/queue/"),
            ("quarantine", "/admin/quarantine/"),
        ):
            page.goto(base + path)
            settled(page)
            page.screenshot(path=SCREENS / f"{name}.png")
        follow(page, base, "console-trace-message")
        settled(page)
        page.screenshot(path=SCREENS / "trace-message.png")


def main() -> None:
    """All pictures."""
    for folder in (SCREENS, ALL):
        folder.mkdir(exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="mailhost-screens-"))
    settings = {"DEMO": "true", "WEB_TLS": "off", "MAIL_HOSTNAME": "mail.fernhill.example"}
    with ExitStack() as stack:
        resolver, own = stack.enter_context(names())
        settings |= {"DNS_SERVERS": str(resolver), "DNS_OUT_PORT": str(own.port)}
        sink = stack.enter_context(traffic.servers())
        settings |= {"SMTP_OUT_PRIVATE": "true", "SMTP_OUT_PORT": str(sink.port)}
        service = stack.enter_context(installation(place, settings, start=False))
        playwright = stack.enter_context(sync_playwright())
        accounts = json.loads(service.manage("demo", "--json"))["accounts"]
        reader = next(one["password"] for one in accounts if one["address"] == READER)
        # A demo sends nothing. These people's mail stays among servers of this process.
        del service.environment["DEMO"]
        added = service.manage(
            "user", "add", OPERATOR, "--operator", "--name", "Olga Lind", "--json"
        )
        service.start()
        publish(service, resolver, own)
        traffic.flow(service)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        base = f"http://localhost:{service.ports['WEB']}"
        password = json.loads(added)["password"]
        take_readme(browser, base, reader)
        take_console(browser, base, password)
        take_mail(browser, base, reader)
        take_operator(browser, base, password)
        browser.close()
    sys.stdout.write(f"{SCREENS}\n{ALL}\n")


if __name__ == "__main__":
    main()
