"""What users say of mail, for the spam filter to learn."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mailstore", "0005_line_sizes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="JunkMark",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("blob_id", models.UUIDField(db_index=True)),
                (
                    "judged",
                    models.CharField(
                        choices=[
                            ("spam", "Spam"),
                            ("ham", "Ham"),
                            ("kept", "Kept"),
                            ("unspam", "Unspam"),
                            ("unham", "Unham"),
                        ],
                        max_length=8,
                    ),
                ),
                ("at", models.BigIntegerField()),
                ("tries", models.SmallIntegerField(default=0)),
                ("lease_until", models.BigIntegerField(default=0)),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
    ]
