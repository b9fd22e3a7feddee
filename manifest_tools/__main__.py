"""``python -m manifest_tools`` is the command line."""

from __future__ import annotations

import sys


def main() -> None:
    """Load and run the command line; Ctrl-C ends quietly even while it loads."""
    try:
        from manifest_tools.cli import main as run  # noqa: PLC0415 - loading is what may be interrupted

        run()
    except KeyboardInterrupt:
        sys.stderr.write("manifest-tools: interrupted\n")
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
