"""How often the users of a domain are told of mail that is held back; empty is the setting's."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("directory", "0011_user_lists"),
    ]

    operations = [
        migrations.AddField(
            model_name="domain",
            name="digest",
            field=models.CharField(blank=True, db_default="", default="", max_length=6),
        ),
    ]
