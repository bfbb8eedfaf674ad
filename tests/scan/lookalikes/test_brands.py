"""Brands that are imitated, and those that are themselves."""

import pytest

from apps.scan.lookalikes.brands import DOMAINS, displayed, imitated, is_brand, is_of
from apps.scan.lookalikes.names import Kind


def test_it_takes_no_brand_for_an_imitation_of_another() -> None:
    assert [one for one in DOMAINS if imitated(one) is not None] == []
    assert all(map(is_brand, DOMAINS))
    assert len(set(DOMAINS)) == len(DOMAINS)


@pytest.mark.parametrize(
    ("host", "kind", "target"),
    [
        ("paypa1.com", Kind.LIKE, "paypal.com"),
        ("www.rnicrosoft.com", Kind.LIKE, "microsoft.com"),
        ("amazon.com.order-7.test", Kind.LIKE, "amazon.com"),
        ("netflix-billing.com", Kind.NEAR, "netflix.com"),
        ("amazom.com", Kind.NEAR, "amazon.com"),
        ("faceboook.com", Kind.NEAR, "facebook.com"),
    ],
)
def test_it_sees_an_imitation(host: str, kind: Kind, target: str) -> None:
    found = imitated(host)
    assert found is not None
    assert (found.kind, found.target) == (kind, target)


@pytest.mark.parametrize(
    "host", ["mail.paypal.com", "amazon.se", "microsoft.de", "example.org", "sparkasse-koeln.de"]
)
def test_it_lets_others_be(host: str) -> None:
    assert imitated(host) is None


@pytest.mark.parametrize(
    ("name", "brand"),
    [
        ("PayPal", "paypal.com"),
        ("PayPal Service", "paypal.com"),
        ("P\u0430yP\u0430l", "paypal.com"),
        ("Wells Fargo Online", "wellsfargo.com"),
        ("DHL-Paket", "dhl.com"),
        ("Bank of America Alert", "bankofamerica.com"),
        ("Cr\u00e9dit Agricole", "credit-agricole.fr"),
        ("Alice Archer", ""),
        ("Apple Martin", ""),
        ("Ask about PayPal", ""),
        ("", ""),
        ("\ud800", ""),
    ],
)
def test_it_knows_a_brand_in_a_display_name(name: str, brand: str) -> None:
    assert displayed(name) == brand


def test_it_allows_a_brand_what_may_be_its_own() -> None:
    assert is_of("mail.paypal.com", "paypal.com")
    assert is_of("santander.pl", "santander.com")
    assert is_of("creditagricole.fr", "credit-agricole.fr")
    assert not is_of("evil.test", "paypal.com")
