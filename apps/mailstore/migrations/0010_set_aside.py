"""Where `fsck` puts rows that it takes out of the way."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mailstore", "0009_expunged_fate")]

    operations = [
        migrations.CreateModel(
            name="SetAside",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.BigIntegerField()),
                ("kind", models.CharField(max_length=20)),
                ("place", models.CharField(max_length=1500)),
                ("row", models.TextField()),
            ],
        ),
    ]
