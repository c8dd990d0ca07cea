"""`python -m tests.bench`: measures what must hold and prints one table.

Everything is measured on real daemons with homes of their own, which are gone afterwards. A machine that is busy with
other things gives figures that say little; `--ahead` runs the measurement in the real-time class (Linux, and the right
to do so), ahead of everything else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from tests.bench import (
    artefacts,
    canceling,
    deaths,
    demo,
    device,
    durable,
    gallery,
    panels,
    planning,
    quality,
    queue,
    residency,
    restart,
    restart_full,
    reviving,
    scenes,
    shapes,
    soak,
    speech,
    startup,
    steps,
    terminal,
    watchers,
)
from tests.bench.effort import Effort, Measure
from tests.bench.studio import ROOT
from tests.bench.table import Row, machine_load, render

ROWS: dict[str, Measure] = {
    "startup": startup.measure,
    "steps": steps.measure,
    "scenes": scenes.measure,
    "residency": residency.measure,
    "speech": speech.measure,
    "durable": durable.measure,
    "artefacts": artefacts.measure,
    "cancel": canceling.measure,
    "queue": queue.measure,
    "watchers": watchers.measure,
    "terminal": terminal.measure,
    "reviving": reviving.measure,
    "restart": restart.measure,
    "plan": planning.measure,
    "gallery": gallery.measure,
    "demo": demo.measure,
    "panels": panels.measure,
    "quality": quality.measure_quality,
    "soak": soak.measure,
    "soak-jobs": soak.measure_jobs,
    "soak-restarts": soak.measure_restarts,
    "deaths": deaths.measure,
    "restart-full": restart_full.measure,
}
# Those that take long are measured by name only.
LONG = ("soak", "soak-jobs", "soak-restarts", "deaths", "gallery")


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0 when everything that was measured holds, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.split("\n")[0])
    parser.add_argument("--only", metavar="NAME", action="append", choices=ROWS, help=f"one of: {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--ahead", action="store_true", help="run ahead of all other programs")
    parser.add_argument("--threads", type=int, default=1, help="threads of the model and of the bare loop (default 1)")
    parser.add_argument("--device", metavar="NAME", help="with --family: measure the engine there, such as cuda or cpu")
    parser.add_argument("--family", choices=shapes.FAMILIES, help="a model of real size with random weights")
    parser.add_argument("--tiny", action="store_true", help="with --family: the same parts in kilobytes")
    parser.add_argument("--folder", type=Path, help="where the model of --family is built, or a walk of deaths goes on")
    options = parser.parse_args(argv)
    if bool(options.device) != bool(options.family):
        parser.error("--device and --family go together.")
    if options.ahead:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    effort = Effort(options.quick, options.threads, options.folder)
    load = machine_load()
    rows: list[Row] = []
    if options.family:
        rows += device.measure(effort, options.device, options.family, options.tiny, options.folder)
    every = [] if options.family else [name for name in ROWS if name not in LONG]
    for name in options.only or every:
        sys.stderr.write(f"measuring {name} …\n")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            rows += runner.run(ROWS[name](effort))
    report = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "load_before": load,
        "ahead": options.ahead,
        "quick": options.quick,
        "threads": options.threads,
        "rows": [row.to_dict() for row in rows],
    }
    _keep(report)
    if options.json:
        sys.stdout.write(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    else:
        _show(report, rows)
    return 0 if all(row.ok is not False for row in rows) else 1


def _keep(report: dict[str, object]) -> None:
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=2, ensure_ascii=False)
    (folder / f"{str(report['time']).replace(':', '')}.json").write_text(text + "\n", encoding="utf-8")


def _show(report: dict[str, object], rows: list[Row]) -> None:
    ahead = "; measured ahead of all other programs" if report["ahead"] else ""
    sys.stdout.write(f"{report['machine']}; {report['load_before']}{ahead}\nmedian (least–most)\n\n{render(rows)}\n")


if __name__ == "__main__":
    sys.exit(main())
