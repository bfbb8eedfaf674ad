"""Events on their way: signed, tried again, given up; by several at once; to nobody inside."""

import ipaddress
import json
import threading
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings

from apps.audit.models import AuditRecord
from apps.directory.models import Domain
from apps.provisioning import seals
from apps.runtime.clock import now, now_us
from apps.webhooks import kinds, sending, signing, targets
from apps.webhooks.models import Delivery, Endpoint, Event, State
from apps.webhooks.services import deliveries, endpoints, events
from apps.webhooks.services.deliveries import BACK_OFF, Attempt
from apps.wire.errors import InvalidName, LimitReached
from tests.support.dns_server import DnsServer
from tests.webhooks.conftest import Receiver, verified

PUBLIC = "https://hooks.example.org/mail"


def add(receiver: Receiver, domain: Domain, *types: str) -> tuple[Endpoint, str]:
    return endpoints.add(place=domain, url=receiver.url, types=types)


def happens(domain: Domain, many: int = 1) -> None:
    """Somebody changes the domain."""
    rows = [
        Event(
            at=1_790_000_000_123_456,
            gathered_at=now_us(),
            type="domain.changed",
            organization_id=domain.organization_id,
            domain_id=domain.pk,
            data=json.dumps({"name": domain.name, "number": number}),
        )
        for number in range(many)
    ]
    events.send_out(Event.objects.bulk_create(rows))


def due() -> None:
    """Time passes until everything is due."""
    Endpoint.objects.update(closed_until=0)
    Delivery.objects.filter(state=State.PENDING).update(due_at=0)


def send() -> int:
    return sending.send_due(seconds=20)


def test_what_is_posted_is_signed_and_says_what_happened(
    receiver: Receiver, domain: Domain
) -> None:
    _, secret = add(receiver, domain)
    happens(domain)
    assert send() == 1
    (request,) = receiver.requests
    event = Event.objects.get()
    assert verified(secret, request) == {
        "id": event.name,
        "type": "domain.changed",
        "timestamp": "2026-09-21T14:13:20.123Z",
        "data": {"name": "example.test", "number": 0},
    }
    assert (request.method, request.path) == ("POST", "/mail")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == "mailhost"
    assert abs(int(request.headers["webhook-timestamp"]) - now()) < 60
    assert not {"cookie", "authorization"} & request.headers.keys()
    one = Delivery.objects.get()
    assert (one.state, one.attempts, one.status, one.error) == (State.DELIVERED, 1, 204, "")
    assert send() == 0


def test_the_vector_of_the_specification() -> None:
    """Of the libraries of Standard Webhooks."""
    keys = signing.Keys("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signing.headers(
        keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'
    )
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_it_is_tried_again_later_and_later_and_then_given_up(
    receiver: Receiver, domain: Domain
) -> None:
    endpoint, _ = add(receiver, domain)
    happens(domain)
    receiver.answers(500, b"<b>no</b>\x1b[31m\xff")
    for attempts, wait in enumerate(BACK_OFF, 1):
        before = now_us()
        assert send() == 1
        one = Delivery.objects.get()
        assert (one.state, one.attempts, one.status) == (State.PENDING, attempts, 500)
        assert wait <= (one.due_at - before) / 1e6 <= wait * 1.1 + 30
        assert send() == 0
        due()
    assert send() == 1
    one.refresh_from_db()
    assert (one.state, one.attempts) == (State.FAILED, len(BACK_OFF) + 1)
    assert one.error == "It answered 500"
    log = json.loads(one.log)
    assert len(log) == len(BACK_OFF) + 1
    assert log[0]["answer"].startswith("<b>no</b>")
    assert log[0]["answer"].isprintable()
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    due()
    assert send() == 0
    endpoint.refresh_from_db()
    assert endpoint.is_enabled  # it did well of late
    deliveries.again(row=Delivery.objects.select_related("endpoint", "event").get())
    receiver.answers(200)
    assert send() == 1
    one.refresh_from_db()
    assert (one.state, one.attempts) == (State.DELIVERED, 1)
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.failing_since) == (0, None)


@pytest.mark.parametrize("status", [301, 307, 308])
def test_no_redirect_is_followed(receiver: Receiver, domain: Domain, status: int) -> None:
    add(receiver, domain)
    happens(domain)
    receiver.answers(status, Location="https://127.0.0.1/")
    assert send() == 1
    assert len(receiver.requests) == 1
    assert "redirects are not followed" in Delivery.objects.get().error


