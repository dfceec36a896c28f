"""graphile-worker: Node and PostgreSQL, the fastest of all; the work is done by its own script."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

NAME = "graphile-worker"
PACKAGES = []
PYTHON = "3.11"
NEEDS = ["postgres", "node"]
SETTINGS = (
    "the preset of its performance guide: concurrentJobs 24, maxPoolSize 25, localQueue of 500, "
    "completeJobBatchDelay and failJobBatchDelay 0; refetchDelay 10 ms as in its own benchmark; "
    "no log line per job (NO_LOG_SUCCESS); 2 processes; the Node.js release it asks for, from npm"
)
PROCESSES = 2
REMAINING_SQL = "SELECT count(*) FROM graphile_worker._private_jobs"
DRAIN_JOBS = 150_000

SCRIPT = Path(__file__).resolve().parent / "graphile_worker" / "peer.mjs"


def install(folder: Path) -> None:
    """Install the package, and a Node.js that is new enough for it, unless they are there."""
    if (folder / "node_modules" / "graphile-worker").is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    wanted = ("graphile-worker@latest", "node@24")
    command = ["npm", "install", "--prefix", str(folder), "--no-fund", "--no-audit", *wanted]
    subprocess.run(command, check=True, stdout=sys.stderr)


def main() -> None:
    """Become the Node.js process that does what the command line says."""
    folder = Path(os.environ["BENCH_CACHE"]).resolve() / "graphile-worker"
    if sys.argv[1:2] == ["prepare"]:
        install(folder)
    installed = folder / "node_modules" / ".bin" / "node"
    node = str(installed) if installed.exists() else "node"
    os.environ.update(GRAPHILE_WORKER_FOLDER=str(folder), NO_LOG_SUCCESS="1")
    os.execvp(node, [node, str(SCRIPT), *sys.argv[1:]])  # noqa: S606


if __name__ == "__main__":
    main()
