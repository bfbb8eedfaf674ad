"""Preparing: any bytes at all become rows that both databases take."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.blobs import services as blobs
from apps.blobs.models import Blob
from apps.mailstore import queries
from apps.mailstore.models import Mailbox, Message
from apps.mailstore.services import prepare as module
from apps.runtime.ulid import new_ulid
from tests.mailstore.making import RAW, delivered, filing, prepared

pytestmark = pytest.mark.django_db

NAMES = st.sampled_from(
    b"From To Cc Subject Date Message-ID In-Reply-To References Sender Content-Type"
    b" Content-Disposition Content-Transfer-Encoding".split()
)
ODD = (
    b"=?utf-8?b?AO2ggO2wgA==?=",
    b"=?utf-7?q?+2AA-?=",
    b"=?utf-16?b?2AA=?=",
    b"a\x00b@c\xff",
    b"multipart/mixed; boundary=x",
    b"text/plain; charset=utf-16",
    b"31 Dec 9999 23:59",
    b"Thu, 1 Jan 1900 00:00:00 +1400",
    b"x" * 5_000,
    b'"' * 50,
    b"(" * 50,
    b"<" * 50,
)
VALUES = st.one_of(
    st.binary(max_size=80),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.sampled_from(ODD),
)
MESSAGES = st.builds(
    lambda fields, body: b"".join(b"%b: %b\r\n" % field for field in fields) + b"\r\n" + body,
    st.lists(st.tuples(NAMES, VALUES), max_size=10),
    st.binary(max_size=100) | VALUES,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(MESSAGES)
def test_it_takes_anything(inbox: Mailbox, raw: bytes) -> None:
    filed = delivered([filing(inbox, prepared(raw))])
    entry = queries.fetch_page(inbox.pk, [filed[0].uid], ["message_id", "header_size", "size"])[0]
    assert queries.shown_bytes(entry[1], None) == raw
    assert entry[3] == len(raw)
    assert 0 <= entry[2] <= len(raw)
    row = queries.inbox_page(inbox.pk, None, 1)[0]
    for text in (row.subject, row.sender_name, row.recipients, row.preview):
        assert "\x00" not in text


def test_it_stores_the_blob_only_once() -> None:
    trace = new_ulid()
    blob = blobs.prepare(RAW)
    first = module.prepare(RAW, trace_id=trace, blob=blob)
    second = module.prepare(RAW, trace_id=trace, blob_id=blob.id)
    assert (first.blob, first.blob_id) == (blob, blob.id)
    assert (second.blob, second.blob_id) == (None, blob.id)
    assert module.prepare(RAW, trace_id=trace).blob_id != blob.id


def test_it_derives_from_what_is_shown(inbox: Mailbox) -> None:
    raw = b"Bcc: secret@example.test\r\n" + RAW
    cut = (0, raw.index(b"From:"))
    prefix = b"Received: from here\r\n"
    delivered([filing(inbox, prepared(raw, prefix=prefix, cuts=[cut]))])
    message = Message.objects.get()
    assert b"secret" not in bytes(message.header) + bytes(message.envelope)
    assert bytes(message.header).startswith(prefix + b"From:")
    assert queries.shown_bytes(message.pk, None) == prefix + RAW
    assert blobs.read(message.blob_id) == raw
    assert message.size == len(prefix + RAW)


def test_it_refuses_cuts_outside_of_the_message() -> None:
    with pytest.raises(ValueError, match="cut"):
        prepared(RAW, cuts=[(0, len(RAW) + 1)])
    assert not Blob.objects.exists()


def test_it_reads_an_oversize_header_from_the_blob(
    inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEADER_KEPT", 100)
    delivered([filing(inbox, head=b"A: b\r\n")])
    message = Message.objects.get()
    assert bytes(message.header) == b""
    entry = queries.fetch_page(inbox.pk, [1], ["message_id", "head_id"])[0]
    assert queries.header_bytes(entry[1], entry[2]) == b"A: b\r\n" + RAW[: message.header_size]
