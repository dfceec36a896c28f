"""Check of the disk that a SQLite file lies on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning
from django.db import connections, router

from django_jobs.models import Job

MOUNTS: Final = Path("/proc/mounts")

#: File systems whose locks SQLite cannot rely on, and that share no memory between machines, which
#: WAL needs (sqlite.org/wal.html and /howtocorrupt.html).
NETWORKED: Final = frozenset(
    {"9p", "afs", "ceph", "cifs", "drvfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"}
    | {"fuse.cephfs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"}
)

_ESCAPE: Final = re.compile(r"\\([0-7]{3})")


@register
def check_sqlite_disk(**_: Any) -> list[CheckMessage]:
    """W009: the SQLite file lies on a disk of another machine."""
    alias = router.db_for_write(Job)
    if alias not in connections or connections[alias].vendor != "sqlite":
        return []
    database: Any = connections[alias]
    if database.is_in_memory_db():
        return []
    kind = network_disk(Path(str(database.settings_dict["NAME"])))
    if not kind:
        return []
    return [
        CheckWarning(
            f'DATABASES["{alias}"]: the SQLite file lies on a network disk ({kind}), whose locks '
            "may fail: two writers then damage it.",
            hint="Put it on a disk of this machine, or use PostgreSQL.",
            id="django_jobs.W009",
        )
    ]


def network_disk(file: Path) -> str:
    """The kind of the network file system that ``file`` lies on; empty if it is a local one."""
    folder = file.resolve().parent
    kind = ""
    # In the order of mounting: a later line hides an earlier one at the same place.
    deepest = -1
    for place, found in _mounts():
        if folder.is_relative_to(place) and len(place.parts) >= deepest:
            deepest, kind = len(place.parts), found
    return kind if kind in NETWORKED else ""


def _mounts() -> Iterator[tuple[Path, str]]:
    """Places and kinds of file systems; none where there is no such list, as on macOS."""
    with suppress(OSError):
        for line in MOUNTS.read_text(errors="replace").splitlines():
            _device, place, kind, *_ = line.split(" ")
            yield Path(_ESCAPE.sub(_unescaped, place)), kind


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1], 8))
