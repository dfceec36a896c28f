from django.db import migrations

from django_jobs.models import mysql


class Migration(migrations.Migration):

    dependencies = [
        ('django_jobs', '0004_recover'),
    ]

    operations = [
        migrations.RunPython(mysql.prepare, migrations.RunPython.noop, atomic=False),
    ]
