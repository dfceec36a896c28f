"""What tells one failure from another: the job, the exception, and where it came from. Pure.

Line numbers are left out, and so are the frames of libraries: a release that moves code about
and a new version of Django do not make an old failure look like a new one.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from django_jobs.exceptions import JobTimeout, Retry

if TYPE_CHECKING:
    from types import FrameType

#: Characters of a fingerprint.
LENGTH: Final = 16
#: Characters that are kept of the name of an exception and of a frame.
NAME_LIMIT: Final = 200

#: Stands for the exception where none was raised: the process died while it ran the job.
PROCESS_DIED: Final = "process died"
_TIMEOUT: Final = f"{JobTimeout.__module__}.{JobTimeout.__qualname__}"

_OURS: Final = os.path.dirname(os.path.abspath(__file__)) + os.sep  # noqa: PTH100, PTH120
_STANDARD: Final = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")})
_LIBRARIES: Final = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
#: Frames of their own in some versions of Python only.
_INLINED: Final = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>"})

_HEAD: Final = re.compile(r"^Traceback \(most recent call last\):$", re.MULTILINE)
_GROUP_HEAD: Final = "Exception Group Traceback (most recent call last):"
_FRAME: Final = re.compile(r'^  File "(.+)", line \d+, in (.+)$')
_RAISED: Final = re.compile(r"^([A-Za-z_][\w.<>]*)(?::|$)")


class Signature(NamedTuple):
    """What failures of one kind have in common, besides the job.

    Attributes:
        fingerprint: 16 hexadecimal characters made of the job's name and the rest.
        exception_type: qualified name of the exception, or a word for what happened.
        frame: module and function where the application raised it; may be empty.
    """

    fingerprint: str
    exception_type: str
    frame: str


def signature(job_name: str, exception_type: str, frame: str = "") -> Signature:
    """The signature of failures of a job by an exception, or by something else, in a frame."""
    kept = (exception_type[:NAME_LIMIT], frame[:NAME_LIMIT])
    text = "\0".join([job_name, *kept]).encode("utf-8", "backslashreplace")
    return Signature(hashlib.sha256(text).hexdigest()[:LENGTH], *kept)


def signature_of(job_name: str, raised: BaseException) -> Signature:
    """The signature of what a job raised; never raises.

    A timeout strikes anywhere, so that its place says nothing; and ``Retry`` only says what is to
    be done about the exception that it was raised from.
    """
    try:
        told = _cause_of_retry(raised)
        if isinstance(told, JobTimeout):
            return signature(job_name, _TIMEOUT)
        frames = [(frame.f_code.co_filename, _frame_name(frame)) for frame in _frames(told)]
        return signature(job_name, _type_name(type(told)), _most_telling(frames))
    except Exception:  # noqa: BLE001 - exceptions are users' code, and theirs may be odd
        return signature(job_name, type(raised).__name__)


def signature_of_text(job_name: str, error: str, roots: Iterable[str] | None = None) -> Signature:
    """The signature told by a stored traceback: the one that its exception would have.

    Args:
        job_name: the job.
        error: what :attr:`Job.error <django_jobs.models.Job>` holds.
        roots: folders that modules are imported from; those of this process when omitted.
    """
    lines = _last_traceback(error)
    places = [match.groups() for line in lines if (match := _FRAME.match(line))]
    raised = next((line for line in _after_frames(lines) if line.strip()), "")
    found = _RAISED.match(raised)
    if found is None:
        return signature(job_name, raised.strip() or PROCESS_DIED)
    if found[1] == _TIMEOUT:
        return signature(job_name, _TIMEOUT)
    folders = sorted({root for root in roots or sys.path if root}, key=len, reverse=True)
    frames = [
        (path, f"{_module_of(path, folders)}.{function}")
        for path, function in places
        if function not in _INLINED
    ]
    return signature(job_name, found[1], _most_telling(frames))


def _cause_of_retry(raised: BaseException) -> BaseException:
    cause = raised.__cause__ or raised.__context__
    return cause if isinstance(raised, Retry) and cause is not None else raised


def _type_name(kind: type[BaseException]) -> str:
    """As a traceback writes it."""
    if kind.__module__ in ("builtins", "__main__"):
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def _frames(raised: BaseException) -> Iterator[FrameType]:
    """Outermost first."""
    step = raised.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_name not in _INLINED:
            yield step.tb_frame
        step = step.tb_next


def _frame_name(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__', '')}.{frame.f_code.co_name}"


def _most_telling(frames: list[tuple[str, str]]) -> str:
    """The name of the innermost frame of the application; if there is none, of them all."""
    for path, name in reversed(frames):
        if _is_application(path):
            return name
    return frames[-1][1] if frames else ""


def _is_application(path: str) -> bool:
    if path.startswith(("<", _OURS, *_STANDARD)):
        return False
    return not any(part in path for part in _LIBRARIES)


def _last_traceback(error: str) -> list[str]:
    """The lines of the exception that was raised last; of a group, not those inside it."""
    whole = error.splitlines()
    inner = next((n for n, line in enumerate(whole) if line.lstrip().startswith("+-+--")), None)
    if inner is not None:
        whole = [line[4:] if line[:4] in ("  | ", "  + ") else line for line in whole[:inner]]
    starts = [
        number for number, line in enumerate(whole) if _HEAD.match(line) or line == _GROUP_HEAD
    ]
    return whole[starts[-1] + 1 :] if starts else whole


def _after_frames(lines: list[str]) -> list[str]:
    indented = [number for number, line in enumerate(lines) if line.startswith("  ")]
    return lines[indented[-1] + 1 :] if indented else lines


def _module_of(path: str, folders: list[str]) -> str:
    for folder in folders:
        inside = folder.rstrip(os.sep) + os.sep
        if path.startswith(inside):
            path = path[len(inside) :]
            break
    else:
        path = path.rpartition(os.sep)[2]
    return path.removesuffix(".py").removesuffix(f"{os.sep}__init__").replace(os.sep, ".")
