"""Pytest plugin with the laws of a whole run: a test passes or fails, and nothing in between.

A skip or an expected failure is a promise nobody keeps, so either makes the run fail. Loaded by
tests/run.py (`-p tests.support.laws`); also prints how long the whole run has taken so far.
"""

import os
import time

import pytest

STARTED = "MAILHOST_TESTS_STARTED"  # seconds since the epoch, set by tests/run.py
LONG = "MAILHOST_TESTS_LONG"  # "1" in the long form, set by tests/run.py


class NoSkips:
    """Collects what was skipped or expected to fail, and turns the run's exit status to failure."""

    def __init__(self) -> None:
        self.guilty: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            self.guilty.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.guilty.append(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.guilty and session.exitstatus in (
            pytest.ExitCode.OK,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.guilty:
            terminalreporter.section("skipped tests fail the run", red=True)
            for name in self.guilty:
                terminalreporter.write_line(name)
        started = os.environ.get(STARTED)
        if started:
            terminalreporter.write_line(f"wall time so far: {time.time() - float(started):.0f} s")


def pytest_configure(config: pytest.Config) -> None:
    # Under xdist every report reaches the controller; the workers have no say.
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(NoSkips(), "mailhost-no-skips")
