"""Where things lie. What we make is in .dev/; what is costly to download is kept in a cache."""

import hashlib
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEVTOOLS = ROOT / "devtools"
DEV = ROOT / ".dev"
LOG = DEV / "log"
VENV = DEV / "venv"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "professional_billing"

#: Distinguishes this clone from others that use the same PostgreSQL server.
CLONE = hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]
