"""`manage.py spam train|forget|stats|eval`, as an administrator types them."""

import json
from pathlib import Path

import pytest

from apps.directory.models import Organization, User
from apps.scan import trial
from apps.scan.checks import CHECKS
from apps.scan.services import lessons
from bench import corpora
from bench.spam import Bogofilter
from tests.provisioning.management.running import run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keep_connection")]

ALICE = "alice@example.test"
MESSAGES, FEW = 160, 40


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made-up messages of each kind, in files; a few of each apart."""
    folder = tmp_path_factory.mktemp("mail")
    for kind, make, count in (
        ("ham", corpora.ham, MESSAGES),
        ("spam", corpora.spam, MESSAGES),
        ("few-ham", corpora.ham, FEW),
        ("few", corpora.spam, FEW),
    ):
        (folder / kind).mkdir()
        for number in range(count):
            (folder / kind / f"{number:03d}").write_bytes(make(number))
    return folder


def test_it_trains_a_user_and_tells_what_was_taught(alice: User, mail: Path) -> None:
    words = ["--spam", str(mail / "few"), "--ham", str(mail / "ham" / "000"), "--user", ALICE]
    told = run("spam", "train", *words)
    assert told.out == (
        "alice@example.test was taught 40 of 40 messages of spam and 1 of 1 of ham;"
        " the others were known already.\n"
    )
    assert json.loads(run("spam", "train", *words, "--json").out) == {
        "spam": 0,
        "spam_given": 40,
        "ham": 0,
        "ham_given": 1,
    }
    rows = [line.split("\t") for line in run("spam", "stats").out.splitlines()]
    assert [row[:3] + row[4:] for row in rows] == [
        [Organization.objects.get().name, "40", "1", "no"],
        [ALICE, "40", "1", "no"],
    ]
    assert int(rows[0][3]) == int(rows[1][3]) > 1_000


def test_it_trains_an_organisation_and_forgets_it(alice: User, mail: Path) -> None:
    name = Organization.objects.get().name
    run("spam", "train", "--spam", str(mail / "few"), "--organization", name)
    (row,) = json.loads(run("spam", "stats", "--organization", name, "--json").out)
    assert (row["owner"], row["spam"], row["ham"], row["speaks"]) == (name, 40, 0, "no")
    told = run("spam", "forget", "--organization", name)
    assert told.out == f"40 lessons of {name} are forgotten.\n"
    assert lessons.tally(-Organization.objects.get().pk) == (0, 0)
    assert run("spam", "stats").out == "Nothing was taught.\n"


def test_it_refuses_what_is_not_there(alice: User, mail: Path) -> None:
    lost = run("spam", "train", "--user", ALICE, "--spam", "/no/such/file")
    assert (lost.code, lost.err) == (1, "Error: /no/such/file: No such file or directory.\n")
    nobody = run("spam", "forget", "--user", "nobody@example.test")
    assert nobody.code == 1
    none = run("spam", "stats", "--organization", "None")
    assert none.err == "Error: There is no organisation 'None'.\n"


def test_it_catches_more_than_bogofilter_and_keeps_nothing(alice: User, mail: Path) -> None:
    """On the same halves of mail that is made up, so this shows no more than that both work."""
    ham, spam = mail / "ham", mail / "spam"
    ours = json.loads(run("spam", "eval", "--spam", str(spam), "--ham", str(ham), "--json").out)
    assert ours["spam"]["messages"] == ours["ham"]["messages"] == MESSAGES
    assert ours["spam"]["hits"]["BAYES_SPAM"] > 0.8 * MESSAGES
    assert len(ours["spam"]["wrong"]) == MESSAGES - ours["spam"]["junk"]
    assert 0 < ours["cpu_ms"] < 100
    assert run("spam", "stats").out == "Nothing was taught.\n"
    peer = Bogofilter(mail, [ham], [spam], 2).row()
    assert peer.spam == peer.ham == MESSAGES
    assert ours["spam"]["junk"] > peer.caught > 0
    assert ours["ham"]["junk"] <= peer.misfiled + 1


def test_it_tells_how_it_went_in_lines(alice: User, mail: Path) -> None:
    words = ["--spam", str(mail / "few"), "--ham", str(mail / "few-ham"), "--folds", "3"]
    lines = run("spam", "eval", *words, "--rules", "--wrong").out.splitlines()
    assert lines[0].startswith(f"spam: {FEW} messages, ")
    assert lines[1].startswith(f"ham:  {FEW} messages, ")
    assert " ms of processor time per message " in lines[2]
    assert lines[3] == "rule\tspam\tham"
    assert any(line.startswith("BAYES_SPAM\t") for line in lines)


def test_it_asks_nobody_else_about_mail_that_it_tries() -> None:
    names = {check.name for check in CHECKS}
    assert names > trial.ASKS_OTHERS
    assert not any(name in trial.ASKS_OTHERS for name in ("rules", "links", "bayes"))


def test_it_needs_enough_of_both_kinds(alice: User, mail: Path) -> None:
    one = str(mail / "ham" / "000")
    told = run("spam", "eval", "--spam", str(mail / "few"), "--ham", one)
    assert told.err == "Error: At least 40 messages of each kind are needed.\n"
