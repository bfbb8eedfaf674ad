"""Django's settings, made from the typed table in `mailhost.env`. Wires only, no logic."""

import base64
import contextlib
import logging.config
import os
import secrets
from pathlib import Path
from typing import Any

import environ

from mailhost import env
from mailhost.logs import logging_config

_values = env.load()

# Each row of the table is a Django setting of the same name, written out for the type checker.
BASE_DIR = env.ROOT
MAILHOST_DATA: Path = _values["MAILHOST_DATA"]
MAIL_HOSTNAME: str = _values["MAIL_HOSTNAME"]
SMTP_LISTEN: env.Endpoint | None = _values["SMTP_LISTEN"]
SUBMISSION_LISTEN: env.Endpoint | None = _values["SUBMISSION_LISTEN"]
SUBMISSIONS_LISTEN: env.Endpoint | None = _values["SUBMISSIONS_LISTEN"]
LMTP_LISTEN: env.Endpoint | None = _values["LMTP_LISTEN"]
IMAP_LISTEN: env.Endpoint | None = _values["IMAP_LISTEN"]
IMAPS_LISTEN: env.Endpoint | None = _values["IMAPS_LISTEN"]
POP3_LISTEN: env.Endpoint | None = _values["POP3_LISTEN"]
POP3S_LISTEN: env.Endpoint | None = _values["POP3S_LISTEN"]
WEB_LISTEN: env.Endpoint | None = _values["WEB_LISTEN"]
WEB_TLS: bool = _values["WEB_TLS"] == "on"
CLEARTEXT_AUTH: str = _values["CLEARTEXT_AUTH"]
SECOND_FACTOR: str = _values["SECOND_FACTOR"]
PASSWORD_LENGTH: int = _values["PASSWORD_LENGTH"]
CHANNEL_BINDING: tuple[str, ...] = _values["CHANNEL_BINDING"]
OAUTH_ISSUER: str = _values["OAUTH_ISSUER"]
OAUTH_JWKS_URL: str = _values["OAUTH_JWKS_URL"]
OAUTH_INTROSPECTION_URL: str = _values["OAUTH_INTROSPECTION_URL"]
OAUTH_CLIENT_ID: str = _values["OAUTH_CLIENT_ID"]
OAUTH_CLIENT_SECRET: str = _values["OAUTH_CLIENT_SECRET"]
OAUTH_AUDIENCE: str = _values["OAUTH_AUDIENCE"]
OAUTH_SCOPE: str = _values["OAUTH_SCOPE"]
OAUTH_USER_CLAIM: str = _values["OAUTH_USER_CLAIM"]
TLS_CERT: Path = _values["TLS_CERT"]
TLS_KEY: Path = _values["TLS_KEY"]
TRUSTED_PROXIES: env.Networks = _values["TRUSTED_PROXIES"]
MESSAGE_SIZE_LIMIT: int = _values["MESSAGE_SIZE_LIMIT"]
CONNECTIONS_PER_ADDRESS: int = _values["CONNECTIONS_PER_ADDRESS"]
IMAP_UNAUTHENTICATE: bool = _values["IMAP_UNAUTHENTICATE"]
CONNECTIONS_PER_USER: int = _values["CONNECTIONS_PER_USER"]
CONNECTIONS_TOTAL: int = _values["CONNECTIONS_TOTAL"]
DEFAULT_QUOTA: int = _values["DEFAULT_QUOTA"]
DATABASE_URL: str = _values["DATABASE_URL"]
REDIS_URL: str = _values["REDIS_URL"]
BLOB_URL: str = _values["BLOB_URL"]
WEBHOOK_NETWORKS: env.Networks = _values["WEBHOOK_NETWORKS"]
METRICS_NETWORKS: env.Networks = _values["METRICS_NETWORKS"]
METRICS_TOKEN: str = _values["METRICS_TOKEN"]
SMTP_TRUSTED: env.Networks = _values["SMTP_TRUSTED"]
DNS_BLOCK_LISTS: tuple[str, ...] = _values["DNS_BLOCK_LISTS"]
DNS_BLOCK_THRESHOLD: int = _values["DNS_BLOCK_THRESHOLD"]
DNS_ALLOW_LISTS: tuple[str, ...] = _values["DNS_ALLOW_LISTS"]
EARLY_TALKERS: str = _values["EARLY_TALKERS"]
GREETING_DELAY: int = _values["GREETING_DELAY"]
RECEIVE_CONNECTIONS_PER_MINUTE: int = _values["RECEIVE_CONNECTIONS_PER_MINUTE"]
RECEIVE_CONNECTIONS_PER_HOUR: int = _values["RECEIVE_CONNECTIONS_PER_HOUR"]
RECEIVE_MESSAGES_PER_MINUTE: int = _values["RECEIVE_MESSAGES_PER_MINUTE"]
RECEIVE_MESSAGES_PER_HOUR: int = _values["RECEIVE_MESSAGES_PER_HOUR"]
RECEIVE_RECIPIENTS_PER_MINUTE: int = _values["RECEIVE_RECIPIENTS_PER_MINUTE"]
RECEIVE_RECIPIENTS_PER_HOUR: int = _values["RECEIVE_RECIPIENTS_PER_HOUR"]
RECEIVE_UNKNOWN_PER_HOUR: int = _values["RECEIVE_UNKNOWN_PER_HOUR"]
RECEIVE_MESSAGES_PER_USER: int = _values["RECEIVE_MESSAGES_PER_USER"]
API_REQUESTS_PER_MINUTE: int = _values["API_REQUESTS_PER_MINUTE"]
ARC_TRUSTED_SEALERS: tuple[str, ...] = _values["ARC_TRUSTED_SEALERS"]
DMARC_REPORTS: bool = _values["DMARC_REPORTS"]
REPORTS_DAYS: int = _values["REPORTS_DAYS"]
AUDIT_DAYS: int = _values["AUDIT_DAYS"]
SUDO_USER: str = env.sudo_user()
GREYLIST_SECONDS: int = _values["GREYLIST_SECONDS"]
REJECTS_DAYS: int = _values["REJECTS_DAYS"]
SCAN_WAIT_SECONDS: int = _values["SCAN_WAIT_SECONDS"]
SCAN_WAIT_MOST: int = _values["SCAN_WAIT_MOST"]
URL_BLOCK_LISTS: tuple[str, ...] = _values["URL_BLOCK_LISTS"]
RSPAMD_URL: str = _values["RSPAMD_URL"]
SPAMD: env.Endpoint | Path | None = _values["SPAMD"]
CLAMD: env.Endpoint | Path | None = _values["CLAMD"]
SCANNERS_DEAD: str = _values["SCANNERS_DEAD"]
QUARANTINE_DAYS: int = _values["QUARANTINE_DAYS"]
UNDELETE_DAYS: int = _values["UNDELETE_DAYS"]
SEARCH_INDEX: bool = _values["SEARCH_INDEX"]
QUARANTINE_DIGEST: str = _values["QUARANTINE_DIGEST"]
QUARANTINE_DIGEST_HOUR: int = _values["QUARANTINE_DIGEST_HOUR"]
DNS_SERVERS: tuple[env.Endpoint, ...] = _values["DNS_SERVERS"]
DNS_CHECK_RESOLVERS: tuple[env.Endpoint, ...] = _values["DNS_CHECK_RESOLVERS"]
DNS_OUT_PORT: int = _values["DNS_OUT_PORT"]
DNSSEC_TRUST: str = _values["DNSSEC_TRUST"]
SMTP_OUT_PORT: int = _values["SMTP_OUT_PORT"]
HTTPS_OUT_PORT: int = _values["HTTPS_OUT_PORT"]
SMTP_OUT_PRIVATE: bool = _values["SMTP_OUT_PRIVATE"]
SMTP_OUT_ADDRESS: tuple[str, ...] = _values["SMTP_OUT_ADDRESS"]
SMTP_OUT_IPV6: bool = _values["SMTP_OUT_IPV6"]
EXTRA_CA: Path = _values["EXTRA_CA"]
OUT_CONNECTIONS: int = _values["OUT_CONNECTIONS"]
OUT_CONNECTIONS_PER_DESTINATION: int = _values["OUT_CONNECTIONS_PER_DESTINATION"]
OUT_RATE_PER_DESTINATION: int = _values["OUT_RATE_PER_DESTINATION"]
RETRY_SCHEDULE: tuple[int, ...] = _values["RETRY_SCHEDULE"]
WARN_AFTER: int = _values["WARN_AFTER"]
BOUNCE_AFTER: int = _values["BOUNCE_AFTER"]
SEND_MESSAGES_PER_HOUR: int = _values["SEND_MESSAGES_PER_HOUR"]
SEND_MESSAGES_PER_DAY: int = _values["SEND_MESSAGES_PER_DAY"]
SEND_RECIPIENTS_PER_HOUR: int = _values["SEND_RECIPIENTS_PER_HOUR"]
SEND_RECIPIENTS_PER_DAY: int = _values["SEND_RECIPIENTS_PER_DAY"]
SEND_RECIPIENTS_PER_MESSAGE: int = _values["SEND_RECIPIENTS_PER_MESSAGE"]
HIDE_CLIENT_ADDRESS: bool = _values["HIDE_CLIENT_ADDRESS"]
REMOTE_IMAGES: bool = _values["REMOTE_IMAGES"] == "on"
ACT_AS_USER: bool = _values["ACT_AS_USER"]
RUN_AS: str = _values["RUN_AS"]
LOG_LEVEL: str = _values["LOG_LEVEL"]
LOG_FORMAT: str = _values["LOG_FORMAT"]
DEMO: bool = _values["DEMO"]
DEBUG: bool = _values["DEBUG"]
SETTINGS_TABLE = env.SETTINGS
VERSION = "0.1.0"

