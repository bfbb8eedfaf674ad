"""What is in the queue knows the domain of who submitted it, to be found by that. Mail may come and
go meanwhile; what comes by a process of the version before is found by operators alone."""

import django.db.models.deletion
from django.db import migrations, models

from apps.runtime.indexes import AddIndexBeside


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("directory", "0012_domain_digest"),
        ("mailqueue", "0006_queue_lists"),
    ]

    operations = [
        migrations.AddField(
            model_name="queuedmessage",
            name="domain",
            field=models.ForeignKey(
                to="directory.domain",
                on_delete=django.db.models.deletion.DO_NOTHING,
                null=True,
                db_constraint=False,
                db_index=False,
            ),
        ),
        migrations.RunSQL(
            """UPDATE mailqueue_queuedmessage SET domain_id =
            (SELECT domain_id FROM directory_user WHERE directory_user.id = user_id)
            WHERE user_id IS NOT NULL AND state IN ('offered', 'accepted', 'routed', 'held')""",
            migrations.RunSQL.noop,
        ),
        AddIndexBeside(
            model_name="queuedmessage",
            index=models.Index(
                condition=models.Q(
                    ("domain__isnull", False),
                    ("state__in", ["offered", "accepted", "routed", "held"]),
                ),
                fields=["domain", "id", "state"],
                name="queue_sent",
            ),
        ),
        migrations.RemoveIndex(model_name="queuedmessage", name="queue_submitter"),
    ]
