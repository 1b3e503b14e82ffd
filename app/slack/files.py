"""Attached files, fetched with the bot's own token from Slack's file hosts and from nowhere else."""

from collections.abc import Collection
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from app.slack.model import FileRef
from app.slack.words import word
from kb.evidence.binary import binary_kind
from kb.types import Lang

TIMEOUT = 30  # seconds without a byte
NOT_TEXT = ("image/", "video/", "audio/", "font/")


class NotRead(Exception):
    """A file that is not read; `key` is the sentence that says why."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(key)


class _NoRedirect(HTTPRedirectHandler):
    """Following one would send the token elsewhere."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class Files:
    """Fetches files. Safe for threads."""

    def __init__(self, token: str, hosts: Collection[str], limit_mb: int) -> None:
        """`hosts` as host or host:port; a plain http:// address is only taken from this machine."""
        self._token, self._hosts, self.limit_mb = token, frozenset(hosts), limit_mb
        self._opener = build_opener(_NoRedirect)

    def read(self, file: FileRef) -> bytes:
        """The content. Raises NotRead."""
        if file.mime.startswith(NOT_TEXT):
            raise NotRead("file_binary")
        if file.size > self.limit_mb << 20:
            raise NotRead("file_large")
        self._check_host(file.url)
        content = self._fetch(file)
        if len(content) > self.limit_mb << 20:
            raise NotRead("file_large")
        if binary_kind(content):
            raise NotRead("file_binary")
        return content

    def excuse(self, file: FileRef, error: NotRead, lang: Lang) -> str:
        """Why a file was not read, for its owner."""
        return word(error.key, lang, name=file.name[:80], limit=self.limit_mb)

    def _check_host(self, url: str) -> None:
        parts = urlsplit(url)
        here = parts.hostname in ("127.0.0.1", "localhost")
        if parts.scheme not in (("https", "http") if here else ("https",)) or parts.netloc not in self._hosts:
            raise NotRead("file_host")

    def _fetch(self, file: FileRef) -> bytes:
        request = Request(file.url, headers={"Authorization": f"Bearer {self._token}"})
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                if "text/html" in answer.headers.get("content-type", "") and "html" not in file.mime + file.kind:
                    raise NotRead("file_denied")  # Slack's log-in page
                content: bytes = answer.read((self.limit_mb << 20) + 1)
                return content
        except HTTPError as error:
            raise NotRead(
                "file_denied" if error.code in (301, 302, 303, 307, 308, 401, 403) else "file_failed"
            ) from error
        except (OSError, HTTPException, ValueError) as error:
            raise NotRead("file_failed") from error