MAILHOST_DATA.mkdir(mode=0o700, parents=True, exist_ok=True)


def _kept(name: str, made: str) -> str:
    """A secret that was made once, kept with mode 0600. It appears whole: of two processes that
    start at the same time one makes it, and the other reads what that one made."""
    file = MAILHOST_DATA / name
    if not file.exists():
        draft = file.with_name(f".{name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as target:
            target.write(made)
        with contextlib.suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    return file.read_text().strip()


SECRET_KEY: str = _values["SECRET_KEY"] or _kept("secret_key", secrets.token_urlsafe(50))
ENCRYPTION_KEY: tuple[str, ...] = _values["ENCRYPTION_KEY"] or (
    _kept("encryption_key", base64.b64encode(secrets.token_bytes(32)).decode()),
)
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", MAIL_HOSTNAME, *_values["WEB_HOSTS"]]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_otp",
    "rest_framework",
    "drf_spectacular",
    "apps.runtime",
    "apps.blobs",
    "apps.events",
    "apps.trace",
    "apps.audit",
    "apps.remote",
    "apps.ui",
    "apps.directory",
    "apps.accounts",
    "apps.mailqueue",
    "apps.mailstore",
    "apps.contacts",
    "apps.search",
    "apps.sieve",
    "apps.reports",
    "apps.dnscheck",
    "apps.reception",
    "apps.scan",
    "apps.delivery",
    "apps.webhooks",
    "apps.provisioning",
    "apps.smtp",
    "apps.imap",
    "apps.pop3",
    "apps.webmail",
    "apps.console",
    "apps.api",
    "apps.wellknown",
    "apps.ops",
    "apps.demo",
]

