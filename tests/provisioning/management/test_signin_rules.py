"""What administrators say about sign-in: factors, lengths, locks, and what they see of it."""

import pytest

from apps.directory.models import Domain, Means, Outcome, User
from apps.directory.services import history
from tests.provisioning.management.running import Done, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keep_connection")]


def test_a_domain_demands_second_factors(alice: User, domain: Domain) -> None:
    words = ("--second-factor", "everybody", "--second-factor-from", "2030-01-31")
    changed = run("domain", "set", "example.test", *words, "--password-length", "12", "--json").json
    assert changed["second_factor"] == "everybody"
    assert changed["second_factor_from"] == "2030-01-31T00:00:00Z"
    assert changed["password_length"] == 12

    # What is not named stays as it is; a demand without a day counts at once.
    assert run("domain", "set", "example.test", "--separator", "-").code == 0
    domain.refresh_from_db()
    assert (domain.factor_demand, domain.password_length) == ("everybody", 12)
    run("domain", "set", "example.test", "--second-factor", "administrators")
    domain.refresh_from_db()
    assert (domain.factor_demand, domain.factor_due_at) == ("administrators", None)


@pytest.mark.parametrize(
    ("words", "code", "word"),
    [
        (("--second-factor", "some"), 2, "invalid choice"),
        (("--second-factor", "everybody", "--second-factor-from", "soon"), 2, "2030-01-31"),
        (("--second-factor-from", "2030-01-31"), 1, "needs --second-factor"),
        (("--password-length", "7"), 1, "8 to 64 characters"),
        (("--password-length", "x"), 2, "invalid int"),
    ],
)
def test_a_wrong_demand_is_refused(
    domain: Domain, words: tuple[str, ...], code: int, word: str
) -> None:
    done = run("domain", "set", "example.test", *words)
    assert done.code == code
    assert word in done.err or code == 2


def test_users_and_domains_are_locked(alice: User) -> None:
    assert run("user", "suspend", "alice@example.test", "--receive") == Done(
        0, "alice@example.test is locked; it receives mail.\n", ""
    )
    assert run("user", "list", "--json").json[0]["state"] == "locked"
    assert "\tlocked\t" in run("user", "list").out
    assert run("user", "resume", "alice@example.test").code == 0
    done = run("domain", "suspend", "example.test", "--receive")
    assert done.out == "example.test is locked; it receives mail.\n"
    assert run("domain", "list", "--json").json[0]["state"] == "locked"


def test_a_given_password_is_to_be_changed(alice: User) -> None:
    assert run("user", "passwd", "alice@example.test", "--must-change").code == 0
    alice.refresh_from_db()
    assert alice.must_change_password
    assert run("user", "passwd", "alice@example.test").code == 0
    alice.refresh_from_db()
    assert not alice.must_change_password


def test_sign_ins_are_shown(alice: User) -> None:
    assert run("user", "signins", "alice@example.test", "--json").json == []
    for address in ("192.0.2.1", "198.51.100.7"):
        history.note(
            user_id=alice.pk,
            outcome=Outcome.REFUSED,
            door="pop3",
            means=Means.APP_PASSWORD,
            via="Phone\u202e",
            address=address,
        )
    newest = run("user", "signins", "Alice@example.test", "--json", "--limit", "1").json
    assert [(one["address"], one["times"]) for one in newest] == [("198.51.100.7", 1)]
    lines = run("user", "signins", "alice@example.test").out.splitlines()
    assert len(lines) == 2
    assert "\trefused\tpop3\tapp_password\tPhone" in lines[0]
    assert run("user", "signins", "nobody@example.test").code == 1
