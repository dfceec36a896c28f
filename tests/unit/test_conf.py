from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.test import override_settings

from django_jobs import conf
from django_jobs.conf import config
from django_jobs.conf.aliases import ALIASES
from django_jobs.conf.keys import KEYS
from django_jobs.conf.reading import Reading, collect
from django_jobs.exceptions import InvalidConfiguration, InvalidOption, InvalidQueueName


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No variable of the machine that runs the tests counts."""
    for name in list(ALIASES) + [f"DJANGO_JOBS_{key}" for key in KEYS]:
        for suffix in ("", "_MS", "_SECONDS"):
            monkeypatch.delenv(name + suffix, raising=False)
    conf.clear_overrides()
    yield
    monkeypatch.undo()
    conf.clear_overrides()


def reading(settings: Any = None, *, overrides: Any = None, **environment: str) -> Reading:
    return collect(overrides or {}, {} if settings is None else settings, environment)


def the_problem(read: Reading) -> str:
    assert len(read.problems) == 1, read.problems
    return str(read.problems[0])


# Sources


def test_the_defaults_are_themselves_valid() -> None:
    read = reading()
    assert read.problems == []
    assert read.values["LEASE"] == 60
    assert set(read.sources.values()) == {"default"}
    for key in KEYS.values():
        key.kind.check(key.default)
        assert key.help.endswith(".")


@pytest.mark.parametrize(
    ("settings", "overrides", "environment", "value", "source"),
    [
        ({"CLEANUP_INTERVAL": 100}, {"CLEANUP_INTERVAL": 90}, "110", 90, "command line"),
        ({"CLEANUP_INTERVAL": 100}, {}, "110", 100, "settings.DJANGO_JOBS['CLEANUP_INTERVAL']"),
        ({}, {}, "110", 110, "environment DJANGO_JOBS_CLEANUP_INTERVAL"),
        ({}, {}, None, 120, "environment JOB_TRACKING_CLEANUP_INTERVAL_MS"),
    ],
)
def test_the_strongest_source_wins(
    settings: Any, overrides: Any, environment: str | None, value: float, source: str
) -> None:
    variables = {"JOB_TRACKING_CLEANUP_INTERVAL_MS": "120000"}
    if environment:
        variables["DJANGO_JOBS_CLEANUP_INTERVAL"] = environment
    read = reading(settings, overrides=overrides, **variables)
    assert read.problems == []
    assert read.values["CLEANUP_INTERVAL"] == value
    assert read.sources["CLEANUP_INTERVAL"] == source


@pytest.mark.parametrize(
    ("variable", "text", "key", "value"),
    [
        ("JOB_TRACKING_ENABLED", "false", "TRACKING_ENABLED", False),
        ("JOB_TRACKING_PERSIST_TRANSITIONS", "no", "TRACKING_PERSIST_TRANSITIONS", False),
        ("JOB_TRACKING_CLEANUP_ENABLED", "true", "CLEANUP_ENABLED", True),
        ("JOB_TRACKING_CLEANUP_RETENTION_DAYS", "7", "CLEANUP_RETENTION_DAYS", 7.0),
        ("JOB_TRACKING_CLEANUP_INTERVAL", "300", "CLEANUP_INTERVAL", 300.0),
        ("JOB_TRACKING_CLEANUP_INTERVAL_SECONDS", "300", "CLEANUP_INTERVAL", 300.0),
        ("JOB_TRACKING_CLEANUP_INTERVAL_MS", "21600000", "CLEANUP_INTERVAL", 21_600.0),
        ("JOB_TRACKING_CLEANUP_MAX_BATCHES", "4", "CLEANUP_MAX_BATCHES", 4),
        ("WORKER_CONCURRENCY", "5", "CONCURRENCY", 5),
        ("WORKER_RETRIES", "2", "MAX_ATTEMPTS", 2),
    ],
)
def test_variables_of_the_source_systems_are_read(
    variable: str, text: str, key: str, value: object
) -> None:
    read = reading(**{variable: text})
    assert read.problems == []
    assert read.values[key] == value
    assert read.sources[key] == f"environment {variable}"


def test_every_alias_names_a_key() -> None:
    assert set(ALIASES.values()) <= set(KEYS)


# Values


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("LEASE", "6", 6.0),
        ("LEASE", " 6.5 ", 6.5),
        ("HEARTBEAT", "2", 2.0),
        ("GRACE", "0", 0.0),
        ("CONCURRENCY", "7", 7),
        ("NOTIFY", "off", False),
        ("NOTIFY", "YES", True),
        ("NOTIFY", " 1 ", True),
        ("QUEUES", "critical:5,default:10,bulk", {"critical": 5, "default": 10, "bulk": 10}),
        ("CODEC", "package.module.Class", "package.module.Class"),
        ("BACKOFF", "linear", "linear"),
        ("BACKOFF", "10, 60,300", [10.0, 60.0, 300.0]),
        ("CLEANUP_RETENTION", "completed=7,failed=90.5", {"completed": 7.0, "failed": 90.5}),
        ("CLEANUP_RETENTION", '{"completed": 7}', {"completed": 7.0}),
        ("MAX_JOBS", "100", 100),
        ("MAX_RSS", "300M", 300 * 2**20),
        ("MAX_RSS", " 2g ", 2 * 2**30),
        ("MAX_RSS", "2GB", 2 * 2**30),
        ("MAX_RSS", "4096k", 2**22),
        ("MAX_RSS", "104857600", 104_857_600),
    ],
)
def test_texts_of_the_environment_get_their_type(key: str, text: str, value: object) -> None:
    read = reading(**{f"DJANGO_JOBS_{key}": text})
    assert read.problems == []
    assert read.values[key] == value
    assert type(read.values[key]) is type(value)


def _delay(failures: int, exception: BaseException | None) -> float:
    return 1.0


@pytest.mark.parametrize(
    ("key", "given", "value"),
    [
        ("LEASE", 6, 6.0),
        ("HEARTBEAT", None, None),
        ("QUEUES", {"mail": 3}, {"mail": 3}),
        ("QUEUES", ["mail", "bulk"], {"mail": 10, "bulk": 10}),
        ("QUEUES", ("mail",), {"mail": 10}),
        ("QUEUES", "mail:2,bulk", {"mail": 2, "bulk": 10}),
        ("QUEUES", {}, {}),
        ("MAX_JOBS", None, None),
        ("MAX_RSS", None, None),
        ("MAX_RSS", "1G", 2**30),
        ("BACKOFF", [1, 2], [1, 2]),
        ("BACKOFF", _delay, _delay),
        ("CLEANUP_RETENTION", {"completed": 1, "failed": 2.5}, {"completed": 1.0, "failed": 2.5}),
    ],
)
def test_values_of_the_settings(key: str, given: object, value: object) -> None:
    read = reading({key: given})
    assert read.problems == []
    assert read.values[key] == value


def test_queues_without_a_number_take_the_concurrency_of_any_source() -> None:
    read = reading({"QUEUES": ["mail"]}, overrides={"CONCURRENCY": 3})
    assert read.values["QUEUES"] == {"mail": 3}


SECONDS = "a number of seconds from 1 to 86400"
SIZE = "a size from 1048576 to 1125899906842624 bytes, such as 300M or 2G"


@pytest.mark.parametrize(
    ("key", "given", "allowed"),
    [
        ("KILL_GRACE", 0, "a number of seconds from 0.1 to 3600"),
        ("MAX_JOBS", 0, "an integer from 1 to 1000000000"),
        ("MAX_JOBS", True, "an integer from 1 to 1000000000"),
        *(
            ("MAX_RSS", bad, SIZE)
            for bad in (0, 2**20 - 1, 2**51, True, 1.5, "", "3M3", "-1G", "١M")
        ),
        ("LEASE", "60", SECONDS),
        ("LEASE", "5m", SECONDS),
        ("LEASE", True, SECONDS),
        ("LEASE", None, SECONDS),
        ("LEASE", -1, SECONDS),
        ("LEASE", 0, SECONDS),
        pytest.param("LEASE", 10**5000, SECONDS, id="LEASE-huge"),
        ("LEASE", math.nan, SECONDS),
        ("LEASE", math.inf, SECONDS),
        ("LEASE", -math.inf, SECONDS),
        ("CONCURRENCY", 0, "an integer from 1 to 1000"),
        ("CONCURRENCY", 1001, "an integer from 1 to 1000"),
        ("CONCURRENCY", 1.5, "an integer from 1 to 1000"),
        ("CONCURRENCY", True, "an integer from 1 to 1000"),
        ("CONCURRENCY", "5", "an integer from 1 to 1000"),
        ("NOTIFY", "yes", "True or False"),
        ("NOTIFY", 1, "True or False"),
        ("CODEC", "JSONCodec", "the dotted path of a class"),
        ("CODEC", "a..b", "the dotted path of a class"),
        ("CODEC", dict, "the dotted path of a class"),
        ("BACKOFF", "quadratic", "a strategy (exponential, linear, constant, polynomial)"),
        ("BACKOFF", [-1], "a strategy"),
        ("BACKOFF", 5, "a strategy"),
        ("CLEANUP_RETENTION", {"running": 5}, "a dict of status (cancelled, completed"),
        ("CLEANUP_RETENTION", {"failed": -5}, "to days from 0 to 36500"),
        ("CLEANUP_RETENTION", {"failed": None}, "to days from 0 to 36500"),
        ("CLEANUP_RETENTION", {5: 5}, "a dict of status"),
        ("CLEANUP_RETENTION", [], "a dict of status"),
        ("QUEUES", "", "none is named"),
        ("QUEUES", {"a b": 5}, "queue"),
        ("QUEUES", {"mail": 0}, "from 1 to 1000"),
        ("QUEUES", {"mail": True}, "from 1 to 1000"),
        pytest.param("QUEUES", {"mail": 10**5000}, "from 1 to 1000", id="QUEUES-huge"),
        ("QUEUES", ["mail", "mail"], "named twice"),
        ("QUEUES", [["mail"]], "queue"),
        ("QUEUES", 5, "a int does not list queues"),
    ],
)
def test_d90_bad_settings_name_the_key_the_source_and_the_range(
    key: str, given: object, allowed: str
) -> None:
    read = reading({key: given})
    message = the_problem(read)
    assert message.startswith(f"{key} (settings.DJANGO_JOBS['{key}']): ")
    assert allowed in message
    assert read.values[key] == KEYS[key].default


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("DJANGO_JOBS_LEASE", "5m"),
        ("DJANGO_JOBS_LEASE", ""),
        ("DJANGO_JOBS_LEASE", "nan"),
        ("DJANGO_JOBS_LEASE", "1e400"),
        ("DJANGO_JOBS_CONCURRENCY", "1.5"),
        ("DJANGO_JOBS_CONCURRENCY", "9" * 5000),
        ("DJANGO_JOBS_NOTIFY", "maybe"),
        ("DJANGO_JOBS_NOTIFY", ""),
        ("DJANGO_JOBS_QUEUES", ""),
        ("DJANGO_JOBS_QUEUES", "mail,,bulk"),
        ("DJANGO_JOBS_BACKOFF", "soon"),
        ("DJANGO_JOBS_CODEC", ""),
        ("DJANGO_JOBS_CLEANUP_RETENTION", "failed"),
        ("DJANGO_JOBS_CLEANUP_RETENTION", "{"),
        ("DJANGO_JOBS_CLEANUP_RETENTION", '{"failed": []}'),
        ("DJANGO_JOBS_CLEANUP_RETENTION", '{"a":' * 100_000),
        ("WORKER_CONCURRENCY", "auto"),
        ("JOB_TRACKING_CLEANUP_INTERVAL_MS", "6h"),
        ("JOB_TRACKING_CLEANUP_INTERVAL_MS", "5"),
        ("DJANGO_JOBS_LEASE", "1_0"),
        ("DJANGO_JOBS_LEASE", "٦٠"),
        ("DJANGO_JOBS_LEASE", "6 0"),
        ("DJANGO_JOBS_LEASE", "60s"),
        ("DJANGO_JOBS_LEASE", "-0.0"),
        ("DJANGO_JOBS_LEASE", "\udcff"),
        ("DJANGO_JOBS_CONCURRENCY", "1_0"),
        ("DJANGO_JOBS_CONCURRENCY", "0x10"),
        ("DJANGO_JOBS_CONCURRENCY", "1e1"),
        ("DJANGO_JOBS_NOTIFY", "truе"),
        ("DJANGO_JOBS_ACK", "both"),
        ("DJANGO_JOBS_QUEUES", "mail:5,mail:5"),
        ("DJANGO_JOBS_QUEUES", "{'mail': 5}"),
        ("DJANGO_JOBS_STORE", "os.system;x"),
        ("DJANGO_JOBS_BACKOFF", "nan"),
        ("DJANGO_JOBS_BACKOFF", "10,,60"),
        ("DJANGO_JOBS_CLEANUP_RETENTION", "failed=nan"),
        ("DJANGO_JOBS_CLEANUP_RETENTION", "failed=-1"),
    ],
)
def test_d90_bad_variables_are_named(variable: str, text: str) -> None:
    message = the_problem(reading(**{variable: text}))
    assert f"(environment {variable})" in message
    assert len(message) < 400


def test_a_bad_strong_source_does_not_give_way_to_a_weak_one() -> None:
    read = reading({"LEASE": "x"}, DJANGO_JOBS_LEASE="6")
    assert read.values["LEASE"] == 60
    assert read.problems[0].source == "settings.DJANGO_JOBS['LEASE']"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("LEASES", "Did you mean LEASE?"),
        ("lease", "Did you mean LEASE?"),
        ("POLL_INTERVALL", "Did you mean POLL_INTERVAL?"),
        ("XYZZY", "Known keys: LEASE, "),
        (5, "Known keys: LEASE, "),
        pytest.param(10**5000, "Known keys: LEASE, ", id="huge"),
    ],
)
def test_d87_unknown_keys_are_fatal_and_get_a_suggestion(name: object, hint: str) -> None:
    (problem,) = reading({name: 1}).problems
    assert problem.fatal
    assert "there is no such key" in problem.message
    assert hint in problem.hint


def test_unknown_variables_are_only_a_warning() -> None:
    (problem,) = reading(DJANGO_JOBS_LEASES="6").problems
    assert not problem.fatal
    assert problem.source == "environment DJANGO_JOBS_LEASES"
    assert problem.hint == "Did you mean LEASE?"


@pytest.mark.parametrize("given", [None, [], "LEASE=6", 5])
def test_settings_must_be_a_dict(given: object) -> None:
    message = the_problem(collect({}, given, {}))
    assert "settings.DJANGO_JOBS" in message
    assert "must be a dict" in message


@pytest.mark.parametrize(
    ("given", "key", "fatal"),
    [
        ({"LEASE": 6, "HEARTBEAT": 2}, "HEARTBEAT", True),
        ({"LEASE": 6, "CONTROL_TIMEOUT": 3.5}, "CONTROL_TIMEOUT", True),
        ({"BACKOFF_BASE": 20, "BACKOFF_MAX": 10}, "BACKOFF_BASE", True),
        ({"LEASE": 6, "SWEEP_INTERVAL": 7}, "SWEEP_INTERVAL", False),
    ],
)
def test_d88_values_that_contradict_each_other(given: Any, key: str, fatal: bool) -> None:
    (problem,) = reading(given).problems
    assert (problem.key, problem.fatal) == (key, fatal)


def test_a_short_lease_alone_is_no_contradiction() -> None:
    assert reading(DJANGO_JOBS_LEASE="6").problems == []


# The object


def test_config_follows_override_settings() -> None:
    with override_settings(DJANGO_JOBS={"LEASE": 8}):
        assert config.LEASE == 8
        assert config.heartbeat_interval == 2
        with override_settings(DJANGO_JOBS={"LEASE": 12, "HEARTBEAT": 1.5}):
            assert config.LEASE == 12
            assert config.heartbeat_interval == 1.5
        assert config.LEASE == 8
        with override_settings(TIME_ZONE="Europe/Berlin"):
            assert config.LEASE == 8


def test_config_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(DJANGO_JOBS={}):
        monkeypatch.setenv("DJANGO_JOBS_LEASE", "6")
        conf.reset()
        assert config.LEASE == 6


def test_a_bad_configuration_lists_every_problem_at_the_first_use() -> None:
    bad = {"LEASE": "5m", "CONCURRENCY": 0, "LEASES": 1}
    with override_settings(DJANGO_JOBS=bad):
        with pytest.raises(InvalidConfiguration) as caught:
            _ = config.POLL_INTERVAL
        assert all(f"settings.DJANGO_JOBS['{key}']" in str(caught.value) for key in bad)
        assert len(conf.read().problems) == 3


def test_while_apps_load_bad_values_give_way_to_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(DJANGO_JOBS={"LEASE": "5m", "GRACE": 7}):
        with monkeypatch.context() as loading:
            loading.setattr(apps, "ready", False)
            assert (config.LEASE, config.GRACE) == (60, 7)
        with pytest.raises(InvalidConfiguration):
            _ = config.LEASE
        with pytest.raises(InvalidConfiguration):
            _ = config.GRACE


def test_an_unknown_variable_does_not_stop_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(DJANGO_JOBS={}):
        monkeypatch.setenv("DJANGO_JOBS_NOTHING", "6")
        conf.reset()
        assert config.LEASE == 60


def test_config_has_no_other_attributes_and_cannot_be_written() -> None:
    with override_settings(DJANGO_JOBS={}):
        with pytest.raises(AttributeError, match="LEASES"):
            _ = config.LEASES  # type: ignore[attr-defined]
        with pytest.raises(AttributeError, match="cannot be set"):
            config.LEASE = 5  # type: ignore[misc]
        assert config.LEASE == 60


def test_the_command_line_is_above_all() -> None:
    with override_settings(DJANGO_JOBS={"LEASE": 8, "QUEUES": ["mail"]}):
        conf.override(LEASE=9, CONCURRENCY=4, GRACE=None)
        assert (config.LEASE, config.GRACE, config.QUEUES) == (9, 30, {"mail": 4})
        conf.override(QUEUES="bulk:2")
        assert (config.LEASE, config.QUEUES) == (9, {"bulk": 2})
        conf.clear_overrides()
        assert (config.LEASE, config.QUEUES) == (8, {"mail": 10})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"LEASE": "5m"}, r"LEASE \(command line\): '5m' is not allowed"),
        ({"CONCURRENCY": 0}, r"CONCURRENCY \(command line\): 0 is not allowed"),
        ({"LEASES": 5}, "no key LEASES"),
        ({"LEASE": 9, "HEARTBEAT": 5}, "HEARTBEAT"),
    ],
)
def test_a_bad_command_line_changes_nothing(values: dict[str, Any], message: str) -> None:
    with override_settings(DJANGO_JOBS={}):
        conf.override(GRACE=5)
        with pytest.raises(InvalidConfiguration, match=message):
            conf.override(**values)
        assert (config.LEASE, config.CONCURRENCY, config.GRACE) == (60, 10, 5)


def test_describe_shows_each_value_with_its_source() -> None:
    with override_settings(DJANGO_JOBS={"LEASE": 8}):
        conf.override(GRACE=5)
        rows = {key: (value, source) for key, value, source, _ in conf.describe()}
    assert list(rows) == list(KEYS)
    assert rows["LEASE"] == (8, "settings.DJANGO_JOBS['LEASE']")
    assert rows["GRACE"] == (5, "command line")
    assert rows["POLL_INTERVAL"] == (1, "default")


# Queues


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("critical:5,default:10,bulk", {"critical": 5, "default": 10, "bulk": 4}),
        (" mail:5 , bulk ", {"mail": 5, "bulk": 4}),
        ("Mail_2-x", {"Mail_2-x": 4}),
        ("mail:1000", {"mail": 1000}),
    ],
)
def test_parse_queues(text: str, expected: dict[str, int]) -> None:
    assert conf.parse_queues(text, 4) == expected
    assert list(conf.parse_queues(text, 4)) == list(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "none is named; write them as"),
        ("  ", "none is named"),
        (",", "an entry is empty"),
        ("mail,,bulk", "an entry is empty"),
        ("mail,mail:3", "'mail' is named twice"),
        ("mail:0", "queue 'mail': the concurrency 0 is not an integer from 1 to 1000"),
        ("mail:1001", "from 1 to 1000"),
        ("mail:-1", "from 1 to 1000"),
        ("mail:1.5", "from 1 to 1000"),
        ("mail:", "from 1 to 1000"),
        ("mail:٣", "from 1 to 1000"),
        ("mail:5:6", "from 1 to 1000"),
        ("mail:" + "9" * 5000, "from 1 to 1000"),
    ],
)
def test_parse_queues_refuses(text: str, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        conf.parse_queues(text, 4)


@pytest.mark.parametrize(
    "name", ["../x", "a b", "mail\n", "mail\0", "m" * 51, "Ｄefault", "émail", "mail;drop"]
)
def test_queue_names_are_plain(name: str) -> None:
    with pytest.raises(InvalidQueueName):
        conf.parse_queues(f"default,{name}:5,bulk", 4)
