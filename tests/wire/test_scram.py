"""SCRAM-SHA-256: exchanges and keys, with the examples of the RFCs."""

import base64
import hashlib
import hmac
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.wire.sasl import Challenge, Done, Failure, FailureReason, KeysWanted, Outcome, Proof
from apps.wire.scram import KeyPair, ScramSha256, saslprep, scram_keys
from tests.support.scram_client import ScramClient

SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
KEYS = scram_keys("pencil", SALT, 4_096)
FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
NONCE = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
FINAL = (
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
BAD = Failure(FailureReason.BAD_FORMAT)


def b64(raw: bytes) -> bytes:
    return base64.b64encode(raw)


def begun(*keys: KeyPair) -> ScramSha256:
    """The exchange of RFC 7677 up to our first message."""
    exchange = ScramSha256()
    assert exchange.start(b64(FIRST)) == KeysWanted("", "user")
    exchange.offer(NONCE, SALT, 4_096, keys or (KEYS,))
    return exchange


def test_it_speaks_the_example_of_rfc_7677() -> None:
    exchange = ScramSha256()
    assert exchange.start(b64(FIRST)) == KeysWanted("", "user")
    assert exchange.offer(NONCE, SALT, 4_096, [KEYS]).data == (
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    )
    final = Challenge(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    assert exchange.step(b64(FINAL)) == Proof(0, final)
    assert exchange.step(b"") == Done()


def test_it_asks_when_there_is_no_initial_response() -> None:
    exchange = ScramSha256()
    assert exchange.start(None) == Challenge(b"")
    assert exchange.step(b64(FIRST)) == KeysWanted("", "user")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_it_finds_which_password_it_was(place: int) -> None:
    others = [scram_keys(word, SALT, 4_096) for word in ("pen", "ink")]
    others.insert(place, KEYS)
    outcome = begun(*others).step(b64(FINAL))
    assert isinstance(outcome, Proof)
    assert outcome.place == place


def test_it_knows_a_wrong_proof() -> None:
    exchange = begun(scram_keys("pen", SALT, 4_096))
    outcome = exchange.step(b64(FINAL))
    assert isinstance(outcome, Proof)
    assert outcome.place is None


def test_it_gives_no_signature_for_a_wrong_proof() -> None:
    keys = scram_keys("pen", SALT, 4_096)
    exchange = ScramSha256()
    exchange.start(b64(FIRST))
    offered = exchange.offer(NONCE, SALT, 4_096, [keys])
    outcome = exchange.step(b64(FINAL))
    assert isinstance(outcome, Proof)
    words = b",".join([FIRST.removeprefix(b"n,,"), offered.data, FINAL.partition(b",p=")[0]])
    assert b64(hmac.digest(keys[1], words, "sha256")) not in outcome.final.data


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"n=user,r=abc",
        b"p=tls-unique,,n=user,r=abc",  # without -PLUS
        b"p=,,n=user,r=abc",
        b"p=tls_unique,,n=user,r=abc",
        b"n,a=,n=user,r=abc",
        b"n,,n=user,r=abc,m=ext",
        b"n,,n=user,r=abc,x=",
        b"n,,n=us\xe2\x80\x8bx\xe2\x80\xaay,r=abc",  # SASLprep prohibits U+202A
        b"n,,m=ext,n=user,r=abc",
        b"n,,n=,r=abc",
        b"n,,n=user,r=",
        b"n,,n=us=er,r=abc",
        b"n,,n=us=2cer,r=abc",
        b"n,,n=user",
        b"n,,n=user,r=a b",
        b"n,,n=us\xff,r=abc",
        b"n,,n=us\0er,r=abc",
        b"n,,n=user,r=" + b"x" * 300,
        b"n,a==,n=user,r=abc",
        b"n,,n=" + b"u" * 1_100 + b",r=abc",
    ],
)
def test_it_refuses_a_first_message_that_is_not_strict(first: bytes) -> None:
    assert ScramSha256().start(b64(first) or b"=") == BAD


