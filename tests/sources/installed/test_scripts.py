"""Launchers in the words of every installer that is known."""

from __future__ import annotations

import pytest

from wherry.sources.installed.scripts import is_launcher

POINTS = {"alpha": ("alpha.main", "run")}
OLDER_PIP = """\
#!/home/somebody/.venv/bin/python
# -*- coding: utf-8 -*-
import re
import sys
from alpha.main import run
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit(run())
"""
NEWER_PIP = """\
#!/home/somebody/.venv/bin/python3.13
import sys
from alpha.main import run
if __name__ == '__main__':
    sys.argv[0] = sys.argv[0].removesuffix('.exe')
    sys.exit(run())
"""
UV = """\
#!/bin/sh
'''exec' "/home/some body/.venv/bin/python" "$0" "$@"
' '''
# -*- coding: utf-8 -*-
import sys
from alpha.main import run
if __name__ == "__main__":
    if sys.argv[0].endswith("-script.pyw"):
        sys.argv[0] = sys.argv[0][:-11]
    elif sys.argv[0].endswith(".exe"):
        sys.argv[0] = sys.argv[0][:-4]
    sys.exit(run())
"""


@pytest.mark.parametrize("text", [OLDER_PIP, NEWER_PIP, UV])
def test_a_launcher_is_known(text: str) -> None:
    """Which pip or uv made the folder does not show in what ships. (D6, B4)"""
    assert is_launcher("alpha", text.encode(), POINTS)
    assert not is_launcher("beta", text.encode(), POINTS)
    assert not is_launcher("alpha", text.encode() + b"print('edited')\n", POINTS)
    assert not is_launcher("alpha", text.replace("alpha.main", "other").encode(), POINTS)
