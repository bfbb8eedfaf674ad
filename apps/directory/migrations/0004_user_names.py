from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("directory", "0003_reception"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="user",
            index=models.Index(fields=["name"], name="user_name"),
        ),
    ]