@pytest.mark.parametrize(
    ("first", "wanted"),
    [
        (b"y,,n=user,r=abc", KeysWanted("", "user")),
        (b"n,a=other,n=user,r=abc", KeysWanted("other", "user")),
        (b"n,,n=a=2Cb=3Dc,r=abc", KeysWanted("", "a,b=c")),
        ("n,,n=jörg@bücher.example,r=abc".encode(), KeysWanted("", "jörg@bücher.example")),
        (b"n,,n=user,r=abc,x=later", KeysWanted("", "user")),
        ("n,,n=\ufb01x\u00ad,r=abc".encode(), KeysWanted("", "fix")),  # by SASLprep
    ],
)
def test_it_reads_first_messages(first: bytes, wanted: KeysWanted) -> None:
    assert ScramSha256().start(b64(first)) == wanted


@pytest.mark.parametrize(
    "final",
    [
        b"",
        FINAL.replace(b"biws", b"eSws"),  # says `y,,` now: somebody took PLUS out of our list
        FINAL.replace(b"biws", b"bi"),
        FINAL.replace(b"r=rOpr", b"r=xOpr"),
        FINAL.replace(b"k0,", b"k,"),
        FINAL[:-4],
        FINAL.replace(b",p=", b",q="),
        FINAL + b",x=1",
        FINAL.replace(b",p=", b",m=1,p="),
        FINAL.replace(b"p=dHzb", b"p="),
        FINAL.replace(b"=biws", b"=bi\xffs"),
    ],
)
def test_it_refuses_a_final_message_that_is_not_strict(final: bytes) -> None:
    assert begun().step(b64(final) or b"=") in (BAD, Failure(FailureReason.BAD_BASE64))


def test_it_takes_each_message_once() -> None:
    exchange = ScramSha256()
    exchange.start(b64(FIRST))
    assert exchange.step(b64(FIRST)) == BAD  # nothing was offered yet
    exchange = begun()
    exchange.step(b64(FINAL))
    assert exchange.step(b64(FINAL)) == BAD


def test_it_can_be_cancelled_at_any_step() -> None:
    cancelled = Failure(FailureReason.CANCELLED)
    assert begun().step(b"*") == cancelled
    exchange = begun()
    exchange.step(b64(FINAL))
    assert exchange.step(b"*") == cancelled


def test_it_hides_the_servers_proof() -> None:
    assert "6rriTR" not in repr(begun().step(b64(FINAL)))


def test_it_convinces_a_client_that_checks() -> None:
    client = ScramClient("us,er=x", "päss", nonce=secrets.token_hex(8))
    exchange = ScramSha256()
    assert exchange.start(b64(client.first())) == KeysWanted("", "us,er=x")
    offered = exchange.offer("server", SALT, 5_000, [scram_keys("päss", SALT, 5_000)])
    outcome = exchange.step(b64(client.final(offered.data)))
    assert isinstance(outcome, Proof)
    assert outcome.place == 0
    assert client.is_convinced(outcome.final.data)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_it_survives_any_answer(first: bytes, second: bytes) -> None:
    for line in (first, b64(first)):
        outcome: Outcome = ScramSha256().start(line)
        assert isinstance(outcome, KeysWanted | Failure | Challenge)
    for line in (second, b64(second)):
        assert not isinstance(begun().step(line), Done)


def proof_is_right(stored_key: bytes, auth: bytes, proof: bytes, algorithm: str) -> bool:
    """Check a client's proof as RFC 5802 section 3 has the server do it."""
    signature = hmac.digest(stored_key, auth, algorithm)
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    return hashlib.new(algorithm, client_key).digest() == stored_key


def test_it_derives_the_keys_of_rfc_5802() -> None:
    salt = base64.b64decode("QSXCR+Q6sek8bf92")
    auth = (
        b"n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
        b"s=QSXCR+Q6sek8bf92,i=4096,c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j"
    )
    stored_key, server_key = scram_keys("pencil", salt, 4_096, "sha1")
    assert proof_is_right(
        stored_key, auth, base64.b64decode("v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="), "sha1"
    )
    assert (
        base64.b64encode(hmac.digest(server_key, auth, "sha1")) == b"rmF9pqV8S7suAoZWja4dJRkFsKQ="
    )


