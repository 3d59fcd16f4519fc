"""Settings that all tests share."""

from __future__ import annotations

import signal

from hypothesis import settings

# A busy machine is no failure, so no example has to end in time.
settings.register_profile("wherry", deadline=None)
settings.load_profile("wherry")

# A shell that starts the tests in the background lets its children ignore Ctrl-C, which some tests press.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
