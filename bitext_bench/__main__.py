"""`python -m bitext_bench`, for a clone that is not installed."""

import sys

from .cli import main

sys.exit(main())
