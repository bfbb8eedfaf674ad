"""What became of each recipient. All that is kept is indexed and counted again, in the background:
what is there knows only what became of messages as a whole."""

from django.db import migrations, models

_OUTCOMES = [
    *("waiting", "deferred", "held", "quarantined", "delivered", "junk"),
    *("put off", "refused", "bounced", "cancelled", "deleted"),
]


class Migration(migrations.Migration):
    dependencies = [("trace", "0005_flow")]

    operations = [
        migrations.AddField(
            model_name="party",
            name="outcome",
            field=models.CharField(
                choices=[(one, one.title()) for one in _OUTCOMES], max_length=12, null=True
            ),
        ),
        migrations.AddField(
            model_name="party", name="took", field=models.BigIntegerField(null=True)
        ),
        migrations.AddField(
            model_name="party", name="counted_id", field=models.BigIntegerField(null=True)
        ),
        migrations.RunSQL("UPDATE trace_cursor SET event_id = 0", migrations.RunSQL.noop),
        migrations.RunSQL("UPDATE trace_flowtotal SET event_id = 0", migrations.RunSQL.noop),
    ]
