"""Stands in for the automation service: does nothing, and logs that it does, four times a second."""

from __future__ import annotations

import itertools
import signal
import sys
import time
from datetime import UTC, datetime

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
for number in itertools.count(1):
    print(f"{datetime.now(UTC).isoformat()} | warn | Webhook queue poll #{number}: no workflow is active", flush=True)
    time.sleep(0.25)