def test_a_server_may_ask_for_time_but_not_for_ever(receiver: Receiver, domain: Domain) -> None:
    add(receiver, domain)
    for asked, wait in (("3600", 3_600), ("99999999", 86_400), ("-5", 5), ("Tue", 5)):
        happens(domain)
        receiver.answers(429, Retry_After=asked)
        assert send() == 1
        one = Delivery.objects.get()
        assert wait - 1 <= (one.due_at - now_us()) / 1e6 <= wait * 1.1 + 30, asked
        Event.objects.all().delete()
        due()


def test_who_is_gone_is_asked_no_more(receiver: Receiver, domain: Domain) -> None:
    endpoint, _ = add(receiver, domain)
    happens(domain, 3)
    receiver.answers(410)
    send()
    endpoint.refresh_from_db()
    assert not endpoint.is_enabled
    assert "410" in endpoint.stopped
    asked = len(receiver.requests)
    due()
    assert send() == 0
    assert len(receiver.requests) == asked
    record = AuditRecord.objects.get(action="webhook.stop")
    assert (record.actor_kind, record.domain_id) == ("service", domain.pk)


def test_where_nothing_is_taken_for_days_nothing_is_sent_any_more(
    receiver: Receiver, domain: Domain
) -> None:
    endpoint, _ = add(receiver, domain)
    receiver.answers(500)
    happens(domain)
    Delivery.objects.update(attempts=len(BACK_OFF))
    Endpoint.objects.update(failing_since=now_us() - 4 * 86_400 * 1_000_000, failures=40)
    assert send() == 1
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.stopped) == (False, "Nothing was taken for three days")
    endpoints.change(row=endpoint, is_enabled=True)
    endpoint.refresh_from_db()
    assert (endpoint.stopped, endpoint.failing_since, endpoint.closed_until) == ("", None, 0)


@pytest.mark.parametrize("what", ["silent", "endless", "strange certificate", "no such name"])
def test_a_bad_server_costs_its_time_and_no_more(
    receiver: Receiver, domain: Domain, what: str, tmp_path: Path
) -> None:
    add(receiver, domain)
    happens(domain)
    receiver.host.answer.is_silent = what == "silent"
    receiver.patience = 0.5 if what == "silent" else receiver.patience
    if what == "endless":
        receiver.answers(200, b"x" * 100_000)
        receiver.host.answer.is_endless = True
    if what == "no such name":
        receiver.dns.remove("hooks.test")
    with override_settings(EXTRA_CA=Path()) if "cert" in what else override_settings():
        assert send() == 1
    one = Delivery.objects.get()
    if what == "endless":  # its status was heard
        assert one.state == State.DELIVERED
        assert len(json.loads(one.log)[0]["answer"]) <= 500
    else:
        assert (one.state, one.status) == (State.PENDING, None)
        assert one.error


def test_one_that_fails_holds_up_no_other(receiver: Receiver, domain: Domain) -> None:
    bad, _ = endpoints.add(place=domain, url=receiver.url.replace("hooks.test", "gone.test"))
    good, _ = add(receiver, domain)
    happens(domain, 30)
    send()
    assert good.deliveries.filter(state=State.DELIVERED).count() == 30
    bad.refresh_from_db()
    tried = bad.deliveries.filter(attempts__gt=0).count()
    assert tried == bad.failures * deliveries.EACH_AT_ONCE < 30  # several at once are one
    assert bad.closed_until > bad.turn_at


def test_for_a_day_the_secret_before_signs_too(receiver: Receiver, domain: Domain) -> None:
    endpoint, old = add(receiver, domain)
    new = endpoints.renew_secret(row=endpoint)
    happens(domain)
    send()
    for secret in (old, new):
        verified(secret, receiver.requests[0])
    endpoint.refresh_from_db()
    assert endpoints.keys_of(endpoint).at(now() + endpoints.OVERLAP + 1) == [new]
    assert new.encode() not in bytes(endpoint.secret)
    assert signing.is_secret(new)


def test_a_test_is_sent_at_once(receiver: Receiver, domain: Domain) -> None:
    endpoint, secret = add(receiver, domain, "user.created")
    receiver.answers(200, b"thanks")
    attempt = sending.test(endpoint)
    assert (attempt.status, attempt.error, attempt.answer) == (200, "", "thanks")
    assert verified(secret, receiver.requests[0])["type"] == kinds.TEST
    assert Delivery.objects.get().state == State.DELIVERED
    assert AuditRecord.objects.filter(action="webhook.test").count() == 1


