"""Run the demo without and with a bibliography that holds most of its books, and compare requests to sources and results.

    python benchmarks/bibliography_demo.py [--months 12] [--percent 97]

Prints for both: requests to sources as the sandbox counted them; those to ISBNdb; books, and how many have an ISBN, a right
one, or one of a book that a model invented. Then the share of requests that is saved. Exits 1 if less than 65 % are saved,
fewer books have an ISBN, or an invented one has.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from alexandria.cli.runtime.demo import DemoOptions, MonthSeen, Report, run_demo
from alexandria.core.provider_facts import source_names

MIN_SAVED_SHARE = 0.65


class Quiet:
    """Prints nothing while months are filled."""

    def message(self, _text: str) -> None: ...

    def progress(self, _months: Sequence[MonthSeen]) -> None: ...


def filled(months: int, percent: int) -> Report:
    with tempfile.TemporaryDirectory(prefix="alexandria-saved-") as folder:
        Path(folder).chmod(0o711)  # the account that runs PostgreSQL for root must pass
        options = DemoOptions(months=months, leave=True, bibliography=percent)
        with run_demo(options, Path(folder), Quiet()) as (report, _):
            return report


def main() -> None:
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--percent", type=int, default=97, help="of the books that the bibliography holds (97)")
    options = parser.parse_args()
    requests, reports = {}, {}
    for percent in (0, options.percent):
        report = reports[percent] = filled(options.months, percent)
        calls = {each.provider: each.arrived for each in report.calls}
        requests[percent] = sum(calls.get(name, 0) for name in source_names())
        print(
            f"{percent} % held: {requests[percent]} requests to sources, {calls.get('isbndb', 0)} to isbndb; {report.named} books, "
            f"{report.resolved} with an ISBN, {report.right} right, {report.invented} invented; {report.unfinished} months not "
            "completed",
            flush=True,
        )
    saved = 1 - requests[options.percent] / requests[0]
    print(f"saved: {saved:.1%} of the requests to sources")
    without, held = reports[0], reports[options.percent]
    lower = held.resolved / held.named < without.resolved / without.named
    sys.exit(saved < MIN_SAVED_SHARE or lower or held.invented > 0 or held.unfinished > 0)


if __name__ == "__main__":
    main()
