"""A fresh interpreter that starts Django, for ``importing``: prints how long it took."""

from __future__ import annotations

import json
import os
import threading
import time


def main() -> None:
    """Start a site, with django_jobs among its apps or not."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    began, used = time.perf_counter(), time.process_time()
    import django

    django.setup()
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    from django.db import connections

    opened = [one.alias for one in connections.all(initialized_only=True) if one.connection]
    told = {"ms": seconds * 1000, "cpu_ms": cpu * 1000}
    print(json.dumps({**told, "threads": threading.active_count(), "connections": len(opened)}))


if __name__ == "__main__":
    main()
