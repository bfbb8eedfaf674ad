"""What users were told of how full their mailboxes are."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mailstore", "0011_message_attached"), ("directory", "0005_access_tokens")]

    operations = [
        migrations.CreateModel(
            name="QuotaNotice",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="quota_notice",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("level", models.PositiveSmallIntegerField()),
                ("told_at", models.BigIntegerField()),
            ],
        ),
    ]
