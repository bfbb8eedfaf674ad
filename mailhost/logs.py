"""Logging: one JSON object a line on standard error, with the trace id where there is one.

Untrusted text (HELO names, subjects, user names) goes into fields, never into the format string,
and JSON escaping keeps CR, LF, ESC and bidirectional controls from forging lines.
"""

import logging
from typing import Any

import structlog


def quieten(record: logging.LogRecord) -> bool:
    """Make a stranger's mistake a warning on one line: it is no fault of ours to be woken by."""
    record.levelno, record.levelname = logging.WARNING, "WARNING"
    record.exc_info = record.exc_text = None
    return True


def logging_config(level: str, form: str) -> dict[str, Any]:
    """A `logging.config.dictConfig` dictionary.

    Args:
        level: debug, info, warning or error.
        form: json or text.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=True)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    renderer,
                ],
            }
        },
        "filters": {"quieten": {"()": lambda: quieten}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            "django.server": {"level": "WARNING"},
            # Any robot that asks for a made-up host would write an error with its traceback.
            "django.security.DisallowedHost": {"filters": ["quieten"]},
            "django.db.backends": {"level": "WARNING"},
            "celery": {"level": "WARNING"},
            # It warns that the embedded broker, a folder, has no host name.
            "kombu.connection": {"level": "ERROR"},
            "uvicorn.access": {"level": "WARNING"},
        },
    }
