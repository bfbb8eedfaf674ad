"""How much longer POP3 makes a message; what was filed before has no row and is listed as it is kept."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mailstore", "0004_expunged_bytes")]

    operations = [
        migrations.CreateModel(
            name="LineSize",
            fields=[
                (
                    "message",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="mailstore.message",
                    ),
                ),
                ("growth", models.BigIntegerField()),
                ("ascii_growth", models.BigIntegerField()),
            ],
        ),
    ]
