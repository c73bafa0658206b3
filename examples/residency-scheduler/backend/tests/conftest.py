from __future__ import annotations

import os
from pathlib import Path

# Settings read .env of the working folder and need a key; neither must depend on where pytest is started.
os.chdir(Path(__file__).parents[1])
os.environ.setdefault("SECRET_KEY", "only-for-tests-only-for-tests-only")
