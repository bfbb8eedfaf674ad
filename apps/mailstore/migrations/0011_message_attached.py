"""Which messages have attachments, without reading their wide rows: searching asks it of all mail of
a user. The index holds nothing but these messages' ids."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mailstore", "0010_set_aside")]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["id"],
                condition=models.Q(has_attachments=True),
                name="message_attached",
            ),
        )
    ]
