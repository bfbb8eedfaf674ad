from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name='Scanned',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('trace_id', models.UUIDField()),
                ('message_id', models.CharField(max_length=500)),
                ('source', models.UUIDField()),
                ('at', models.BigIntegerField()),
                ('points', models.FloatField()),
                ('action', models.PositiveSmallIntegerField()),
                ('is_refused', models.BooleanField(default=False)),
                ('engine', models.CharField(max_length=16)),
                ('look_at', models.BigIntegerField()),
                ('data', models.BinaryField()),
            ],
            options={
                'indexes': [models.Index(fields=['trace_id'], name='scanned_trace'), models.Index(fields=['message_id'], name='scanned_message'), models.Index(fields=['at'], name='scanned_time'), models.Index(fields=['look_at'], name='scanned_age')],
            },
        ),
    ]
