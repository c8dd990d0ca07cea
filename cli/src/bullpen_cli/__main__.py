"""`python -m bullpen_cli` is `bullpen`."""

import sys

from bullpen_cli.main import run

sys.exit(run())
