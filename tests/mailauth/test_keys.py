"""Keys and their DNS records."""

import base64

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from apps.mailauth import keys
from apps.mailauth.keys import Algorithm, KeyRecordError, SigningKey, parse_record, record_text
from tests.mailauth.samples import ED25519, OTHER, RSA


@pytest.mark.parametrize("pair", [RSA, ED25519])
def test_what_the_secret_signs_the_record_verifies(pair: keys.NewKey) -> None:
    key = SigningKey(pair.secret)
    public = parse_record(record_text(pair.algorithm, pair.public).encode())
    assert key.algorithm is public.algorithm is pair.algorithm
    assert public.verifies(key.sign(b"data"), b"data")
    assert not public.verifies(key.sign(b"data"), b"other")
    assert not public.verifies(b"", b"data")


def test_it_makes_rsa_of_2048_bits() -> None:
    public = parse_record(record_text(RSA.algorithm, RSA.public).encode()).key
    assert isinstance(public, rsa.RSAPublicKey)
    assert public.key_size == 2048
    assert RSA.public != OTHER.public


def test_an_ed25519_record_holds_the_bare_key() -> None:
    assert len(base64.b64decode(ED25519.public)) == 32  # RFC 8463 section 4
    assert record_text(Algorithm.ED25519, "x") == "v=DKIM1; k=ed25519; p=x"


def test_a_record_is_cut_into_strings_that_fit() -> None:
    text = record_text(RSA.algorithm, RSA.public)
    strings = keys.record_strings(text)
    assert len(strings) == 2
    assert max(map(len, strings)) <= 255
    assert "".join(strings) == text
    assert keys.record_strings("v=DKIM1; p=") == ["v=DKIM1; p="]


def test_it_names_a_record() -> None:
    assert keys.record_name("s1", "example.test") == "s1._domainkey.example.test"


def test_it_reads_what_others_publish() -> None:
    public = RSA.public.encode()
    for record in (
        b"p=" + public,
        b" v = DKIM1 ; k = rsa ; p = " + public[:50] + b" \t" + public[50:] + b" ;",
        b"k=rsa; t=y:s; s=email:other; h=sha1:sha256; n=note; p=" + public,
        b"v=DKIM1; g=*; unknown=1; p=" + public,
    ):
        assert parse_record(record).algorithm is Algorithm.RSA
    read = parse_record(b"t=y:s; p=" + public)
    assert (read.is_testing, read.is_strict) == (True, True)


def test_it_reads_an_rsa_key_of_the_older_form() -> None:
    key = serialization.load_der_private_key(RSA.secret, None)
    bare = key.public_key().public_bytes(
        serialization.Encoding.DER,
        serialization.PublicFormat.PKCS1,
    )
    assert parse_record(b"p=" + base64.b64encode(bare)).verifies(
        SigningKey(RSA.secret).sign(b"x"), b"x"
    )


def _weak() -> str:
    key = serialization.load_der_private_key(RSA.secret, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.public_key().public_numbers()
    return _public(rsa.RSAPublicNumbers(numbers.e, numbers.n >> 1200 | 1))


def _slow() -> str:
    key = serialization.load_der_private_key(RSA.secret, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return _public(rsa.RSAPublicNumbers((1 << 40) + 1, key.public_key().public_numbers().n))


def _public(numbers: rsa.RSAPublicNumbers) -> str:
    der = numbers.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


def _curve() -> str:
    der = (
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return base64.b64encode(der).decode()


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("", "no key"),
        ("v=DKIM1; k=rsa", "no key"),
        ("v=DKIM1; p=", "revoked"),
        ("v=DKIM2; p=x", "not a DKIM key record"),
        (f"p={RSA.public}; v=DKIM1", "not a DKIM key record"),
        (f"h=sha1; p={RSA.public}", "not for SHA-256"),
        (f"s=tlsrpt; p={RSA.public}", "not for mail"),
        (f"k=dsa; p={RSA.public}", "unknown kind"),
        ("p=!!!", "cannot be read"),
        ("p=AAAA", "cannot be read"),
        ("k=ed25519; p=AAAA", "cannot be read"),
        (f"k=ed25519; p={RSA.public}", "cannot be read"),
        (f"p={_weak()}", "bits is not taken"),
        (f"p={_slow()}", "exponent"),
        (f"p={_curve()}", "not RSA"),
        ("p=a; p=b", "twice"),
        ("spf1 -all", "malformed"),
    ],
)
def test_it_refuses_a_key_that_cannot_be_used(record: str, reason: str) -> None:
    with pytest.raises(KeyRecordError, match=reason):
        parse_record(record.encode())


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=60).map(lambda b: b"p=" + b)))
def test_it_refuses_rubbish_in_one_way(rubbish: bytes) -> None:
    with pytest.raises(KeyRecordError):
        parse_record(rubbish)


def test_it_loads_no_other_kind_of_secret() -> None:
    secret = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(KeyRecordError):
        SigningKey(secret)
