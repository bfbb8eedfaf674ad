from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("blobs", "0002_tables"),
        ("scan", "0004_attachments"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="quarantined",
            name="is_wanted",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name="quarantined",
            name="reason",
            field=models.CharField(choices=[("virus", "Virus"), ("harmful", "Harmful"), ("attachment", "Attachment"), ("phishing", "Phishing"), ("spam", "Spam")], max_length=12),
        ),
    ]
