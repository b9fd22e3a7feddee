"""Tests on public collections that are not part of this repository; README.md says where they come from."""

import os
from pathlib import Path

DATA = Path(os.environ["MANIFEST_TOOLS_DATA"])
