"""``make bench``: run the benchmarks on one appliance and write ``build/bench/<name>.json`` for each.

Names on the command line choose; without any, all of them run.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from benchmarks.figures import Figures
from home import Home

BUILD = Path(__file__).resolve().parent.parent / "build" / "bench"
# In the order of what an owner notices first.
NAMES = ("first-picture", "echo-model")


def main() -> int:
    """Run what was asked for; 1 when a target was missed."""
    parser = argparse.ArgumentParser(prog="make bench ONLY=", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    names = parser.parse_args().names or list(NAMES)
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(NAMES)}")
    missed = 0
    with Home("bench", BUILD / "home") as home:
        print("building the appliance", flush=True)
        home.site()
        for name in names:
            print(f"\n{name}", flush=True)
            figures: Figures = importlib.import_module("benchmarks." + name.replace("-", "_")).run(home)
            (BUILD / f"{name}.json").write_text(json.dumps(figures.as_dict(), indent=2) + "\n", encoding="utf-8")
            print(figures.table(), flush=True)
            missed += len(figures.missed())
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
