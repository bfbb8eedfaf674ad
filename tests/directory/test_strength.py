"""Which passwords may be chosen."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from pytest_django.fixtures import Settings

from apps.directory.models import Domain, User
from apps.directory.strength import check_strength, shortest
from tests.support.cost import cost


def test_it_takes_a_long_one_of_any_characters(alice: User) -> None:
    for password in (
        "correct horse battery",
        "Straßenbahn fährt spät",
        "1093847561029",
        "    a b c d e",
    ):
        assert check_strength(password, alice) == []


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("", "too short"),
        ("x9!Kq", "too short"),
        ("password123", "too common"),
        ("1234567890", "too common"),
        ("aaaaaaaaaaaaaaaa", "repeats"),
        ("ababababababab", "repeats"),
        ("alice@example.test", "too similar to the address"),
        ("Alice Archer1", "too similar to the name"),
        ("long enough\0but", "no NUL"),
        ("x" * 5_000, "octets"),
        ("\ud800" * 12, "no NUL"),
    ],
)
def test_it_says_what_is_wrong(alice: User, password: str, word: str) -> None:
    sentences = check_strength(password, alice)
    assert any(word in sentence for sentence in sentences), sentences
    with pytest.raises(ValidationError):
        validate_password(password, alice)


def test_it_knows_who_is_not_there_yet(db: None) -> None:
    assert check_strength("bettina.long@x.test", User(address="bettina.long@x.test"))


def test_a_domain_may_ask_for_more_and_never_for_less(alice: User, settings: Settings) -> None:
    settings.PASSWORD_LENGTH = 10
    assert (shortest(), shortest(alice)) == (10, 10)
    Domain.objects.update(password_length=14)
    alice = User.objects.get(pk=alice.pk)
    assert shortest(alice) == 14
    assert shortest(User(address="new@example.test")) == 14
    assert check_strength("twelve words", alice)
    assert check_strength("fourteen words", alice) == []
    Domain.objects.update(password_length=8)
    assert shortest(User.objects.get(pk=alice.pk)) == 10


def test_characters_are_counted_not_octets(alice: User) -> None:
    assert check_strength("éàüöçñøåæ", alice)  # nine of them, in 18 octets
    assert check_strength("éàüöçñøåæß", alice) == []
    assert check_strength("e\u0301a\u0300u\u0308o\u0308c", alice)  # five, however they are typed


def test_it_takes_no_time(alice: User) -> None:
    assert cost(lambda: check_strength("ab" * 500_000, alice)) < 0.5
