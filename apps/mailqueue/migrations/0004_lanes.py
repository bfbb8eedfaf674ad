from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mailqueue", "0003_reception"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="queuedmessage",
            name="queue_due",
        ),
        migrations.AddField(
            model_name="queuedmessage",
            name="lane",
            field=models.PositiveSmallIntegerField(choices=[(0, "Fast"), (1, "Heavy")], default=0),
        ),
        migrations.AddField(
            model_name="queuedmessage",
            name="is_cleared",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="queuedmessage",
            name="offered_until",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="queuedrecipient",
            name="state",
            field=models.CharField(
                choices=[
                    ("pending", "Pending"),
                    ("delivered", "Delivered"),
                    ("quarantined", "Quarantined"),
                    ("waiting", "Waiting"),
                    ("failed", "Failed"),
                    ("held", "Held"),
                    ("deleted", "Deleted"),
                    ("cancelled", "Cancelled"),
                    ("refused", "Refused"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="queuedmessage",
            index=models.Index(
                condition=models.Q(("state__in", ["accepted", "offered"])),
                fields=["lane", "lease_until", "hold_until", "received_at"],
                name="queue_due",
            ),
        ),
    ]
