"""Log lines: one each, whatever strangers have put into the fields."""

import io
import json
import logging
import logging.config
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.test import RequestFactory
from django.urls import reverse

from apps.runtime.ulid import new_ulid
from apps.scan import tokens
from mailhost.logs import logging_config

NASTY = "a\r\nb\x1b[31m\x00\u202egnp.exe\u2028\x85{'event': 'forged'}"

Log = Callable[[str], tuple[logging.Logger, io.StringIO]]


@pytest.fixture
def log() -> Iterator[Log]:
    """A logger with the installation's own format, and what it has written."""
    logger = logging.getLogger("test.logs")
    handlers: list[logging.Handler] = []

    def make(form: str) -> tuple[logging.Logger, io.StringIO]:
        config = logging_config("info", form)["formatters"]["line"]
        factory = config["()"]
        formatter = factory(**{key: value for key, value in config.items() if key != "()"})
        written = io.StringIO()
        handler = logging.StreamHandler(written)
        handler.setFormatter(formatter)
        handlers.append(handler)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        return logger, written

    yield make
    for handler in handlers:
        logger.removeHandler(handler)
    logger.propagate = True


def test_it_writes_one_json_object_a_line(log: Log) -> None:
    logger, written = log("json")
    logger.info("signed in", extra={"account": "alice@example.test", "trace_id": "01JD"})
    line = json.loads(written.getvalue())
    assert line["event"] == "signed in"
    assert line["level"] == "info"
    assert line["account"] == "alice@example.test"
    assert line["trace_id"] == "01JD"
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("form", ["json", "text"])
def test_it_lets_nobody_forge_a_line(log: Log, form: str) -> None:
    logger, written = log(form)
    logger.warning("bad command", extra={"helo": NASTY})
    logger.warning("unknown user %r", NASTY)
    lines = written.getvalue().removesuffix("\n").split("\n")
    assert len(lines) == 2
    for line in lines:
        assert line.isascii()
        assert line.isprintable()


def test_it_keeps_a_traceback_on_the_line_of_its_event(log: Log) -> None:
    logger, written = log("json")
    try:
        raise ValueError(NASTY)
    except ValueError:
        logger.exception("a task failed")
    (line,) = written.getvalue().splitlines()
    assert "ValueError" in json.loads(line)["exception"]


@contextmanager
def as_configured(name: str) -> Iterator[logging.Logger]:
    """A logger as it is configured; only this one: the root's handlers belong to pytest."""
    logger = logging.getLogger(name)
    config = logging_config("info", "json")
    logging.config.dictConfig(
        {
            **{key: config[key] for key in ("version", "disable_existing_loggers", "formatters")},
            **{key: config[key] for key in ("filters", "handlers")},
            "loggers": {name: {**config["loggers"][name], "handlers": ["stderr"]}},
        }
    )
    try:
        yield logger
    finally:
        logger.handlers.clear()
        logger.filters.clear()


def test_it_writes_one_short_line_about_a_stranger_who_asks_for_another_host(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with as_configured("django.security.DisallowedHost") as logger:
        try:
            raise ValueError(NASTY)
        except ValueError:
            logger.exception("no such host", extra={"status_code": 400})
    line = json.loads(capsys.readouterr().err)
    assert line["level"] == "warning"
    assert "exception" not in line


@pytest.mark.parametrize("name", ["django.request", "django.security.csrf"])
def test_it_tells_nobody_the_links_that_act_without_a_sign_in(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = reverse("held", args=[tokens.of_copy(17, new_ulid())])
    digests = reverse("digests", args=[tokens.of_digest(17)])
    with as_configured(name) as logger:
        logger.error(
            "Forbidden (%s): %s",
            f"https://mail.example{digests} is no origin of ours",
            path,
            extra={"status_code": 403, "request": RequestFactory().post(path)},
        )
        logger.error("Not Found: %s", "/mail/inbox/17/", extra={"status_code": 404})
    written = capsys.readouterr().err
    assert path.split("/")[2] not in written
    assert digests.split("/")[2] not in written
    first, second = map(json.loads, written.splitlines())
    assert first["event"].endswith("): /held/.../")
    assert second["event"] == "Not Found: /mail/inbox/17/"
