"""`mailhost apply`: a plan makes things as it says, once, and tells first what it will do."""

import json
from collections.abc import Callable
from io import BytesIO

import pytest

from apps.audit.models import AuditRecord
from apps.cli.failures import WrongCall
from apps.cli.plan import read
from apps.cli.planning import is_same
from apps.directory.models import Domain, Organization, SendLimit, Transport
from tests.cli.conftest import Type, lines

# Domains stand before what they need: the order of a plan is no order of doing.
PLAN = """
domains:
  - name: example.org
    organization: Example Ltd
    greylists: true
    default_quota: 5000000000
    limits: {messages_per_day: 2000}
    smarthost: {host: smtp.example.net, port: 587, tls: verify, username: me, password: sesame}
organizations:
  - name: Example Ltd
    max_users: 20
"""
Write = Callable[[str], str]


def test_a_plan_is_told_then_done_and_then_there_is_nothing_to_do(
    types: Type, written: Write, db: None
) -> None:
    file = written(PLAN)
    told = [
        "+ organizations Example Ltd",
        "    max_users: 20",
        "+ domains example.org",
        '    organization: "Example Ltd"',
        "    greylists: true",
        "    default_quota: 5000000000",
        "+ domains example.org limits",
        "    messages_per_day: 2000",
        "+ domains example.org smarthost",
        '    host: "smtp.example.net"',
        "    port: 587",
        '    tls: "verify"',
        '    username: "me"',
        "4 to add, 0 to change, 0 to remove.",
    ]
    dry = types("apply", file, "--dry-run")
    assert (dry.status, lines(dry), dry.err) == (0, told, "")
    assert not Organization.objects.exists()

    assert lines(types("apply", file)) == [*told, "Done."]
    domain = Domain.objects.get()
    assert (domain.organization.name, domain.greylists) == ("Example Ltd", True)
    assert SendLimit.objects.get(domain=domain).messages_per_day == 2000
    assert Transport.objects.get().username == "me"

    records = AuditRecord.objects.count()
    assert types("apply", file).out == "Nothing to do: all is as the plan says.\n"
    assert AuditRecord.objects.count() == records


def test_a_name_of_digits_is_no_id_of_another(types: Type, written: Write, db: None) -> None:
    other = Organization.objects.create(name="Bystander")
    plan = f"""
organizations:
  - name: "{other.pk}"
    limits: {{messages_per_day: 7}}
domains:
  - name: example.org
    organization: "{other.pk}"
"""
    assert types("apply", written(plan)).status == 0
    mine = Organization.objects.get(name=str(other.pk))
    assert SendLimit.objects.get().organization == mine
    assert Domain.objects.get().organization == mine


def test_what_differs_is_changed_and_nothing_else(types: Type, written: Write, db: None) -> None:
    types("apply", written(PLAN))
    changed = written(
        PLAN.replace("greylists: true", "greylists: false").replace("2000", "null")
        + "  - name: Second\n"
    )
    steps = json.loads(types("apply", changed, "--json").out)
    assert [(one["act"], one["noun"], one["name"], one["part"]) for one in steps] == [
        ("add", "organizations", "Second", None),
        ("change", "domains", "example.org", None),
        ("change", "domains", "example.org", "limits"),
    ]
    assert steps[1]["changes"] == {"greylists": {"before": True, "after": False}}
    assert {one["state"] for one in steps} == {"done"}
    assert json.loads(types("apply", changed, "--json").out) == []


def test_what_shall_not_be_there_goes_last_and_in_the_order_in_which_it_can(
    types: Type, written: Write, db: None
) -> None:
    types("apply", written(PLAN))
    gone = """
organizations:
  - {name: Example Ltd, ensure: absent}
  - {name: Other}
  - {name: Never there, ensure: absent}
domains:
  - {name: example.org, ensure: absent, force: true}
"""
    shown = types("apply", written(gone))
    assert [line for line in lines(shown) if line[0] in "+~-"] == [
        "+ organizations Other",
        "- domains example.org",
        "- organizations Example Ltd",
    ]
    assert list(Organization.objects.values_list("name", flat=True)) == ["Other"]
    assert "Nothing to do" in types("apply", written(gone)).out


