"""The web server of the browser, for one person on this machine.

It listens on the loopback address only and writes nothing. Each address starts with a random token,
which other people and pages do not know, and the name of the host must be a local one, or a page
whose domain is pointed at 127.0.0.1 could read along. Nothing of an address is used as a path.
"""

import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from datasets.report.serve.collection import Collection
from datasets.report.serve.views import PAGES, problem, show, whole_number
from manifests.table import Manifest

_HOSTS = frozenset({"127.0.0.1", "localhost"})
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; "
    "style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_HTML, _TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"


class CropServer(ThreadingHTTPServer):
    """Serves the crops of some manifests.

    Args:
        manifests: The manifests.
        port: Port on 127.0.0.1; 0 for any that is free.
    """

    daemon_threads = True

    def __init__(self, manifests: Sequence[Manifest], *, port: int = 0) -> None:
        self.collection = Collection(manifests)
        self.token = secrets.token_urlsafe(16)
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        """The address to open, with its token."""
        return f"http://127.0.0.1:{self.server_port}/{self.token}/crops"


class _Handler(BaseHTTPRequestHandler):
    server: CropServer
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        """Answer with a page, a crop, or one line of text."""
        status, kind, data = self._content()
        self.send_response(status)
        cache = "private, max-age=3600" if kind == "image/jpeg" else "no-store"
        own = {"Content-Type": kind, "Content-Length": str(len(data)), "Cache-Control": cache}
        for name, value in (own | _HEADERS).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
        """Print nothing: the terminal keeps the address in view."""

    def _content(self) -> tuple[HTTPStatus, str, bytes]:
        """Return status, type and content of the answer."""
        address = urlsplit(self.path)
        token, _, name = address.path.removeprefix("/").partition("/")
        is_known = secrets.compare_digest(token.encode(), self.server.token.encode())
        if not is_known or self.headers.get("Host", "").partition(":")[0] not in _HOSTS:
            return HTTPStatus.FORBIDDEN, _TEXT, b"Open the address that the command printed.\n"
        query = {key: values[-1] for key, values in parse_qs(address.query).items()}
        try:
            if name in ("z.jpg", "x.jpg"):
                return HTTPStatus.OK, "image/jpeg", self._crop(name, query)
            if name in PAGES:
                page = show(self.server.collection, name, query)
                return HTTPStatus.OK, _HTML, page.encode(errors="backslashreplace")
        except (ValueError, OSError) as error:
            page = problem(name, query, str(error))
            return HTTPStatus.BAD_REQUEST, _HTML, page.encode(errors="backslashreplace")
        return HTTPStatus.NOT_FOUND, _TEXT, b"No such page.\n"

    def _crop(self, name: str, query: Mapping[str, str]) -> bytes:
        most = len(self.server.collection) - 1
        number = whole_number(query, "row", default=0, least=0, most=most)
        return self.server.collection.jpeg(number, "z" if name == "z.jpg" else "x")