def test_it_derives_the_keys_of_rfc_7677() -> None:
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    auth = (
        b"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    )
    stored_key, server_key = scram_keys("pencil", salt, 4_096)
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    assert proof_is_right(stored_key, auth, proof, "sha256")
    signature = base64.b64encode(hmac.digest(server_key, auth, "sha256"))
    assert signature == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
    ],
)
def test_it_prepares_strings_as_rfc_4013(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


@pytest.mark.parametrize("text", ["\u0007", "\u0627\u0031", "a\u0627b", "\ue000"])
def test_it_prohibits_what_rfc_4013_prohibits(text: str) -> None:
    with pytest.raises(ValueError, match=r"prohibited|directions"):
        saslprep(text)


def test_it_derives_keys_for_any_password() -> None:
    keys = {scram_keys(password, b"salt", 10) for password in ("\u0007", "a\u0627b", "😀")}
    assert len(keys) == 3
    assert scram_keys("\u2168", b"salt", 10) == scram_keys("IX", b"salt", 10)


# -- channel binding (RFC 5802 section 6) ---------------------------------------------------------

BINDINGS = {"tls-exporter": b"e" * 32, "tls-server-end-point": b"c" * 48}


def bound_exchange(
    header: str, bound: bytes, *, plus: bool = True
) -> tuple[ScramSha256, ScramClient, Outcome]:
    """An exchange up to our first message, or to its end if the client's was refused."""
    client = ScramClient("user", "pencil", "nonce", header=header, bound=bound)
    exchange = ScramSha256(BINDINGS, plus=plus)
    outcome = exchange.start(b64(client.first()))
    if isinstance(outcome, KeysWanted):
        outcome = exchange.offer(NONCE, SALT, 4_096, [KEYS])
    return exchange, client, outcome


@pytest.mark.parametrize("kind", BINDINGS)
def test_it_binds_to_the_channel_that_both_see(kind: str) -> None:
    exchange, client, offered = bound_exchange(f"p={kind},,", BINDINGS[kind])
    assert isinstance(offered, Challenge)
    proven = exchange.step(b64(client.final(offered.data)))
    assert isinstance(proven, Proof)
    assert proven.place == 0
    assert client.is_convinced(proven.final.data)
    assert exchange.step(b"") == Done()


@pytest.mark.parametrize(
    "bound", [b"e" * 31 + b"x", b"e" * 31, b"e" * 33, BINDINGS["tls-server-end-point"]]
)
def test_it_refuses_who_sees_another_channel(bound: bytes) -> None:
    exchange, client, offered = bound_exchange("p=tls-exporter,,", bound)
    assert isinstance(offered, Challenge)
    outcome = exchange.step(b64(client.final(offered.data)))
    assert outcome == Failure(FailureReason.WRONG_BINDING)
    assert exchange.step(b"") == BAD


def test_it_refuses_a_binding_that_is_announced_and_left_out() -> None:
    exchange, client, offered = bound_exchange("p=tls-exporter,,", b"")
    assert isinstance(offered, Challenge)
    assert exchange.step(b64(client.final(offered.data))) == BAD


def test_it_refuses_a_kind_of_binding_that_it_does_not_have() -> None:
    _, _, outcome = bound_exchange("p=tls-unique,,", b"u" * 12)
    assert outcome == Failure(FailureReason.UNKNOWN_BINDING)


@pytest.mark.parametrize("plus", [True, False])
def test_it_notices_that_somebody_took_plus_out_of_the_list(plus: bool) -> None:
    _, _, outcome = bound_exchange("y,,", b"", plus=plus)
    assert outcome == (BAD if plus else Failure(FailureReason.DOWNGRADE))


def test_it_serves_who_cannot_bind_where_others_can() -> None:
    exchange, client, offered = bound_exchange("n,,", b"", plus=False)
    assert isinstance(offered, Challenge)
    assert isinstance(exchange.step(b64(client.final(offered.data))), Proof)


def test_it_refuses_octets_after_the_header_of_who_does_not_bind() -> None:
    exchange, client, offered = bound_exchange("n,,", b"more", plus=False)
    assert isinstance(offered, Challenge)
    outcome = exchange.step(b64(client.final(offered.data)))
    assert outcome == Failure(FailureReason.WRONG_BINDING)


def test_it_binds_under_plus_alone() -> None:
    assert bound_exchange("n,,", b"")[2] == BAD
    assert bound_exchange("p=tls-exporter,,", b"", plus=False)[2] == BAD
