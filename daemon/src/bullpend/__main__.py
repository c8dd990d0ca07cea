"""`python -m bullpend`."""

from bullpend.cli import main

raise SystemExit(main())