MIDDLEWARE = [
    # Before whatever looks at the host: it is asked under names of hosted domains.
    "apps.wellknown.middleware.WellKnownMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    # Below it: static files keep their own caching headers.
    "apps.ui.security.SecurityHeadersMiddleware",
    "apps.accounts.middleware.WebSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.ui.admission.AdmissionMiddleware",
    # It asks who looks; whatever speaks to people stands below it.
    "apps.webmail.language.LanguageMiddleware",
    "apps.audit.middleware.ActorMiddleware",
    "apps.webmail.acting.ActingMiddleware",
    "apps.webmail.forcedsteps.ForcedStepsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "apps.ui.trouble.TroubleMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "mailhost.urls"
WSGI_APPLICATION = "mailhost.wsgi.application"
ASGI_APPLICATION = "mailhost.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.ui.context.product",
                "apps.webmail.frame.page",
                "apps.console.context.administrator",
                "apps.webmail.context.side",
            ],
            "builtins": ["apps.ui.templatetags.ui"],
        },
    }
]


def _database() -> dict[str, Any]:
    """SQLite behind the turnstile, or Postgres. CONN_MAX_AGE 0: listener threads keep theirs."""
    url = _values["DATABASE_URL"]
    if url.startswith("postgres"):
        config = dict(environ.Env.db_url_config(url))
        config["ENGINE"] = "django.db.backends.postgresql"
        config["CONN_HEALTH_CHECKS"] = True
        config.setdefault("OPTIONS", {}).update({"connect_timeout": 5, "prepare_threshold": 5})
        return config
    file = url.removeprefix("sqlite:").removeprefix("//") or str(MAILHOST_DATA / "mailhost.sqlite3")
    return {
        "ENGINE": "apps.runtime.sqlite",
        "NAME": file,
        "TEST": {"NAME": f"{file}.test"},  # a file, so that threads of a test share it
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA mmap_size=268435456;"
                "PRAGMA cache_size=-32000;PRAGMA temp_store=MEMORY;"
            ),
        },
    }