def test_a_lease_that_ran_out_is_somebody_elses(receiver: Receiver, domain: Domain) -> None:
    """Whoever had it died, or slept: what it learns counts no more."""
    add(receiver, domain)
    happens(domain)
    (first,) = deliveries.claim()
    assert deliveries.claim() == []
    due()
    (second,) = deliveries.claim()
    assert not deliveries.settle(first, Attempt(1, 1, 200))
    assert deliveries.settle(second, Attempt(1, 1, 500, "It answered 500"))
    assert Delivery.objects.get().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_of_several_workers_each_sends_what_no_other_does(
    receiver: Receiver, domain: Domain
) -> None:
    add(receiver, domain)
    happens(domain, 24)

    def work() -> None:
        try:
            send()
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    sent = [request.headers["webhook-id"] for request in receiver.requests]
    assert len(sent) == len(set(sent)) == 24
    assert Delivery.objects.filter(state=State.DELIVERED).count() == 24


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/",
        "https://localhost/",
        "https://mail/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "https://100.64.0.1/",
        "https://user:secret@hooks.example.org/",
        "https://hooks.example.org/#x",
        "https://hooks.example.org:0/",
        "https://hooks.example.org:99999/",
        "https://hooks.example.org/ x",
        "https://hooks.example.org\r\nHost: x/",
        "https://hooks.example.org\\@127.0.0.1/",
        "https://häuser.example/",
        "file:///etc/passwd",
        "gopher://hooks.example.org/",
        "https://",
        "https:///x",
        "https://[::1/",
        "x" * 3_000,
        "\0",
        "\ud800",
        "",
    ],
)
def test_what_is_no_address_of_the_public_internet_is_no_webhook(url: str) -> None:
    with pytest.raises(InvalidName) as caught:
        targets.checked(url, is_installations=False)
    assert caught.value.detail == "url"
    assert len(caught.value.reply.text) > 20


def test_private_networks_are_for_the_installation_alone() -> None:
    networks = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("169.254.0.0/16"))
    with override_settings(WEBHOOK_NETWORKS=networks):
        url = "https://10.1.2.3:8443/hook"
        assert targets.checked(url, is_installations=True) == url
        ours, theirs = (targets.reach(is_installations=one) for one in (True, False))
        assert ours(ipaddress.ip_address("10.1.2.3"))
        assert ours(ipaddress.ip_address("::ffff:10.1.2.3"))
        assert not theirs(ipaddress.ip_address("10.1.2.3"))
        assert not ours(ipaddress.ip_address("169.254.169.254"))
        assert not ours(ipaddress.ip_address("127.0.0.1"))


def test_a_name_that_leads_inside_is_not_connected_to(domain: Domain) -> None:
    """Whatever it said when it was set up: the address is checked where the connection is made."""
    with DnsServer() as dns, override_settings(DNS_SERVERS=(dns.endpoint,), SMTP_OUT_PRIVATE=True):
        dns.add("hooks.example.org", "A", "127.0.0.1")
        dns.add("hooks.example.org", "A", "10.0.0.1")
        endpoints.add(place=domain, url=PUBLIC)
        happens(domain)
        assert send() == 1
    one = Delivery.objects.get()
    assert one.status is None
    assert "not to be connected to" in one.error


def test_there_is_an_end_to_webhooks_of_a_place(domain: Domain) -> None:
    for _ in range(endpoints.MOST):
        endpoints.add(place=domain, url=PUBLIC)
    with pytest.raises(LimitReached):
        endpoints.add(place=domain, url=PUBLIC)
    endpoints.add(place=domain.organization, url=PUBLIC)
    for types in (["user"], ["user.created"]):
        endpoints.types_of(types)
    with pytest.raises(InvalidName) as caught:
        endpoints.types_of(["user.invented"])
    assert caught.value.detail == "types"


def test_events_of_a_week_ago_go_with_what_was_made_of_them(
    receiver: Receiver, domain: Domain
) -> None:
    add(receiver, domain)
    happens(domain, 3)
    first = Event.objects.order_by("pk")[0]
    Event.objects.filter(pk=first.pk).update(gathered_at=now_us() - 8 * 86_400 * 1_000_000)
    deliveries.prune()
    assert (Event.objects.count(), Delivery.objects.count()) == (2, 2)


def test_secrets_are_sealed_anew(receiver: Receiver, domain: Domain) -> None:
    endpoint, secret = add(receiver, domain)
    fresh = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
    with override_settings(ENCRYPTION_KEY=(fresh, *settings.ENCRYPTION_KEY)):
        assert seals.reseal().changed >= 1
        with override_settings(ENCRYPTION_KEY=(fresh,)):
            endpoint.refresh_from_db()
            assert endpoints.keys_of(endpoint).now == secret
    happens(domain)
    send()  # its key is gone: it is switched off, and nobody else is held up
    endpoint.refresh_from_db()
    assert not endpoint.is_enabled
