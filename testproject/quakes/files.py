"""Where the demo's files go."""

from __future__ import annotations

import re
from pathlib import Path
from secrets import token_hex
from typing import Final

from django.conf import settings
from django.utils.text import slugify

#: What :func:`clear` removes; nothing else in the folders is touched.
PATTERNS: Final = ("*.svg", "*.json", "reports/*.md")


def output_folder() -> Path:
    """For everything but mails and logs; not under version control."""
    folder: Path = getattr(settings, "OUTPUT_FOLDER", settings.PROJECT_FOLDER / "output")
    return folder


def outbox() -> Path:
    """For mails."""
    folder: Path = settings.OUTBOX_FOLDER
    return folder


def write(name: str, text: str) -> str:
    """Write a file below the output folder, all or nothing; return ``name``.

    Whoever reads the file meanwhile, or after a crash, sees the old one or the new one.
    """
    path = output_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{token_hex(4)}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
    return name


def report_name(region: str) -> str:
    """The file name of a region's report."""
    return f"reports/{slugify(region) or 'unknown'}.md"


def written() -> list[Path]:
    """The files that jobs wrote since the last :func:`clear`."""
    folder = output_folder()
    return sorted(path for pattern in PATTERNS for path in folder.glob(pattern))


def count_mails() -> int:
    """How many mails lie in the outbox; a file may hold several."""
    texts = (path.read_text(encoding="utf-8") for path in outbox().glob("*.log"))
    return sum(len(re.findall(r"^Message-ID:", text, re.MULTILINE)) for text in texts)


def clear() -> None:
    """Remove what an earlier run wrote."""
    for path in [*written(), *outbox().glob("*.log")]:
        path.unlink(missing_ok=True)


def shown(path: Path) -> str:
    """A path for people: relative to the project, if it lies in it."""
    base: Path = settings.BASE_DIR
    return str(path.relative_to(base) if path.is_relative_to(base) else path)
