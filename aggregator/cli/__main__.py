"""`python -m aggregator.cli` is `aggregator`, for places where no script was installed."""

import sys

from aggregator.cli import main

sys.exit(main())
