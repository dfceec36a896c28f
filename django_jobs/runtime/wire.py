"""What a worker and the process of an isolated job tell each other: a JSON object per line."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django_jobs.execution import Attempt
from django_jobs.fingerprints import Signature
from django_jobs.outcome import Outcome
from django_jobs.states import Status
from django_jobs.stores.records import ClaimedJob, LogLine, Report

Message = dict[str, Any]

_CHUNK: Final = 65_536
#: Chunks that are received at a time.
MANY: Final = 16


def packed(message: Message) -> bytes:
    """A message as a line."""
    return json.dumps(message).encode() + b"\n"


def unpacked(line: bytes) -> Message:
    """The message of a line."""
    message: Message = json.loads(line)
    return message


class Receiver:
    """Puts lines together out of what has arrived; never waits.

    Args:
        wire: a socket that does not block.
    """

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._rest: list[bytes] = []
        self.is_at_end = False

    def messages(self, chunks: float = MANY) -> list[Message]:
        """Those that have arrived completely by now.

        Args:
            chunks: how often to receive, at most: whoever talks without end is not listened to
                without end.
        """
        arrived = b"".join(self._arrived(chunks))
        if b"\n" not in arrived:
            self._rest.append(arrived)
            return []
        *lines, rest = b"".join([*self._rest, arrived]).split(b"\n")
        self._rest = [rest]
        return [unpacked(line) for line in lines]

    def _arrived(self, chunks: float) -> Iterator[bytes]:
        while not self.is_at_end and chunks > 0:
            try:
                chunk = self._wire.recv(_CHUNK)
            except BlockingIOError:
                return
            except ConnectionError:
                chunk = b""
            self.is_at_end = not chunk
            chunks -= 1
            yield chunk


# The parts of messages


def job_as_json(job: ClaimedJob) -> Message:
    """A claimed job."""
    return {**asdict(job), "id": str(job.id)}


def job_from_json(message: Message) -> ClaimedJob:
    """The claimed job."""
    return ClaimedJob(**{**message, "id": UUID(message["id"])})


def line_as_json(line: LogLine) -> Message:
    """A log line."""
    return {**asdict(line), "at": line.at.isoformat()}


def line_from_json(message: Message) -> LogLine:
    """The log line."""
    return LogLine(**{**message, "at": datetime.fromisoformat(message["at"])})


def report_as_json(report: Report | None) -> Message:
    """What of a job's reports is not written yet; of which job, both sides know."""
    if report is None:
        return {"percent": None, "message": "", "lines": []}
    lines = [line_as_json(line) for line in report.lines]
    return {"percent": report.percent, "message": report.message, "lines": lines}


def attempt_as_json(done: Attempt) -> Message:
    """What came of an attempt, without the exception and the value: these stay where they are."""
    # Not asdict(): it would copy the exception, which may be anything.
    outcome = {
        one.name: getattr(done.outcome, one.name)
        for one in fields(Outcome)
        if one.name not in ("exception", "due")
    }
    due = done.outcome.due
    outcome["due"] = None if due is None else due.isoformat()
    return {"outcome": outcome, "duration": done.duration, "is_written": done.is_written}


def attempt_from_json(message: Message) -> Attempt:
    """What came of the attempt."""
    told = message["outcome"]
    due = None if told["due"] is None else datetime.fromisoformat(told["due"])
    signed = None if told["signature"] is None else Signature(*told["signature"])
    outcome = Outcome(**{**told, "status": Status(told["status"]), "due": due, "signature": signed})
    return Attempt(**{**message, "outcome": outcome})
