"""Compare every measure with numbers that others computed, and print ours | official | printed.

    python -m evaluation.check --folder ../shared/check

The folder holds raw results of published trackers, ground truth, and the numbers that the official
evaluators computed from them. Exit 1 if one of our numbers differs.

The comparison is a measurement, `bench.check`; this file is its name.
"""

import sys
from collections.abc import Sequence
from importlib import import_module


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 if all agree, 1 if not, 2 a wrong option."""
    return int(import_module("bench.check.command").main(argv))


if __name__ == "__main__":
    sys.exit(main())
