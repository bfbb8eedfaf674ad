"""Aliases: patterns, targets, limits."""

import pytest

from apps.directory.models import Alias, Domain, PatternKind, User
from apps.directory.services import aliases
from apps.directory.services.aliases import Pattern
from apps.provisioning import services as provisioning
from apps.wire.errors import (
    AlreadyExists,
    InUse,
    InvalidAddress,
    LimitReached,
    MailError,
    NotFound,
)

OUTSIDE = ["x@elsewhere.test"]


def create(pattern: str, targets: list[str] = OUTSIDE) -> Alias:
    return aliases.create(pattern=Pattern.parse(pattern), targets=targets)


@pytest.mark.parametrize(
    ("text", "kind", "local", "shown"),
    [
        ("Sales@Example.test", PatternKind.EXACT, "sales", "sales@example.test"),
        ("sales+x@example.test", PatternKind.EXACT, "sales+x", "sales+x@example.test"),
        ("Sales-*@example.test", PatternKind.WILDCARD, "sales-*", "sales-*@example.test"),
        ("@Example.test", PatternKind.CATCH_ALL, "", "@example.test"),
        ("*@example.test", PatternKind.CATCH_ALL, "", "@example.test"),
        ("**@example.test", PatternKind.CATCH_ALL, "", "@example.test"),
        ("jörg@bücher.example", PatternKind.EXACT, "jörg", "jörg@xn--bcher-kva.example"),
    ],
)
def test_it_reads_patterns(text: str, kind: PatternKind, local: str, shown: str) -> None:
    pattern = Pattern.parse(text)

    assert (pattern.kind, pattern.local) == (kind, local)
    assert str(pattern) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sales",
        "sales@",
        "@",
        "*@",
        "a*b*c*d*e*@example.test",
        "a b@example.test",
        "a@[192.0.2.1]",
        "@[192.0.2.1]",
        "a\0@example.test",
        "x" * 65 + "@example.test",
        '"*"x@example.test',
    ],
)
def test_it_refuses_what_is_no_pattern(text: str) -> None:
    with pytest.raises(MailError) as refused:
        Pattern.parse(text)
    assert refused.value.reply.enhanced == "5.1.3"


def test_it_keeps_targets_in_order_and_once(domain: Domain) -> None:
    alias = create("sales@example.test", ["B@Elsewhere.test", "a@example.test", "B@elsewhere.TEST"])

    assert list(alias.targets.order_by("pk").values_list("address", flat=True)) == [
        "B@elsewhere.test",
        "a@example.test",
    ]


@pytest.mark.parametrize(
    "targets", [[], ["nobody"], ["*@example.test"], ["a@[192.0.2.1]"], ["a@b", ""]]
)
def test_it_refuses_targets_that_are_no_addresses(domain: Domain, targets: list[str]) -> None:
    with pytest.raises(InvalidAddress):
        create("sales@example.test", targets)
    assert not Alias.objects.exists()


def test_it_bounds_targets(domain: Domain) -> None:
    many = [f"u{number}@elsewhere.test" for number in range(101)]

    with pytest.raises(LimitReached):
        create("all@example.test", many)
    assert create("all@example.test", many[:100]).targets.count() == 100


