"""APScheduler 3 with its Redis job store: so many cron jobs that fall due in one second, and how late each started.

`python apscheduler_scheduler.py SOCKET JOBS DUE FILE`: the Redis' unix socket, how many, the moment (s since 1970), and
where to write the latenesses (ms, JSON).
"""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from apscheduler.jobstores.redis import RedisJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

PATIENCE_SECONDS = 60.0
DUE = float(sys.argv[3])
STARTED: list[float] = []


def note() -> None:
    STARTED.append(1000 * (time.time() - DUE))


def main() -> None:
    socket, jobs, file = sys.argv[1], int(sys.argv[2]), Path(sys.argv[4])
    at = datetime.fromtimestamp(DUE, UTC)
    trigger = CronTrigger(hour=at.hour, minute=at.minute, second=at.second, timezone=UTC)
    store = RedisJobStore(unix_socket_path=socket)
    scheduler = BackgroundScheduler(jobstores={"default": store}, timezone=UTC)
    scheduler.start(paused=True)
    for number in range(jobs):
        scheduler.add_job(note, trigger, id=str(number), misfire_grace_time=None, coalesce=True)
    made = time.time()
    scheduler.resume()
    while len(STARTED) < jobs and time.time() < DUE + PATIENCE_SECONDS:
        time.sleep(0.1)
    file.write_text(json.dumps({"lateness": STARTED, "ready_before": DUE - made}))
    scheduler.shutdown(wait=False)


if __name__ == "__main__":
    main()
