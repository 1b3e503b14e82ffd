"""Who may come in, and whose cases they see.

On loopback Casebook is open: whoever can log in on this machine. Any other address needs tokens or users.
"""

import base64
import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from pydantic import SecretStr

from app.settings import Settings
from kb.errors import InputError

VISITOR = "casebook_visitor"  # the cookie that the pages give each browser
MIN_VISITOR, MIN_TOKEN, MIN_PASSWORD = 32, 16, 8  # characters
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Access:
    """The tokens and users of the settings. Secrets are held as digests and compared in constant time."""

    def __init__(self, settings: Settings) -> None:
        """Raises InputError that names the variable, never its value."""
        tokens = _pairs(settings.tokens, "CASEBOOK_TOKENS", MIN_TOKEN)
        self._users = {n: _digest(v) for n, v in _pairs(settings.users, "CASEBOOK_USERS", MIN_PASSWORD).items()}
        self._tokens = {_digest(token): name for name, token in tokens.items()}
        if both := set(tokens) & set(self._users):
            raise InputError(f"CASEBOOK_TOKENS and CASEBOOK_USERS: both name {min(both)!r}; names share no cases")

    @property
    def open(self) -> bool:
        """Whether nobody has to say who they are."""
        return not self._tokens and not self._users

    def who(self, authorization: str) -> str | None:
        """The name behind an Authorization header: `Bearer TOKEN`, or `Basic` with a user's name and password."""
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return self._by_token(value.strip())
        if scheme.lower() != "basic":
            return None
        try:
            name, _, password = base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
        except ValueError:
            return None
        known = hmac.compare_digest(self._users.get(name, b"\0" * 32), _digest(password))
        return name if known and name in self._users else self._by_token(password)

    def _by_token(self, token: str) -> str | None:
        given, found = _digest(token), None
        for digest, name in self._tokens.items():  # all of them, so that time tells nothing
            found = name if hmac.compare_digest(digest, given) else found
        return found


def check_address(host: str, access: Access) -> None:
    """Raises InputError where an address beyond this machine would be open to everybody."""
    if access.open and not is_loopback(host):
        raise InputError(
            f"host {host}: other machines could reach it and nobody would have to log in; set "
            "CASEBOOK_USERS=name:password or CASEBOOK_TOKENS=name:token (several: comma-separated), "
            "or leave the host at 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def owner_of(cookies: str | None) -> str:
    """Whose cases a request sees: the visitor's whose cookie it brings, else those of this machine's command line."""
    visitor = _cookies(cookies).get(VISITOR, "")
    return f"web:{visitor}" if len(visitor) >= MIN_VISITOR else "local"


def as_visitor(name: str, cookies: str | None) -> str:
    """A Cookie header that says whose cases a logged-in user sees, whatever the browser brought."""
    kept = {key: value for key, value in _cookies(cookies).items() if key != VISITOR}
    kept[VISITOR] = "user-" + hashlib.sha256(name.encode()).hexdigest()
    return "; ".join(f"{key}={value}" for key, value in kept.items())


def _cookies(header: str | None) -> dict[str, str]:
    try:
        return {name: morsel.coded_value for name, morsel in SimpleCookie(header or "").items()}
    except CookieError:
        return {}


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _pairs(given: SecretStr | None, variable: str, shortest: int) -> Mapping[str, str]:
    """`name:secret,name:secret` as a mapping."""
    found: dict[str, str] = {}
    for number, entry in enumerate((given.get_secret_value() if given else "").split(","), 1):
        name, _, secret = entry.strip().partition(":")
        if not entry.strip():
            continue
        if not name or len(secret) < shortest:
            raise InputError(f"{variable}: entry {number} is not name:secret with a secret of {shortest} characters")
        if name in found:
            raise InputError(f"{variable}: {name!r} is named twice")
        found[name] = secret
    return found
