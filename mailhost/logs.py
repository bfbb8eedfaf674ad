"""Logging: one JSON object a line on standard error, with the trace id where there is one.

Untrusted text (HELO names, subjects, user names) goes into fields, never into the format string,
and JSON escaping keeps CR, LF, ESC and bidirectional controls from forging lines.
"""

from typing import Any

import structlog


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
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            "django.server": {"level": "WARNING"},
            "django.db.backends": {"level": "WARNING"},
            "celery": {"level": "WARNING"},
            # It warns that the embedded broker, a folder, has no host name.
            "kombu.connection": {"level": "ERROR"},
            "uvicorn.access": {"level": "WARNING"},
        },
    }