DATABASES = {"default": {"ATOMIC_REQUESTS": False, "CONN_MAX_AGE": 0, **_database()}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        # Limits go without it rather than wait for it.
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
    if REDIS_URL
    else {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "mailhost",
        # Django's 300 would let a botnet push the networks that owners use out of sign-in's memory.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

AUTH_USER_MODEL = "directory.User"
AUTHENTICATION_BACKENDS = ["apps.directory.backends.MailhostBackend"]
# argon2id 19 MiB t=2 p=1 (OWASP's first choice): 22 ms; Django's default of 100 MiB costs 216 ms.
PASSWORD_HASHERS = ["apps.directory.hashers.Argon2idHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "apps.directory.strength.PasswordRules"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("address", "name")},
    },
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/mail/"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("uk", "Українська")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["mailhost.formats"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = MAILHOST_DATA / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
SERVESTATIC_USE_FINDERS = True

SESSION_ENGINE = "apps.accounts.sessions"
SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"
SESSION_COOKIE_NAME = "__Host-session" if WEB_TLS or TRUSTED_PROXIES else "session"
SESSION_COOKIE_SECURE = WEB_TLS or bool(TRUSTED_PROXIES)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_IDLE_HOURS: int = _values["SESSION_IDLE_HOURS"]
SESSION_HOURS: int = _values["SESSION_HOURS"]
SESSION_DAYS: int = _values["SESSION_DAYS"]
CSRF_COOKIE_NAME = "__Host-csrf" if SESSION_COOKIE_SECURE else "csrf"
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
# With "no-referrer" a browser sends "Origin: null" with our own forms, which CSRF must refuse.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# The web door itself redirects plain HTTP; behind a proxy the proxy does.
SECURE_SSL_REDIRECT = False
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000

# The interface for programs.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apps.api.scopes.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["apps.api.bodies.Json"],
    "DEFAULT_PARSER_CLASSES": ["apps.api.bodies.JsonBody"],
    "DEFAULT_SCHEMA_CLASS": "apps.api.headers.Telling",
    "EXCEPTION_HANDLER": "apps.api.problems.answer",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "URL_FORMAT_OVERRIDE": None,  # Accept says what is wanted
}
SPECTACULAR_SETTINGS = {
    "TITLE": "mailhost",
    "DESCRIPTION": "Everything that the console does, for programs.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "PATH_CONVERTER_OVERRIDES": {
        "ulid": {
            "type": "string",
            "pattern": "^[0-9A-HJKMNP-TV-Z]{26}$",
            "example": "01KB5SC2N0QJ5E8W3V9T7R4M6A",
        }
    },
    # What may stand in a field is told at the field: names that are made up change with others.
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SERVERS": [{"url": "/"}],
    "POSTPROCESSING_HOOKS": [
        "apps.api.schema.finish",
    ],
}

CELERY_BROKER_DIR = MAILHOST_DATA / "broker"
CELERY_APP = "mailhost.celery.app"  # the bell, on a lower floor, finds it by this name

LOGGING_CONFIG = None
LOGGING = logging_config(_values["LOG_LEVEL"], _values["LOG_FORMAT"])

logging.config.dictConfig(LOGGING)