def test_it_bounds_wildcards(domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(aliases.MOST, PatternKind.WILDCARD, 2)
    create("a*@example.test")
    create("b*@example.test")

    with pytest.raises(LimitReached):
        create("c*@example.test")
    create("c@example.test")
    create("@example.test")


@pytest.mark.parametrize("text", ["sales@example.test", "s*@example.test", "@example.test"])
def test_it_has_each_pattern_once(domain: Domain, text: str) -> None:
    create(text)
    with pytest.raises(AlreadyExists):
        create(text.upper())


def test_it_takes_no_address_of_a_user(alice: User) -> None:
    with pytest.raises(AlreadyExists):
        create("ALICE@example.test")


def test_it_may_take_the_own_postmasters_address(domain: Domain) -> None:
    assert create("postmaster@example.test").kind == PatternKind.EXACT


def test_it_adds_aliases_to_hosted_domains_only(domain: Domain) -> None:
    provisioning.add_domain("alias.test", alias_of="example.test")

    with pytest.raises(NotFound):
        create("sales@elsewhere.test")
    with pytest.raises(InUse):
        create("sales@alias.test")


def test_it_deletes(domain: Domain, other_domain: Domain) -> None:
    for text in ("sales@example.test", "@example.test", "sales@other.test"):
        create(text)
    aliases.delete(Pattern.parse("SALES@example.test"))
    aliases.delete(Pattern.parse("*@example.test"))

    assert [str(alias.domain) for alias in Alias.objects.all()] == ["other.test"]
    with pytest.raises(NotFound):
        aliases.delete(Pattern.parse("sales@example.test"))


def test_it_deletes_in_pieces(domain: Domain) -> None:
    for number in range(5):
        create(f"a{number}@example.test")

    assert [aliases.delete_some(domain, 2) for _ in range(4)] == [2, 2, 1, 0]


def test_it_reads_expressions(domain: Domain) -> None:
    pattern = Pattern.parse(r" /Sales-\d+@x/@x/@Example.test ")

    assert pattern == Pattern(PatternKind.REGEX, r"/Sales-\d+@x/@x/", "example.test")
    assert Pattern.parse(str(pattern)) == pattern
    assert create(str(pattern)).kind == PatternKind.REGEX


@pytest.mark.parametrize(
    "text",
    [
        "/sales@example.test",
        "//@example.test",
        "/(/@example.test",
        "/(a)\\1/@example.test",
        "/(?=a)a/@example.test",
        "/(x{1000}){1000}/@example.test",
        "/((a?){50}){50}/@example.test",
        f"/{'a' * 199}/@example.test",
        "/a\nb/@example.test",
        "/\ud800/@example.test",
    ],
)
def test_it_refuses_expressions_that_it_cannot_use(domain: Domain, text: str) -> None:
    with pytest.raises(InvalidAddress):
        create(text)
    assert not Alias.objects.exists()


def test_it_bounds_expressions(domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(aliases.MOST, PatternKind.REGEX, 1)
    create("/a/@example.test")
    create("a*@example.test")

    with pytest.raises(LimitReached):
        create("/b/@example.test")


def test_it_adds_and_removes_targets(domain: Domain) -> None:
    pattern = Pattern.parse("team@example.test")
    create("team@example.test", ["a@elsewhere.test"])

    assert aliases.add_targets(
        pattern=pattern, targets=["B@elsewhere.test", "a@elsewhere.test"]
    ) == ["a@elsewhere.test", "B@elsewhere.test"]
    assert aliases.remove_targets(pattern=pattern, targets=["b@ELSEWHERE.test"]) == [
        "a@elsewhere.test"
    ]
    with pytest.raises(NotFound):
        aliases.remove_targets(pattern=pattern, targets=["b@elsewhere.test"])
    with pytest.raises(InUse):
        aliases.remove_targets(pattern=pattern, targets=["a@elsewhere.test"])
    assert list(Alias.objects.get().targets.values_list("address", flat=True)) == [
        "a@elsewhere.test"
    ]


def test_it_bounds_targets_that_are_added(domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = Pattern.parse("team@example.test")
    create("team@example.test")
    monkeypatch.setattr(aliases, "MAX_TARGETS", 2)
    aliases.add_targets(pattern=pattern, targets=["a@elsewhere.test"])

    with pytest.raises(LimitReached):
        aliases.add_targets(pattern=pattern, targets=["b@elsewhere.test"])


def test_it_changes_no_alias_that_is_not_there(domain: Domain) -> None:
    pattern = Pattern.parse("team@example.test")
    for change in (aliases.add_targets, aliases.remove_targets):
        with pytest.raises(NotFound):
            change(pattern=pattern, targets=OUTSIDE)
