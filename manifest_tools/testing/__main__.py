"""``python -m manifest_tools.testing``: run a command, or a shell, with a local S3 and a local Rekognition."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from manifest_tools.core.errors import ManifestToolsError
from manifest_tools.testing.rekognition import by_content, from_predictions, local_rekognition
from manifest_tools.testing.storage import local_s3


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the servers, run the command, and return its exit code; 2 when the servers do not start."""
    options = _parser().parse_args(arguments)
    command = options.command or [os.environ.get("SHELL", "sh")]
    try:
        answer = from_predictions(options.predictions, options.images) if options.predictions else by_content
        with (
            local_s3(buckets=[options.bucket]) as s3,
            local_rekognition(s3=s3, answer=answer, tps=options.tps) as rekognition,
        ):
            surroundings = {**os.environ, **s3.environment, **rekognition.environment}
            # A configured profile would come before the keys of the local servers.
            surroundings.pop("AWS_PROFILE", None)
            surroundings.pop("AWS_SESSION_TOKEN", None)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command
            return subprocess.run(command, env=surroundings, check=False).returncode  # noqa: S603 - the user's
    except (ManifestToolsError, FileNotFoundError) as error:
        sys.stderr.write(f"manifest_tools.testing: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m manifest_tools.testing",
        description="Run a command, or a shell, with a local S3 and a local Rekognition in the place of Amazon's.",
    )
    parser.add_argument(
        "--bucket", default="example-bucket", help="bucket that is there; default: %(default)s"
    )
    parser.add_argument("--tps", type=float, help="calls per second that the local Rekognition answers")
    parser.add_argument("--predictions", help="manifest of what the base model says; needs --images")
    parser.add_argument("--images", help="folder of the images that --predictions speaks of")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command and its options")
    return parser


if __name__ == "__main__":
    sys.exit(main())
