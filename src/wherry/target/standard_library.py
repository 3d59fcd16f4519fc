"""Names of the standard library's top-level modules, by version of Python.

They are data and not those of the Python that runs Wherry: a project may be packaged for another version. The source
is ``Python/stdlib_module_names.h`` of each version; modules for Windows and macOS alone are left out.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wherry.target import Runtime

__all__ = ["STANDARD_LIBRARY_AS_OF", "last_version", "standard_library"]

STANDARD_LIBRARY_AS_OF = date(2026, 11, 1)

_ALWAYS = """
__future__ abc antigravity argparse array ast asyncio atexit base64 bdb binascii bisect builtins bz2 cProfile
calendar cmath cmd code codecs codeop collections colorsys compileall concurrent configparser contextlib
contextvars copy copyreg csv ctypes curses dataclasses datetime dbm decimal difflib dis doctest email
encodings ensurepip enum errno faulthandler fcntl filecmp fileinput fnmatch fractions ftplib functools gc
genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac html http idlelib imaplib
importlib inspect io ipaddress itertools json keyword linecache locale logging lzma mailbox marshal math
mimetypes mmap modulefinder multiprocessing netrc ntpath nturl2path numbers opcode operator optparse os
pathlib pdb pickle pickletools pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd
py_compile pyclbr pydoc pydoc_data pyexpat queue quopri random re readline reprlib resource rlcompleter runpy
sched secrets select selectors shelve shlex shutil signal site smtplib socket socketserver sqlite3 sre_compile
sre_constants sre_parse ssl stat statistics string stringprep struct subprocess symtable sys sysconfig syslog
tabnanny tarfile tempfile termios test textwrap this threading time timeit tkinter token tokenize trace traceback
tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib uuid venv warnings wave weakref
webbrowser wsgiref xml xmlrpc zipapp zipfile zipimport zlib zoneinfo
_abc _aix_support _ast _asyncio _bisect _blake2 _bz2 _codecs _codecs_cn _codecs_hk _codecs_iso2022 _codecs_jp
_codecs_kr _codecs_tw _collections _collections_abc _compat_pickle _compression _contextvars _csv _ctypes
_curses _curses_panel _datetime _dbm _decimal _elementtree _frozen_importlib _frozen_importlib_external
_functools _gdbm _hashlib _heapq _imp _io _json _locale _lsprof _lzma _markupbase _md5 _multibytecodec
_multiprocessing _opcode _operator _osx_support _pickle _posixshmem _posixsubprocess _py_abc _pydecimal _pyio
_queue _random _sha1 _sha3 _signal _sitebuiltins _socket _sqlite3 _sre _ssl _stat _statistics _string
_strptime _struct _symtable _thread _threading_local _tkinter _tracemalloc _uuid _warnings _weakref
_weakrefset _zoneinfo
"""

# By minor version of Python 3: the first that has them.
_SINCE = {
    11: "tomllib _tokenize _typing",
    12: "_pydatetime _pylong _sha2",
    13: "_android_support _colorize _interpchannels _interpqueues _interpreters _ios_support _opcode_metadata _pyrepl "
    "_suggestions _sysconfig",
    14: "annotationlib compression _ast_unparse _hmac _py_warnings _remote_debugging _types _zstd",
}
# By minor version of Python 3: the last that has them.
_UNTIL = {
    9: "formatter symbol parser",
    10: "binhex",
    11: "asynchat asyncore distutils imp smtpd _bootsubprocess _sha256 _sha512",
    12: "aifc audioop cgi cgitb chunk crypt imghdr lib2to3 mailcap nis nntplib ossaudiodev pipes sndhdr spwd sunau "
    "telnetlib uu xdrlib _crypt",
}


@lru_cache(maxsize=8)
def standard_library(runtime: Runtime) -> frozenset[str]:
    """The names of the top-level modules that a runtime's Python brings."""
    minor = runtime.python[1]
    names = set(_ALWAYS.split())
    for first, added in _SINCE.items():
        if minor >= first:
            names.update(added.split())
    for last, removed in _UNTIL.items():
        if minor <= last:
            names.update(removed.split())
    return frozenset(names)


def last_version(name: str) -> str | None:
    """The last version of Python whose standard library has a module, such as ``3.11``; None for those it still has."""
    for last, removed in _UNTIL.items():
        if name in removed.split():
            return f"3.{last}"
    return None
