"""An administrator brings users from a CSV file, with lines that are wrong, by a whole service,
where passwords cost what they cost."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.support.installation import PASSWORD, Installation
from tests.support.watching import Watched, opened

PEOPLE = ("alice@neva.test", "bob@neva.test")
ALICE = PEOPLE[0]
BAD = 20


@pytest.fixture
def seen(service: Installation, chromium: Browser) -> Iterator[Watched]:
    grant = ("role", "grant", ALICE, "domain_admin", "--domain", "neva.test")
    service.manage(*grant)
    base = f"https://localhost:{service.ports['WEB']}"
    with opened(chromium, base, as_whom=ALICE) as watched:
        yield watched


def prove(seen: Watched, path: str) -> None:
    """Go to a page that asks for the password first."""
    seen.go(path)
    if "/login/confirm/" in seen.page.url:
        seen.page.fill("[name=password]", PASSWORD)
        seen.page.press("[name=password]", "Enter")
        seen.page.wait_for_url(f"**{path}")


def lines(good: int) -> str:
    every = good // BAD
    found = ["Address;Name;Space"]
    for number in range(good):
        found.append(f"person{number}@neva.test;Person {number} Ünïcode;1 GB")
        if number % every == 0:
            found.append(f"<b>x</b>{number // every}@nowhere.test;=1+1;{{{{7*7}}}}")
    return "\r\n".join(found) + "\r\n"


@pytest.mark.parametrize(
    "good", [40, pytest.param(980, marks=[pytest.mark.long, pytest.mark.timeout(900)])]
)
def test_a_file_with_twenty_bad_lines(seen: Watched, tmp_path: Path, good: int) -> None:
    page = seen.page
    page.set_default_timeout(60_000)
    prove(seen, "/admin/import/")
    seen.look()
    _shoot(seen, "import")
    file = tmp_path / "people.csv"
    file.write_text(lines(good), encoding="cp1252")
    page.set_input_files("#id_file", file)
    page.click("text=Look at the file")

    expect(page.locator("h1")).to_have_text("people.csv")
    expect(page.locator(".stat__v").nth(0)).to_have_text(f"{good}")
    expect(page.locator(".stat__v").nth(1)).to_have_text(f"{BAD}")
    expect(page.locator(".callout")).to_contain_text("Windows-1252")
    expect(page.locator("#bad-h + a")).to_be_visible()
    seen.look()
    _shoot(seen, "preview")
    with page.expect_download() as taken:
        page.click("text=As a file to mend")
    mend = taken.value.path().read_text(encoding="utf-8-sig")
    assert mend.count("nowhere.test") == BAD
    assert '"\'=1+1"' in mend

    page.click(f"text=Add the {good} good ones")
    expect(page.locator("#state-h")).to_be_visible()
    expect(page.locator("[role=status]", has_text=f"{good} of {good} users")).to_be_visible(
        timeout=800_000 if good > 100 else 90_000
    )
    seen.look()
    _shoot(seen, "done")
    with page.expect_download() as taken:
        page.click("text=Users with their temporary passwords")
    assert len(taken.value.path().read_text(encoding="utf-8-sig").splitlines()) == good + 1

    page.fill("#typed", str(good))
    page.click("text=Take back")
    expect(page.locator("[role=status]", has_text="removed again")).to_be_visible(timeout=90_000)
    seen.check()


def test_what_is_no_csv_gets_a_sentence(seen: Watched, tmp_path: Path) -> None:
    page = seen.page
    prove(seen, "/admin/import/")
    file = tmp_path / "people.csv"
    file.write_bytes(b"PK\x03\x04" + bytes(100))
    page.set_input_files("#id_file", file)
    page.click("text=Look at the file")
    expect(page.locator("#file-error")).to_contain_text("This is not a CSV file")
    assert "422" in seen.complaints.pop()  # the browser notes the refusal
    seen.look()
    file.write_bytes(b"x" * (6 << 20))
    page.set_input_files("#id_file", file)
    page.click("text=Look at the file")
    expect(page.locator("#id_file:invalid")).to_be_visible()  # it was not sent
    seen.check()


def _shoot(seen: Watched, name: str) -> None:
    folder = os.environ.get("IMPORT_SHOTS")
    if folder:
        for theme, width in (("light", 1440), ("dark", 390)):
            seen.page.set_viewport_size({"width": width, "height": 900})
            seen.page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
            seen.page.screenshot(path=f"{folder}/{name}-{theme}.png", full_page=True)
        seen.page.set_viewport_size({"width": 1440, "height": 900})
