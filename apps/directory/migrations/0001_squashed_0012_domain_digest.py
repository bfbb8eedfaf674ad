"""Organizations, domains, users, and all that finds them."""

import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from apps.runtime.tables import MakeTables


class Migration(migrations.Migration):
    replaces = [
        ("directory", "0001_initial"),
        ("directory", "0002_outgoing"),
        ("directory", "0003_reception"),
        ("directory", "0004_user_names"),
        ("directory", "0005_access_tokens"),
        ("directory", "0006_accounts"),
        ("directory", "0007_target_address"),
        ("directory", "0008_mta_sts"),
        ("directory", "0009_console_lists"),
        ("directory", "0010_user_seen_at"),
        ("directory", "0011_user_lists"),
        ("directory", "0012_domain_digest"),
    ]

    initial = True

    dependencies = []

    operations = [
        MakeTables(
            [
                migrations.CreateModel(
                    name="Organization",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("name", models.CharField(max_length=200, unique=True)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("active", "Active"),
                                    ("locked", "Locked"),
                                    ("suspended", "Suspended"),
                                ],
                                default="active",
                                max_length=12,
                            ),
                        ),
                        ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("max_domains", models.PositiveIntegerField(blank=True, null=True)),
                        ("max_storage", models.BigIntegerField(blank=True, null=True)),
                        ("max_users", models.PositiveIntegerField(blank=True, null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="Domain",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("name", models.CharField(max_length=253, unique=True)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("active", "Active"),
                                    ("locked", "Locked"),
                                    ("suspended", "Suspended"),
                                ],
                                default="active",
                                max_length=12,
                            ),
                        ),
                        (
                            "detail_separator",
                            models.CharField(blank=True, default="+", max_length=1),
                        ),
                        ("default_quota", models.BigIntegerField(blank=True, null=True)),
                        ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                        (
                            "alias_of",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="alias_domains",
                                to="directory.domain",
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="domains",
                                to="directory.organization",
                            ),
                        ),
                        ("adds_sender", models.BooleanField(default=False)),
                        (
                            "kind",
                            models.CharField(
                                choices=[("hosted", "Hosted"), ("relay", "Relay")],
                                default="hosted",
                                max_length=6,
                            ),
                        ),
                        (
                            "relay_check",
                            models.CharField(
                                choices=[
                                    ("list", "List"),
                                    ("call_ahead", "Call Ahead"),
                                    ("any", "Any"),
                                ],
                                default="call_ahead",
                                max_length=10,
                            ),
                        ),
                        (
                            "dmarc_policy",
                            models.CharField(
                                choices=[
                                    ("report", "Report"),
                                    ("junk", "Junk"),
                                    ("reject", "Reject"),
                                ],
                                default="reject",
                                max_length=6,
                            ),
                        ),
                        ("greylists", models.BooleanField(default=False)),
                        (
                            "list_policy",
                            models.CharField(
                                choices=[
                                    ("report", "Report"),
                                    ("junk", "Junk"),
                                    ("reject", "Reject"),
                                ],
                                default="reject",
                                max_length=6,
                            ),
                        ),
                        (
                            "factor_demand",
                            models.CharField(
                                choices=[
                                    ("nobody", "Nobody"),
                                    ("administrators", "Administrators"),
                                    ("everybody", "Everybody"),
                                ],
                                default="nobody",
                                max_length=14,
                            ),
                        ),
                        ("factor_due_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "password_length",
                            models.PositiveSmallIntegerField(blank=True, null=True),
                        ),
                        ("sts_id", models.CharField(blank=True, default="", max_length=32)),
                        (
                            "sts_mode",
                            models.CharField(
                                choices=[
                                    ("none", "None"),
                                    ("testing", "Testing"),
                                    ("enforce", "Enforce"),
                                ],
                                default="none",
                                max_length=7,
                            ),
                        ),
                        (
                            "digest",
                            models.CharField(blank=True, db_default="", default="", max_length=6),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="User",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("password", models.CharField(max_length=128, verbose_name="password")),
                        (
                            "last_login",
                            models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                        ),
                        ("key", models.CharField(max_length=320, unique=True)),
                        ("address", models.CharField(max_length=320)),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("person", "Person"),
                                    ("shared", "Shared"),
                                    ("resource", "Resource"),
                                ],
                                default="person",
                                max_length=10,
                            ),
                        ),
                        ("name", models.CharField(blank=True, default="", max_length=200)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("active", "Active"),
                                    ("locked", "Locked"),
                                    ("suspended", "Suspended"),
                                    ("removed", "Removed"),
                                ],
                                default="active",
                                max_length=12,
                            ),
                        ),
                        ("removed_at", models.DateTimeField(blank=True, null=True)),
                        ("quota", models.BigIntegerField(default=0)),
                        ("credential_version", models.PositiveIntegerField(default=1)),
                        ("scram_salt", models.BinaryField(default=b"", max_length=16)),
                        ("scram_iterations", models.PositiveIntegerField(default=0)),
                        ("scram_stored_key", models.BinaryField(default=b"", max_length=32)),
                        ("scram_server_key", models.BinaryField(default=b"", max_length=32)),
                        ("must_change_password", models.BooleanField(default=False)),
                        ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                        (
                            "domain",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="users",
                                to="directory.domain",
                            ),
                        ),
                        ("forwarding", models.CharField(blank=True, default="", max_length=4)),
                        ("has_factor", models.BooleanField(default=False)),
                        ("password_changed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "recovery_address",
                            models.CharField(blank=True, default="", max_length=320),
                        ),
                        ("recovery_confirmed_at", models.DateTimeField(blank=True, null=True)),
                        ("seen_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["domain", "key"], name="user_domain"),
                            models.Index(fields=["name"], name="user_name"),
                            models.Index(fields=["kind", "key"], name="user_kind"),
                            models.Index(
                                django.db.models.functions.comparison.Coalesce(
                                    "seen_at", "created_at"
                                ),
                                models.F("id"),
                                name="user_idle",
                            ),
                            models.Index(
                                condition=models.Q(("removed_at__isnull", False)),
                                fields=["removed_at", "id"],
                                name="user_removed",
                            ),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("state", "removed"),
                                    ("removed_at__isnull", False),
                                    _connector="XOR",
                                    _negated=True,
                                ),
                                name="user_removed_when",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RoleGrant",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        (
                            "role",
                            models.CharField(
                                choices=[
                                    ("operator", "Operator"),
                                    ("reseller", "Reseller"),
                                    ("domain_admin", "Domain Admin"),
                                    ("helpdesk", "Helpdesk"),
                                ],
                                max_length=12,
                            ),
                        ),
                        (
                            "domain",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                to="directory.domain",
                            ),
                        ),
                        (
                            "organization",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                to="directory.organization",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="grants",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("may_reset", models.BooleanField(default=False)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(
                                    ("domain__isnull", True), ("organization__isnull", True)
                                ),
                                fields=("role", "user"),
                                name="grant_once_everywhere",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("organization__isnull", False)),
                                fields=("organization", "role", "user"),
                                name="grant_once_in_organization",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("domain__isnull", False)),
                                fields=("domain", "role", "user"),
                                name="grant_once_in_domain",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("domain__isnull", True),
                                        ("organization__isnull", True),
                                        ("role", "operator"),
                                    ),
                                    models.Q(
                                        models.Q(("role", "operator"), _negated=True),
                                        models.Q(
                                            ("organization__isnull", True),
                                            ("domain__isnull", True),
                                            _connector="XOR",
                                        ),
                                    ),
                                    _connector="OR",
                                ),
                                name="grant_has_its_scope",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Alias",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("exact", "Exact"),
                                    ("wildcard", "Wildcard"),
                                    ("regex", "Regex"),
                                    ("catch_all", "Catch All"),
                                ],
                                default="exact",
                                max_length=10,
                            ),
                        ),
                        ("local", models.CharField(blank=True, default="", max_length=200)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("active", "Active"),
                                    ("locked", "Locked"),
                                    ("suspended", "Suspended"),
                                ],
                                default="active",
                                max_length=12,
                            ),
                        ),
                        ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                        (
                            "domain",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="aliases",
                                to="directory.domain",
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("kind__in", ["wildcard", "regex"])),
                                fields=["domain"],
                                name="alias_wildcards",
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("domain", "local"), name="alias_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AliasTarget",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("address", models.CharField(max_length=320)),
                        (
                            "alias",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="targets",
                                to="directory.alias",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(fields=("alias", "address"), name="target_once")
                        ],
                        "indexes": [
                            models.Index(
                                django.db.models.functions.text.Lower("address"),
                                name="target_address",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Forward",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("address", models.CharField(max_length=320)),
                        ("digest", models.BinaryField(default=b"", max_length=32)),
                        ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                        ("keeps_copy", models.BooleanField(default=True)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="forwards",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(fields=("user", "address"), name="forward_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RelayRecipient",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("key", models.CharField(max_length=320, unique=True)),
                        (
                            "domain",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="relay_recipients",
                                to="directory.domain",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Transport",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        (
                            "scope",
                            models.CharField(
                                choices=[
                                    ("recipient", "Recipient"),
                                    ("sender", "Sender"),
                                    ("all", "All"),
                                ],
                                max_length=9,
                            ),
                        ),
                        ("domain", models.CharField(blank=True, default="", max_length=254)),
                        (
                            "protocol",
                            models.CharField(
                                choices=[("smtp", "Smtp"), ("lmtp", "Lmtp")],
                                default="smtp",
                                max_length=4,
                            ),
                        ),
                        ("host", models.CharField(max_length=253)),
                        ("port", models.PositiveIntegerField()),
                        (
                            "tls",
                            models.CharField(
                                choices=[
                                    ("none", "None"),
                                    ("opportunistic", "Opportunistic"),
                                    ("encrypt", "Encrypt"),
                                    ("verify", "Verify"),
                                    ("implicit", "Implicit"),
                                ],
                                default="opportunistic",
                                max_length=13,
                            ),
                        ),
                        ("username", models.CharField(blank=True, default="", max_length=320)),
                        ("secret", models.BinaryField(default=b"")),
                        ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("scope", "domain"), name="transport_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DkimKey",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("selector", models.CharField(max_length=63)),
                        (
                            "algorithm",
                            models.CharField(
                                choices=[("rsa", "Rsa"), ("ed25519", "Ed25519")], max_length=7
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("pending", "Pending"),
                                    ("active", "Active"),
                                    ("retiring", "Retiring"),
                                    ("retired", "Retired"),
                                ],
                                default="pending",
                                max_length=8,
                            ),
                        ),
                        ("secret", models.BinaryField(default=b"")),
                        ("public", models.TextField()),
                        ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
                        (
                            "domain",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="dkim_keys",
                                to="directory.domain",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(fields=("domain", "selector"), name="dkim_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AppPassword",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("name", models.CharField(max_length=100)),
                        ("digest", models.BinaryField(max_length=32, unique=True)),
                        ("scram_stored_key", models.BinaryField(default=b"", max_length=32)),
                        ("scram_server_key", models.BinaryField(default=b"", max_length=32)),
                        ("protocols", models.CharField(blank=True, default="", max_length=60)),
                        ("networks", models.TextField(default="[]")),
                        ("expires_at", models.DateTimeField(blank=True, null=True)),
                        ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("last_used_at", models.DateTimeField(blank=True, null=True)),
                        ("last_used_from", models.CharField(blank=True, default="", max_length=45)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="app_passwords",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="AccessToken",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("name", models.CharField(max_length=100)),
                        ("digest", models.BinaryField(max_length=32, unique=True)),
                        ("scopes", models.CharField(max_length=60)),
                        ("expires_at", models.DateTimeField(blank=True, null=True)),
                        ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("last_used_at", models.DateTimeField(blank=True, null=True)),
                        ("last_used_from", models.CharField(blank=True, default="", max_length=45)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="access_tokens",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("user", "name"), name="directory_accesstoken_name"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Delegation",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("may_send_as", models.BooleanField(default=False)),
                        ("may_send_on_behalf", models.BooleanField(default=False)),
                        (
                            "delegate",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="delegated",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "owner",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="delegations",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("owner", "delegate"), name="delegation_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SendLimit",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("messages_per_hour", models.PositiveIntegerField(blank=True, null=True)),
                        ("messages_per_day", models.PositiveIntegerField(blank=True, null=True)),
                        ("recipients_per_hour", models.PositiveIntegerField(blank=True, null=True)),
                        ("recipients_per_day", models.PositiveIntegerField(blank=True, null=True)),
                        (
                            "recipients_per_message",
                            models.PositiveIntegerField(blank=True, null=True),
                        ),
                        (
                            "domain",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                to="directory.domain",
                            ),
                        ),
                        (
                            "organization",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                to="directory.organization",
                            ),
                        ),
                        (
                            "user",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("domain__isnull", True),
                                        ("organization__isnull", True),
                                        ("user__isnull", False),
                                    ),
                                    models.Q(
                                        ("domain__isnull", False),
                                        ("organization__isnull", True),
                                        ("user__isnull", True),
                                    ),
                                    models.Q(
                                        ("domain__isnull", True),
                                        ("organization__isnull", False),
                                        ("user__isnull", True),
                                    ),
                                    _connector="OR",
                                ),
                                name="send_limit_has_its_scope",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SendCount",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("scope", models.CharField(max_length=24)),
                        ("period", models.CharField(max_length=8)),
                        ("messages", models.PositiveIntegerField(default=0)),
                        ("recipients", models.PositiveIntegerField(default=0)),
                        ("is_told", models.BooleanField(default=False)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("scope", "period"), name="send_count_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="OneTimeLink",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("purpose", models.CharField(max_length=20)),
                        ("digest", models.BinaryField(max_length=32, unique=True)),
                        ("expires_at", models.DateTimeField()),
                        ("used_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "user",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("address", models.CharField(blank=True, default="", max_length=320)),
                    ],
                ),
                migrations.CreateModel(
                    name="SignIn",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("digest", models.BinaryField(max_length=16, unique=True)),
                        (
                            "outcome",
                            models.CharField(
                                choices=[
                                    ("ok", "Ok"),
                                    ("wrong", "Wrong"),
                                    ("refused", "Refused"),
                                    ("suspended", "Suspended"),
                                ],
                                max_length=9,
                            ),
                        ),
                        ("door", models.CharField(max_length=10)),
                        (
                            "means",
                            models.CharField(
                                choices=[
                                    ("password", "Password"),
                                    ("totp", "Totp"),
                                    ("recovery_code", "Recovery Code"),
                                    ("passkey", "Passkey"),
                                    ("trusted_device", "Trusted Device"),
                                    ("app_password", "App Password"),
                                    ("token", "Token"),
                                    ("acting", "Acting"),
                                ],
                                max_length=14,
                            ),
                        ),
                        ("via", models.CharField(blank=True, default="", max_length=320)),
                        ("address", models.CharField(blank=True, default="", max_length=45)),
                        ("client", models.CharField(blank=True, default="", max_length=200)),
                        ("is_new_place", models.BooleanField(default=False)),
                        ("first_at", models.DateTimeField()),
                        ("last_at", models.DateTimeField()),
                        ("times", models.PositiveIntegerField(default=1)),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="sign_ins",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["user", "-last_at"], name="signin_of_user")
                        ],
                    },
                ),
            ]
        ),
    ]
