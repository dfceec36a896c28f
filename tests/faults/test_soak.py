"""Everything at random, for as long as is asked: the same invariants, and a table of what was."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest
from django.db import connection

from tests.faults.chaos import Chaos
from tests.faults.ledger import EXPLAINED
from tests.faults.proxy import Mode
from tests.faults.stage import Stage

#: Seconds that everything may take to end when the misfortunes have.
LAST = 120.0
FLEET = 3

Act = Callable[[], None]


@pytest.fixture
def chaos(stage: Stage, chance: random.Random, request: pytest.FixtureRequest) -> Chaos:
    url = None
    if connection.vendor == "postgresql":
        url = request.getfixturevalue("proxied")

    def start(name: str) -> object:
        return stage.worker(
            "--name", name, "--queues", "default:6,children:2", "--processes", "2", url=url
        )

    stage.jobs_raise = True
    return Chaos(stage, chance, start)


@pytest.mark.fault("F50")
def test_a_short_random_soak(
    chaos: Chaos, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    run(chaos, request, capsys, minutes=0.25)


@pytest.mark.fault("F50")
@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_long_random_soak(
    chaos: Chaos, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    run(chaos, request, capsys, minutes=request.config.option.minutes)


def run(
    chaos: Chaos,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    minutes: float,
) -> None:
    """Three phases: workers suffer; the server restarts; the network is bad."""
    began = time.monotonic()
    chaos.fill_fleet(FLEET)
    phases: list[tuple[float, Act, tuple[float, float]]] = [(0.5, chaos.strike, (0.3, 2.0))]
    if connection.vendor == "postgresql":
        phases = [
            (0.45, chaos.strike, (0.3, 2.0)),
            (0.35, lambda: restart(chaos, request), (min(5, minutes * 10), min(20, minutes * 12))),
            (0.2, lambda: disturb(chaos, request), (0.5, 2.0)),
        ]
    for share, act, pauses in phases:
        until = time.monotonic() + minutes * 60 * share
        while time.monotonic() < until:
            chaos.fill_fleet(FLEET)
            act()
            rest = min(time.monotonic() + chaos.chance.uniform(*pauses), until)
            while time.monotonic() < rest:
                chaos.produce()
                time.sleep(0.1)
    chaos.fill_fleet(FLEET)
    chaos.stage.wait_until_done(LAST)
    table = chaos.account()
    with capsys.disabled():
        print(f"\n{request.node.name} on {connection.vendor}, --seed {request.config.option.seed}")
        rows = [("minutes", f"{(time.monotonic() - began) / 60:.1f}"), *table.rows()]
        rows += [(name, f"{count:,}") for name, count in sorted(chaos.counts.items())]
        for name, value in rows:
            print(f"| {name} | {value} |")
    chaos.stage.verify()
    with capsys.disabled():
        print("| invariants I1 to I10 | hold |")
    unexplained = table.duplicates.keys() - EXPLAINED
    assert not unexplained, f"executions that were repeated without a kill: {table.duplicates}"


def restart(chaos: Chaos, request: pytest.FixtureRequest) -> None:
    """The server is killed, and back within two seconds; now and then a worker is, too."""
    with request.getfixturevalue("cluster").away(chaos.chance.uniform(0, 2)):
        pass
    connection.close()
    chaos.counts["database restarts"] += 1
    if chaos.chance.random() < 0.5:
        chaos.kill_child()


def disturb(chaos: Chaos, request: pytest.FixtureRequest) -> None:
    """The network breaks, hangs or slows down for a moment."""
    proxy = request.getfixturevalue("proxy")
    what = chaos.chance.choice(["reset", "hole", "slow", "lost answer"])
    if what == "reset":
        proxy.reset()
    elif what == "lost answer":
        proxy.mode = Mode.LOSE_ANSWER
    else:
        proxy.mode = Mode.HOLE if what == "hole" else Mode.SLOW
        time.sleep(chaos.chance.uniform(0.5, 5))
        proxy.mode = Mode.PASS
    chaos.counts[f"network: {what}"] += 1
    if chaos.chance.random() < 0.3:
        chaos.kill_child()
