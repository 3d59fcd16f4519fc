"""Shared libraries of AWS's Python runtimes, as dated data: there, known to be absent, or unknown.

Sources: the packages of AWS's Python base images (Amazon Linux 2023's minimal container image, Amazon Linux 2's), the
libraries that Python itself is linked with, and reports of functions that failed for want of a library. The setting
``libraries`` of ``[tool.wherry.runtimes]`` extends them.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from wherry.target import Runtime

__all__ = ["LIBRARIES_AS_OF", "LIBRARY_PATH", "Provision", "provision_of"]

LIBRARIES_AS_OF = date(2026, 11, 1)

Provision: TypeAlias = Literal["there", "absent", "unknown"]

LIBRARY_PATH = (
    "/var/lang/lib",
    "/lib64",
    "/usr/lib64",
    "/var/runtime",
    "/var/runtime/lib",
    "/var/task",
    "/var/task/lib",
    "/opt/lib",
)
"""``LD_LIBRARY_PATH`` as the runtimes set it."""

# glibc's, GCC's and Python's own.
_EVERYWHERE = re.compile(
    r"ld-linux[\w.-]*\.so\.\d+"
    r"|lib(c|m|dl|rt|pthread|util|resolv|anl|BrokenLocale|thread_db|nss_\w+)\.so\.\d+"
    r"|lib(gcc_s|stdc\+\+)\.so\.\d+|libpython3[\w.]*\.so[\d.]*|lib(z|bz2|lzma)\.so\.\d+|linux-vdso\.so\.1"
)
_IN_2023 = re.compile(
    r"libcrypt\.so\.2|lib(ssl|crypto)\.so\.3|libffi\.so\.8|libsqlite3\.so\.0|libexpat\.so\.1|libreadline\.so\.8"
    r"|lib(ncurses|ncursesw|tinfo|panel|panelw|form|menu)\.so\.6|libuuid\.so\.1|lib(blkid|mount|smartcols)\.so\.1"
    r"|libcurl\.so\.4|libnghttp2\.so\.14|libpsl\.so\.5|libidn2\.so\.0|libunistring\.so\.2|libcom_err\.so\.2"
    r"|lib(gssapi_krb5|krb5)\.so\.[23]|libk5crypto\.so\.3|libkrb5support\.so\.0|libkeyutils\.so\.1"
    r"|lib(glib|gobject|gio|gmodule|gthread)-2\.0\.so\.0|libpcre2-8\.so\.0|libselinux\.so\.1|lib(acl|attr)\.so\.1"
    r"|libcap\.so\.2|libgmp\.so\.10|libxml2\.so\.2|libarchive\.so\.13|libzstd\.so\.1|liblz4\.so\.1|libjson-c\.so\.5"
    r"|libp11-kit\.so\.0|libtasn1\.so\.6|libgpg-error\.so\.0|libgcrypt\.so\.20|libpopt\.so\.0|libmpfr\.so\.6"
)
_IN_2 = re.compile(
    r"lib(crypt|nsl)\.so\.1|lib(ssl|crypto)\.so\.(10|1\.0\.2k)|libffi\.so\.6|libsqlite3\.so\.0|libexpat\.so\.1"
    r"|lib(readline|history)\.so\.6|lib(ncurses|ncursesw|tinfo|panel|panelw|form|menu)\.so\.6|libuuid\.so\.1"
    r"|lib(blkid|mount)\.so\.1|libcurl\.so\.4|libnghttp2\.so\.14|libidn2\.so\.0|libunistring\.so\.0|libcom_err\.so\.2"
    r"|lib(gssapi_krb5|krb5)\.so\.[23]|libk5crypto\.so\.3|libkrb5support\.so\.0|libkeyutils\.so\.1"
    r"|lib(glib|gobject|gio|gmodule|gthread)-2\.0\.so\.0|libpcre\.so\.1|libselinux\.so\.1|lib(acl|attr)\.so\.1"
    r"|libcap\.so\.2|libgmp\.so\.10|libxml2\.so\.2|lib(ldap|lber)-2\.4\.so\.2|libsasl2\.so\.3|libssh2\.so\.1"
    r"|libgpg-error\.so\.0|libgcrypt\.so\.11|libpopt\.so\.0|libdb-5\.3\.so|libgdbm\.so\.4"
)
# No runtime has a display, a sound card, or the client of a database; people have been told so by failing functions.
_ABSENT = re.compile(
    r"lib(GL|GLX|EGL|OpenGL|GLdispatch|GLU|GLESv2|gbm|drm|glut|OSMesa|vulkan)\.so[\d.]*"
    r"|libX\w+\.so[\d.]*|libX11-xcb\.so[\d.]*|lib(SM|ICE)\.so[\d.]*|libxcb[\w-]*\.so[\d.]*|libxkb\w+(-x11)?\.so[\d.]*"
    r"|libwayland-\w+\.so[\d.]*|lib(gtk|gdk)[\w.+-]*\.so[\d.]*|libQt\d\w+\.so[\d.]*|lib(cairo|pango)[\w.-]*\.so[\d.]*"
    r"|lib(asound|pulse|portaudio|sndfile|jack)\.so[\d.]*|lib(cuda|nvidia-ml|nvcuvid|cudart|cublas|cudnn)\.so[\d.]*"
    r"|lib(gomp|gfortran|quadmath)\.so[\d.]*|lib(pq|mysqlclient|mariadb|odbc|odbcinst|clntsh|aio|fbclient)\.so[\d.]*"
    r"|lib(magic|tesseract|leptonica|poppler|zbar|dmtx|usb-1\.0|geos|geos_c|gdal|proj|spatialindex|hdf5|netcdf)\.so[\d.]*"
    r"|lib(snappy|leveldb|rdkafka|zmq|sodium|memcached|xmlsec1|xmlsec1-openssl|fontconfig|ta_lib|ta-lib)\.so[\d.]*"
    r"|lib(openblas|blas|lapack|cblas|atlas)\.so[\d.]*|lib(ssl|crypto)\.so\.1\.1"
)
_BY_SYSTEM = {"Amazon Linux 2023": _IN_2023, "Amazon Linux 2": _IN_2}


def provision_of(library: str, runtime: Runtime) -> Provision:
    """Whether a runtime has a shared library of this name, such as ``libz.so.1``."""
    if library in runtime.libraries or _EVERYWHERE.fullmatch(library):
        return "there"
    own = _BY_SYSTEM.get(runtime.system)
    if own is not None and own.fullmatch(library):
        return "there"
    if own is not None and _ABSENT.fullmatch(library):
        return "absent"
    return "unknown"
