"""``python -m manifest_tools`` is the command line."""

from __future__ import annotations

import atexit
import gc
import os
import sys


def main() -> None:
    """Load and run the command line; Ctrl-C ends quietly even while it loads."""
    _start_lean()
    try:
        from manifest_tools.cli import main as run  # noqa: PLC0415 - loading is what may be interrupted

        run()
    except (KeyboardInterrupt, RuntimeError) as error:
        # Python 3.11 turns the first into the second in the middle of making a class
        if KeyboardInterrupt not in (type(error), type(error.__cause__)):
            raise
        sys.stderr.write("manifest-tools: interrupted\n")
        raise SystemExit(130) from None


def _start_lean() -> None:
    """Spare what a small job would pay more for than for its images."""
    # What is loaded stays: looking for garbage among it, again and again and once more at the end, finds nothing.
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)
    # Our products of matrices are small, and starting OpenBLAS's threads takes longer than they do.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


if __name__ == "__main__":
    main()
