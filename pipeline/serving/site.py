"""Answers requests: the WSGI application. Owns which address is what, who gets it, and the headers of all answers.

/                 leads to the gallery's page
/healthz          the judgment of ``stylewatch status``, without a password
/metrics          numbers for Prometheus
anything else     a file, see :mod:`pipeline.serving.files`
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import FileWrapper

from pipeline.errors import StorageError, in_words
from pipeline.model.gallery_files import GALLERY_FOLDER
from pipeline.serving.files import Keep, ServedFile, SiteFolders, open_served
from pipeline.serving.hosts import TrustedHosts
from pipeline.serving.passwords import PasswordCheck

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_METHODS: Final = ("GET", "HEAD")

_PAGE: Final = f"{GALLERY_FOLDER}/index.html"
#: Where folders' addresses lead; relative, as a proxy may give the site another address. Browsers ask for an icon of
#: a picture that is opened alone.
_REDIRECTS: Final = {
    b"/": _PAGE,
    f"/{GALLERY_FOLDER}".encode(): _PAGE,
    f"/{GALLERY_FOLDER}/".encode(): "index.html",
    b"/favicon.ico": f"{GALLERY_FOLDER}/assets/icon.svg",
}

#: The page's own policy, in a meta element, is the same; what only a header can say is added.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
)
#: Of a picture shown alone: the page around it is the browser's own, with styles that it writes into it.
_POLICY_OF_PICTURES: Final = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"
_POLICY_HEADER: Final = "Content-Security-Policy"
_SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NO_STORE: Final = "no-store"
# A password may be asked for, so nothing is for caches that several people share. A copy's name says what it is of,
# but another thumbnail_size makes another file of that name: a month.
_CACHING: Final[Mapping[Keep, str]] = {
    "for long": "private, max-age=2592000",
    "until it changes": "private, no-cache",
    "never": _NO_STORE,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A text for monitors."""

    text: str | bytes
    media_type: str = "text/plain; charset=utf-8"
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """What answers monitors.

    ``health(in_full)`` is asked for details only for those who may see them; ``metrics(accept)`` gets the header.
    """

    health: Callable[[bool], Answer]
    metrics: Callable[[str], Answer]


class Site:
    """The WSGI application. ``report`` gets a sentence about each answer that an unexpected error prevented."""

    def __init__(
        self,
        folders: SiteFolders,
        hosts: TrustedHosts,
        monitoring: Monitoring,
        *,
        passwords: PasswordCheck | None = None,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._folders = folders
        self._hosts = hosts
        self._monitoring = monitoring
        self._passwords = passwords
        self._report = report

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        try:
            response = self._respond(request)
        except Exception as error:
            self._report(in_words(error))
            response = _text("something went wrong; the program's output says what", 500)
        is_picture = (response.content_type or "").startswith("image/")
        policy = _POLICY_OF_PICTURES if is_picture else CONTENT_SECURITY_POLICY
        response.headers[_POLICY_HEADER] = f"{policy}; frame-ancestors 'none'"
        response.headers.extend(_SECURITY_HEADERS)
        return response(environ, start_response)

    def _respond(self, request: Request) -> Response:
        if not self._hosts.trusts(request.headers.get("Host")):
            return _text("this server does not go by that name: start it with --host-name NAME", 421)
        if request.method not in _METHODS:
            return _text("only GET and HEAD are answered here", 405, Allow=", ".join(_METHODS))
        # Names of files are bytes: what WSGI made text of as Latin-1, and no more.
        address = request.environ.get("PATH_INFO", "").encode("latin-1", "replace")
        refusal = self._refusal(request)
        if address == b"/healthz":
            return _monitors_text(self._monitoring.health(refusal is None))
        if refusal is not None:
            return refusal
        if address == b"/metrics":
            return _monitors_text(self._monitoring.metrics(request.headers.get("Accept", "")))
        if (location := _REDIRECTS.get(address)) is not None:
            return _text(f"that is at {location}", 302, Location=location)
        return self._file(request, address)

    def _refusal(self, request: Request) -> Response | None:
        """Return what is said to those who may not see the gallery; None for all others."""
        if self._passwords is None:
            return None
        given = request.authorization
        if given is None or given.type != "basic" or given.password is None:
            return _ask_for_password("a password is needed; any user name will do")
        verdict = self._passwords.check(given.password, request.remote_addr or "")
        if verdict.is_right:
            return None
        if verdict.wait_seconds > 0:
            seconds = math.ceil(verdict.wait_seconds)
            return _text(f"too many wrong passwords; try again in {seconds} s", 429, Retry_After=str(seconds))
        return _ask_for_password("the password is wrong")

    def _file(self, request: Request, address: bytes) -> Response:
        try:
            found = open_served(self._folders, address)
        except StorageError as error:
            return _text(str(error), 503)
        if found is not None:
            return _file_response(request, found)
        if address == f"/{_PAGE}".encode():
            return _text("there is no gallery yet: 'stylewatch gallery CONFIG' makes it", 404)
        return _text("there is no such file", 404)


def _file_response(request: Request, found: ServedFile) -> Response:
    size = found.status.st_size
    response = Response(FileWrapper(found.file), mimetype=None, direct_passthrough=True)
    response.call_on_close(found.file.close)
    response.headers["Content-Type"] = found.media_type
    response.headers["Cache-Control"] = _CACHING[found.keep]
    response.headers["Accept-Ranges"] = "bytes"
    response.content_length = size
    response.set_etag(found.version)
    try:
        response.make_conditional(request, accept_ranges=_wants_one_range(request, size), complete_length=size)
    except RequestedRangeNotSatisfiable:
        response.close()
        return _text("that part is beyond the file's end", 416, Content_Range=f"bytes */{size}")
    if (servers_wrapper := request.environ.get("wsgi.file_wrapper")) is not None:
        # The server then sends as fast as each client reads, and none keeps a thread or fills a disk meanwhile.
        found.file.seek(response.content_range.start or 0)
        response.response = servers_wrapper(found.file)
    return response


def _wants_one_range(request: Request, size: int) -> bool:
    """Tell whether a part of the file is asked for; several at once, or what is no range, get all of it."""
    wanted = request.range
    if request.method != "GET" or wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return False
    ((first, _),) = wanted.ranges
    return first >= -size  # the last bytes, more than there are, are all of them


def _monitors_text(answer: Answer) -> Response:
    response = Response(answer.text, answer.status, content_type=answer.media_type)
    response.headers["Cache-Control"] = _NO_STORE
    return response


def _ask_for_password(text: str) -> Response:
    return _text(text, 401, WWW_Authenticate='Basic realm="stylewatch", charset="UTF-8"')


def _text(text: str, status: int, **headers: str) -> Response:
    response = Response(f"{text}\n", status, content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = _NO_STORE
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    return response
