"""Run beside a client that openapi-python-client generated as `recuro`: `python use.py ADDRESS TOKEN`."""

import json
import sys

from recuro import AuthenticatedClient
from recuro.api.crons import create_cron, get_cron
from recuro.api.jobs import create_job, get_job
from recuro.models import CronCreate, InvalidFields, JobCreate

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2])

cron = create_cron.sync(
    client=client,
    body=CronCreate(name="by a generated client", url="https://a.example/", cron_expression="0 0 1 1 *"),
    idempotency_key="generated-1",
)
job = create_job.sync(client=client, body=JobCreate(queue="generated", url="https://a.example/"))
wrong = create_job.sync(client=client, body=JobCreate(queue="generated", url="no URL"))
assert isinstance(wrong, InvalidFields)

read_cron = get_cron.sync(cron.id, client=client)
read_job = get_job.sync(job.job_id, client=client)
print(json.dumps([read_cron.name, read_job.queue, list(wrong.errors.to_dict())]))
