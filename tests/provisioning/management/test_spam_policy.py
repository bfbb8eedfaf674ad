"""`manage.py spam list|threshold`, as an administrator types them."""

import pytest

from apps.directory.models import Domain, User
from apps.provisioning import services as provisioning
from apps.scan import queries
from apps.scan.models import ListEntry, Threshold
from apps.scan.scopes import SERVER, Scope
from apps.scan.services import lists
from apps.scan.standings import Limits
from tests.provisioning.management.running import run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keep_connection")]


def test_it_allows_and_blocks_for_server_domain_and_user(domain: Domain, alice: User) -> None:
    assert run("spam", "list", "allow", "Friend@Friend.test", "192.0.2.0/24").out.splitlines() == [
        "friend@friend.test is allowed now.",
        "192.0.2.0/24 is allowed now.",
    ]
    run("spam", "list", "block", "friend.test", "--domain", "example.test", "--note", "a nuisance")
    run("spam", "list", "block", "friend.test", "--user", "alice@example.test")
    assert [row.value for row in queries.entries(SERVER)] == ["192.0.2.0/24", "friend@friend.test"]
    (row,) = queries.entries(Scope(domain_id=domain.pk))
    assert (row.verb, row.value, row.note) == ("block", "friend.test", "a nuisance")
    lists.block_sender(alice.pk, "x@thief.test", note="\x1b[2JWin\u202e")
    shown = run("spam", "list", "show", "--user", "alice@example.test").out.splitlines()
    assert shown[0].startswith("block\tfriend.test\t")
    assert shown[1].endswith("\t?[2JWin?")


@pytest.mark.parametrize(
    "words",
    [
        ("spam", "threshold", "--junk", "3", "--domain", "also.test"),
        ("spam", "list", "block", "thief.test", "--domain", "also.test"),
        ("attachments", "set", "also.test", "ending", "exe", "allow"),
    ],
)
def test_it_sets_nothing_where_it_would_not_count(domain: Domain, words: tuple[str, ...]) -> None:
    provisioning.add_domain("also.test", alias_of="example.test")
    told = run(*words)
    assert told.code == 1
    assert "also.test stands for example.test: set it there" in told.err


def test_it_says_that_the_last_word_counts() -> None:
    run("spam", "list", "allow", "friend.test")
    told = run("spam", "list", "block", "friend.test")
    assert told.out == "friend.test is blocked now. It was allowed before.\n"
    assert run("spam", "list", "block", "friend.test").out == "friend.test is blocked now.\n"
    assert run("spam", "list", "remove", "friend.test").out == (
        "friend.test is no longer in that list.\n"
    )
    assert not ListEntry.objects.exists()


def test_it_writes_json() -> None:
    told = run("spam", "list", "allow", "a.test", "b.test", "--json")
    assert told.json == [
        {"value": "a.test", "verb": "allow"},
        {"value": "b.test", "verb": "allow"},
    ]
    assert [row["value"] for row in run("spam", "list", "show", "--json").json] == [
        "a.test",
        "b.test",
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["list", "allow"], "Name a sender"),
        (["list", "allow", "no name"], "neither an address"),
        (["list", "block", "10.0.0.0/7"], "too wide"),
        (["list", "remove", "friend.test"], "is not in that list"),
        (["list", "show", "--domain", "nowhere.test"], "is not hosted here"),
        (["threshold", "--user", "nobody@example.test"], "There is no user"),
        (["threshold", "--junk", "0"], "above 0"),
    ],
)
def test_it_refuses_in_a_sentence(words: list[str], sentence: str) -> None:
    told = run("spam", *words)
    assert told.code == 1
    assert sentence in told.err


def test_a_full_list_is_said_to_be_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST_OF_SERVER", 1)
    told = run("spam", "list", "block", "a.test", "b.test")
    assert told.code == 1
    assert "a.test is blocked now." in told.out
    assert "The list is full" in told.err


def test_it_sets_thresholds(domain: Domain, alice: User) -> None:
    run("spam", "threshold", "--junk", "4.5", "--refuse", "never", "--hold", "8")
    assert queries.limits(SERVER) == Limits(4.5, 1e9, 8, None)
    told = run("spam", "threshold", "--domain", "example.test", "--filter", "off")
    assert told.out == (
        "Set here: junk -, refuse -, hold -, filter off.\n"
        "What counts: junk 4.5, refuse never, hold 8, filter off.\n"
    )
    mine = ("--user", "alice@example.test")
    run("spam", "threshold", *mine, "--filter", "on", "--junk", "3")
    run("spam", "threshold", *mine, "--junk", "unset")
    assert queries.limits(Scope(user_id=alice.pk)) == Limits(is_off=False)
    told = run("spam", "threshold")
    assert told.out.startswith("Set here: junk 4.5, refuse never, hold 8, filter -.\n")
    run("spam", "threshold", *mine, "--filter", "unset")
    assert Threshold.objects.filter(user=alice).count() == 0


def test_it_shows_what_counts_in_the_end(domain: Domain, alice: User) -> None:
    run("spam", "threshold", "--junk", "4")
    run("spam", "threshold", "--domain", "example.test", "--refuse", "12")
    told = run("spam", "threshold", "--user", "alice@example.test", "--junk", "3", "--json")
    assert told.json == {
        "junk": 3,
        "refuse": None,
        "hold": None,
        "filter": None,
        "counts": {"junk": 3, "refuse": 12, "hold": 10, "filter": "on"},
    }


@pytest.mark.parametrize(
    "words", [["--junk", "x"], ["--filter", "maybe"], ["--user", "a", "--domain", "b"]]
)
def test_wrong_usage_is_told_apart(words: list[str]) -> None:
    assert run("spam", "threshold", *words).code == 2


def test_it_sets_what_a_rule_counts() -> None:
    assert run("spam", "points", "GTUBE").out.startswith("GTUBE counts 100 (usually 100): ")
    assert run("spam", "points", "GTUBE", "5").out.startswith("GTUBE counts 5 (usually 100): ")
    rows = run("spam", "points").out.splitlines()
    assert rows[0].startswith("GTUBE\t5.0\t100\t")
    assert len(rows) > 100
    assert run("spam", "points", "GTUBE", "usual", "--json").json["points"] == 100


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["NO_SUCH_RULE"], 1, "There is no rule 'NO_SUCH_RULE'"),
        (["GTUBE", "1000"], 1, "from -20 to 100"),
        (["GTUBE", "usual"], 1, "Nothing is set for GTUBE"),
        (["GTUBE", "many"], 2, ""),
    ],
)
def test_it_sets_no_points_that_make_no_sense(words: list[str], code: int, sentence: str) -> None:
    told = run("spam", "points", *words)
    assert told.code == code
    assert sentence in told.err
