"""The files of the cases are no tests of ours."""

from __future__ import annotations

collect_ignore_glob = ["*/*"]
