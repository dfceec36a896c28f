"""How fast django_jobs is: measured beside bare SQL and other queues, in one run.

``python -m benchmarks --help``; the method is explained in ``docs/benchmarks.md``.
"""