def test_a_part_can_be_taken_away(types: Type, written: Write, db: None) -> None:
    types("apply", written(PLAN))
    without = written("domains: [{name: example.org, smarthost: null}]")
    assert lines(types("apply", without))[0] == "- domains example.org smarthost"
    assert not Transport.objects.exists()
    assert "Nothing to do" in types("apply", without).out


def test_what_is_refused_says_which_thing_and_leaves_done_what_was(
    types: Type, written: Write, db: None
) -> None:
    plan = written("organizations: [{name: A}, {name: B, max_users: -1}, {name: C}]")
    shown = types("apply", plan)
    assert shown.status == 1
    assert shown.err.startswith("Error: organizations B: --max-users: ")
    assert "apply it again" in shown.err
    assert list(Organization.objects.values_list("name", flat=True)) == ["A"]


def test_what_cannot_be_changed_is_refused_before_anything_is_done(
    types: Type, written: Write, db: None
) -> None:
    types("apply", written(PLAN))
    shown = types("apply", written(PLAN.replace("Example Ltd", "Elsewhere")))
    assert shown.status == 2
    assert "domains example.org: organization is" in shown.err
    assert "cannot be changed" in shown.err
    assert Organization.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("organizations: [{name: A, max_user: 1}]", "there is no max_user: max_users was meant?"),
        ("organisations: [{name: A}]", "cannot have organisations: organizations was meant?"),
        ("organizations: [{max_users: 1}]", "number 1: it has no name"),
        ("organizations: [{name: 7}]", "number 1: it has no name"),
        ("organizations: [{name: A}, {name: A}]", "number 2: A stands there twice"),
        ("organizations: [{name: A, ensure: gone}]", "ensure is present or absent"),
        ("organizations: {name: A}", "a list of things"),
        ("domains: [{name: a.example, limits: 5}]", "limits: it has fields of its own"),
        ("domains: [{name: a.example, limits: {x: 5}}]", "limits: there is no x"),
        ("- name", "is no plan"),
        ("", "is no plan"),
        ("organizations:\n  - name: A\n    name: B", "line 3: name stands here twice"),
        ("organizations:\n  - no: A\n    2: B", "line 3: 2 is no name"),
        ("a: &x [1]\nb: *x", "line 2: an alias: write it out"),
        ("a: !!python/object:os.system {}", "line 1"),
        ("a: [", "line 1"),
        ("[" * 600, "cannot be read"),
        ("a: \x07", "cannot be read"),
    ],
)
def test_what_cannot_be_understood_says_where_and_does_nothing(
    text: str, told: str, types: Type, written: Write, db: None
) -> None:
    shown = types("apply", written(text))
    assert shown.status == 2
    assert told in shown.err
    assert "Traceback" not in shown.err
    assert not Organization.objects.exists()


def test_words_mean_what_they_look_like() -> None:
    """The scalars of YAML 1.2: `no` is a word, `012` no number of another kind, a day a text."""
    text = b"a: [{no: on, b: 012, c: 2030-01-31, d: 1:30, e: ~, f: true, g: -1.5, h: '1', i: 1_0}]"
    (item,) = read(BytesIO(text), "plan").things["a"]
    assert item == {
        "no": "on",
        "b": 12,
        "c": "2030-01-31",
        "d": "1:30",
        "e": None,
        "f": True,
        "g": -1.5,
        "h": "1",
        "i": "1_0",
    }
    with pytest.raises(WrongCall, match="larger than"):
        read(BytesIO(b" " * (32 * 1024 * 1024 + 1)), "plan")


def test_what_means_the_same_is_the_same() -> None:
    assert is_same(["b@EXAMPLE.org", "a@example.org"], ["a@example.org", "b@example.org"])
    assert is_same("2030-01-01T01:00:00+01:00", "2030-01-01T00:00:00Z")
    assert is_same([{"a": 1}], [{"a": 1, "b": None}])
    assert not is_same(["a", "a"], ["a", "b"])
    assert not is_same(["a"], ["a", "a"])
    assert not is_same(True, 1)
    assert not is_same("Ann", "ann")
    assert not is_same(None, 0)
