"""What a suite's pytest reported, and the sums over several suites."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """`complaint` says why a suite is bad even if no test of it failed."""

    suite: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    complaint: str = ""

    @property
    def is_good(self) -> bool:
        return not self.failed and not self.complaint

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        reason = f", FAILED: {self.complaint}" if self.complaint else ""
        return f"{self.passed} passed, {self.failed} failed{skipped} in {self.seconds:.1f} s{reason}"


def read(suite: str, path: Path, status: int, seconds: float) -> Result:
    """An error in a fixture counts as a failure. A run without tests is one too."""
    if not path.exists():
        return Result(suite, seconds=seconds, complaint=f"pytest ended with status {status}")
    # The file was written by our own pytest a moment ago.
    totals = [element.attrib for element in ElementTree.parse(path).iter("testsuite")]  # noqa: S314
    tests, failures, errors, skipped = (
        sum(int(attributes.get(name, 0)) for attributes in totals)
        for name in ("tests", "failures", "errors", "skipped")
    )
    failed = failures + errors
    return Result(suite, tests - failed - skipped, failed, skipped, seconds, complaint(tests, failed, status))


def complaint(tests: int, failed: int, status: int) -> str:
    if not tests:
        return "it collected no test"
    return f"pytest ended with status {status}" if status and not failed else ""


def totals(results: Sequence[Result]) -> str:
    """A suite with a complaint and without a failed test counts as one failure."""
    passed = sum(result.passed for result in results)
    failed = sum(result.failed or bool(result.complaint) for result in results)
    skipped = sum(result.skipped for result in results)
    return f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else "")
