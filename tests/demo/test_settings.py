"""DEMO=true listens on loopback only: no process of such an installation starts otherwise."""

import pytest

from mailhost import env


def test_it_is_off_by_default() -> None:
    assert env.read({})["DEMO"] is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("IMAP_LISTEN", "0.0.0.0:2143"),
        ("WEB_LISTEN", ":8080"),
        ("SMTP_LISTEN", "192.0.2.7:2525"),
        ("IMAPS_LISTEN", "[::]:2993"),
        ("POP3S_LISTEN", "mail.example.org:995"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
    ],
)
def test_it_keeps_a_demo_to_itself(name: str, value: str) -> None:
    env.read({name: value})
    with pytest.raises(env.SettingError, match=rf"{name}.* is not usable with DEMO=true: .* known"):
        env.read({"DEMO": "true", name: value})


@pytest.mark.parametrize("value", ["127.0.0.1:1", "127.8.9.1:1", "[::1]:1", "localhost:1", ""])
def test_it_lets_a_demo_listen_on_loopback(value: str) -> None:
    assert env.read({"DEMO": "true", "WEB_LISTEN": value})["DEMO"] is True
