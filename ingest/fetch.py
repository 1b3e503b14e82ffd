"""Addresses → raw bytes, kept as they came. The only part of ingest that uses the network.

Polite: robots.txt, one request a second for each host, a User-Agent that says who asks. Bounded: size, time, redirects.
Never to private addresses: every address that a name resolves to is checked, and the connection goes to the one that
was checked, so that a name cannot change its mind in between.
"""

import hashlib
import http.client
import ipaddress
import json
import re
import socket
import ssl
import time
import urllib.robotparser
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from ingest.draft_files import write_whole
from kb.errors import InputError

USER_AGENT = "casebook-ingest/1 (+https://pypi.org/project/casebook/)"
MAX_BYTES, MAX_SECONDS, MAX_REDIRECTS, PAUSE = 10_000_000, 30.0, 5, 1.0
_GITHUB = re.compile(r"https?://github\.com/([\w.-]+)/([\w.-]+)/(issues|pull)/(\d+)")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TYPES = re.compile(r"text/|json|xml|pdf|octet-stream", re.I)


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered."""

    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass(slots=True)
class Fetcher:
    """Fetches into a folder. `allow_private` is for tests and for a team's own wiki, never the default."""

    folder: Path
    allow_private: bool = False
    token: str | None = None  # of GitHub's API, where the user has one
    pause: float = PAUSE
    sleep: Callable[[float], None] = time.sleep
    _last: dict[str, float] = field(default_factory=dict)
    _robots: dict[str, urllib.robotparser.RobotFileParser] = field(default_factory=dict)

    def fetch(self, url: str) -> bytes:
        """The bytes behind an address; a thread of GitHub comes from its API with all comments.

        Raises InputError that names the address and what was wrong.
        """
        found = _GITHUB.match(url)
        if not found:
            return self._page(url)
        base = f"https://api.github.com/repos/{found[1]}/{found[2]}/issues/{found[4]}"
        parts = {
            "issue": base,
            "comments": f"{base}/comments?per_page=100",
            "timeline": f"{base}/timeline?per_page=100",
        }
        bodies = {name: self._page(part, robots=False) for name, part in parts.items()}
        return b"{" + b", ".join(b'"%s": %s' % (name.encode(), body) for name, body in bodies.items()) + b"}"

    def _page(self, url: str, robots: bool = True) -> bytes:
        start = time.monotonic()
        asked = url
        for _ in range(MAX_REDIRECTS + 1):
            parts = _checked(url)
            if robots and not self._allowed(parts, url):
                raise InputError(f"{asked}: its robots.txt does not allow fetching it; save the page by hand")
            response = self._get(parts, start)
            if response.status in _REDIRECTS and "location" in response.headers:
                url = urljoin(url, response.headers["location"])
                continue
            if response.status != 200:
                raise InputError(f"{asked}: the server answered {response.status}; save the page by hand")
            if not _TYPES.search(response.headers.get("content-type", "text/")):
                raise InputError(f"{asked}: {response.headers['content-type'][:60]} is no page")
            self._keep(asked, url, response)
            return response.body
        raise InputError(f"{asked}: more than {MAX_REDIRECTS} redirects")

    def _allowed(self, parts: SplitResult, url: str) -> bool:
        """What the site's robots.txt says; a site without one allows."""
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self._robots:
            rules = urllib.robotparser.RobotFileParser()
            try:
                response = self._get(_checked(f"{site}/robots.txt"), time.monotonic())
                text = response.body.decode("utf-8", "replace") if response.status == 200 else ""
            except InputError:
                text = ""
            rules.parse(text.splitlines())
            self._robots[site] = rules
        return self._robots[site].can_fetch(USER_AGENT, url)

    def _get(self, parts: SplitResult, start: float) -> Response:
        host = parts.hostname or ""
        wait = self._last.get(host, -self.pause) + self.pause - time.monotonic()
        if wait > 0:
            self.sleep(wait)
        self._last[host] = time.monotonic()
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = _address(parts.geturl(), host, port, self.allow_private)
        connection = _Pinned(host, port, address, parts.scheme == "https")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("GET", target, headers=self._headers(host))
            return _read(connection.getresponse(), start, parts.geturl())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise InputError(f"{parts.geturl()}: not reachable ({type(error).__name__}: {str(error)[:80]})") from error
        finally:
            connection.close()

    def _headers(self, host: str) -> dict[str, str]:
        headers = {
            "User-Agent": USER_AGENT,
            "Accept": "text/html, application/json, text/*, application/pdf",
            "Accept-Encoding": "identity",
        }
        if self.token and host == "api.github.com":
            headers["Authorization"] = f"Bearer {self.token}"
        return headers

    def _keep(self, asked: str, url: str, response: Response) -> None:
        """The bytes under their hash, written once; beside them one record for every time they were fetched."""
        digest = hashlib.sha256(response.body).hexdigest()
        self.folder.mkdir(parents=True, exist_ok=True)
        raw = self.folder / f"{digest}.bin"
        if not raw.exists():
            _write_bytes(raw, response.body)
        now = datetime.now(UTC)
        record = {
            "url": asked, "final_url": url, "fetched_at": now.isoformat(timespec="seconds"), "sha256": digest,
            "bytes": len(response.body), "content_type": response.headers.get("content-type"),
        }  # fmt: skip
        write_whole(self.folder / f"{digest}.{now:%Y%m%dT%H%M%S%f}.json", json.dumps(record, indent=1) + "\n")


def _write_bytes(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise InputError(f"{url}: no address ({error})") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{url}: only http and https addresses are fetched")
    if parts.username or parts.password or re.search(r"[\x00-\x20\x7f]", url):
        raise InputError(f"{url}: addresses with a password or control characters are not fetched")
    return parts


def _address(url: str, host: str, port: int, allow_private: bool) -> str:
    """The address to connect to. Raises InputError where any address of the name is not public."""
    try:
        found = [info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise InputError(f"{url}: the name {host} does not resolve") from error
    for address in found:
        if not allow_private and not is_public(str(address)):
            raise InputError(
                f"{url}: {address} is not a public address; only public sites are fetched: save the page by hand"
            )
    return str(found[0])


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet; mapped and translated forms are looked into."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that was checked, speaking to the host by its name."""

    def __init__(self, host: str, port: int, address: str, secure: bool) -> None:
        super().__init__(host, port, timeout=10)
        self._address, self._secure = address, secure

    def connect(self) -> None:
        """Connect to the checked address; certificates are checked against the name."""
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._secure:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


def _read(answer: http.client.HTTPResponse, start: float, url: str) -> Response:
    chunks, size = [], 0
    while chunk := answer.read1(65536):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BYTES:
            raise InputError(f"{url}: larger than {MAX_BYTES:,} bytes")
        if time.monotonic() - start > MAX_SECONDS:
            raise InputError(f"{url}: not answered within {MAX_SECONDS:.0f} s")
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return Response(answer.status, headers, b"".join(chunks))
