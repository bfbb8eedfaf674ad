import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "0003_reception"),
        ("scan", "0003_lessons"),
    ]

    operations = [
        migrations.CreateModel(
            name="AttachmentPolicy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("what", models.CharField(max_length=9)),
                ("value", models.CharField(max_length=100)),
                ("action", models.CharField(max_length=10)),
                ("domain", models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="directory.domain")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("domain", "what", "value"), name="attachment_policy_of_domain"),
                    models.UniqueConstraint(condition=models.Q(("domain__isnull", True)), fields=("what", "value"), name="attachment_policy_of_server"),
                ],
            },
        ),
    ]
