"""Import times of an interpreter become those of the function."""

from __future__ import annotations

from wherry.inspect.import_times import read_import_times

OUTPUT = b"""\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |   _io
import time:       200 |        300 | io
import time:        10 |         10 |   awslambdaric.bootstrap
import time:        20 |         30 | awslambdaric.__main__
loading
import time:        40 |         40 | shop
import time:       500 |        500 |       numpy.core
import time:      1000 |       1500 |     numpy
import time:         5 |          5 |     json.decoder
import time:        15 |         20 |   json
not a line of it: import time: 7 | 8 | x y
import time:       300 |       1820 | shop.data
import time:         9 |          9 |   email.parser
import time:         6 |         15 | email
"""


def test_only_the_function_is_told_the_longest_first() -> None:
    times = read_import_times(OUTPUT)
    assert [(each.module, each.imported_by, round(each.seconds * 1e6)) for each in times] == [
        ("shop.data", None, 1820),
        ("numpy", "json", 1500),
        ("numpy.core", "numpy", 500),
        ("shop", None, 40),
        ("json", "shop.data", 20),
        ("email", None, 15),
        ("email.parser", "email", 9),
        ("json.decoder", "json", 5),
    ]
    assert round(times[1].self_seconds * 1e6) == 1000
    # What the function imports, and not what the standard library does.
    assert [each.module for each in times if each.is_choice] == [
        "shop.data",
        "shop",
        "json",
        "email",
    ]


def test_no_times() -> None:
    assert read_import_times(b"nothing\n") == ()
