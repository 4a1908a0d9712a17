"""What a hub is told by HUB_… variables, where its files are, and what it refuses."""

import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

CLONE = Path(__file__).resolve().parent.parent
HERE_ONLY = ("127.0.0.1", "localhost", "::1")
# No letter or digit that is mistaken for another when read from a screen.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def _text(name: str, otherwise: str = "") -> str:
    return os.environ.get(f"HUB_{name}") or otherwise


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


@dataclass(frozen=True)
class Settings:
    """The settings of one hub; each stands for the variable of its name.

    Parameters
    ----------
    accounts
        ``shared``: a name and one password for all, every server under the account
        that started the hub. ``system``: accounts of the machine, isolated.
    host, port
        Where people come in. The two ports after it are used inside.
    tls_cert, tls_key
        Certificate and key, as files.
    plain
        ``yes`` allows a host beyond this machine without TLS.
    allow_root
        ``yes`` allows participants to be root.
    state
        Folder of the hub: what it keeps to itself, the release, the shared homes.
    group
        With system accounts: members of this group may log in.
    private
        Folders, separated by ``:``, that no participant may read; checked at the start.
    participants
        Servers that may run at once, at least 1.
    memory
        Memory of a participant, such as ``2G``.
    cpus
        Cores that a participant's processes use at once, at least 1.
    threads
        Threads of torch and NumPy in a kernel, at least 1.
    spawns
        Servers that may be starting at once, at least 1; others are told to retry.
    idle
        Seconds without use after which a kernel, then its server, is ended.
    """

    accounts: str = field(default_factory=lambda: _text("ACCOUNTS", "shared"))
    host: str = field(default_factory=lambda: _text("HOST", "127.0.0.1"))
    port: int = field(default_factory=lambda: int(_text("PORT", "8000")))
    tls_cert: str = field(default_factory=lambda: _text("TLS_CERT"))
    tls_key: str = field(default_factory=lambda: _text("TLS_KEY"))
    plain: str = field(default_factory=lambda: _text("PLAIN"))
    allow_root: str = field(default_factory=lambda: _text("ALLOW_ROOT"))
    state: Path = field(
        default_factory=lambda: Path(_text("STATE", f"{CLONE}/build/hub")).resolve()
    )
    group: str = field(default_factory=lambda: _text("GROUP", "participants"))
    private: str = field(default_factory=lambda: _text("PRIVATE"))
    participants: int = field(default_factory=lambda: int(_text("PARTICIPANTS", "40")))
    memory: str = field(default_factory=lambda: _text("MEMORY", "2G"))
    cpus: int = field(
        default_factory=lambda: int(_text("CPUS", str(max(1, _cores() // 2))))
    )
    threads: int = field(default_factory=lambda: int(_text("THREADS", "1")))
    spawns: int = field(
        default_factory=lambda: int(_text("SPAWNS", str(max(4, 2 * _cores()))))
    )
    idle: int = field(default_factory=lambda: int(_text("IDLE", "7200")))

    @property
    def isolated(self) -> bool:
        """Whether each participant has an account of their own."""
        return self.accounts == "system"

    @property
    def address(self) -> str:
        """The address that people open."""
        scheme = "https" if self.tls_cert else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    @property
    def secrets(self) -> Path:
        """The folder that only the hub may read: database, cookie secret, password."""
        return self.state / "private"

    @property
    def release(self) -> Path:
        """The git repository that participants pull."""
        return self.state / "release"

    @property
    def homes(self) -> Path:
        """Where participants work, if they have no system account."""
        return self.state / "homes"

    def secret(self, name: str) -> str:
        """Return a secret kept in a file of this name, made at the first call.

        Parameters
        ----------
        name
            ``password``, or ``token`` for the service that ends the day.
        """
        path = self.secrets / name
        if not path.exists():
            self.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
            drawn = "".join(secrets.choice(LETTERS) for _ in range(12))
            text = drawn if name == "password" else secrets.token_hex(32)
            with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
                file.write(text)
        return path.read_text()

    def refusals(self) -> list[str]:
        """Return why the hub will not start like this, each with its fix."""
        found = [*self._network(), *self._account()]
        if not hasattr(os, "sched_setaffinity"):
            found.append("The limits need Linux. Fix: run the hub on a Linux machine.")
        for name in ("participants", "cpus", "threads", "spawns", "idle"):
            if getattr(self, name) < 1:
                found.append(f"HUB_{name.upper()} must be at least 1.")
        return found

    def _network(self) -> list[str]:
        if bool(self.tls_cert) != bool(self.tls_key):
            return ["HUB_TLS_CERT and HUB_TLS_KEY belong together; one is missing."]
        if self.host in HERE_ONLY or self.tls_cert or self.plain == "yes":
            return []
        return [
            f"The hub would listen on {self.host} without TLS: everyone on the network "
            "could read the password and the work. Fix: HUB_TLS_CERT=file "
            "HUB_TLS_KEY=file; or stay on 127.0.0.1 behind a web server with TLS; or, "
            "on a network that you trust with a password, HUB_PLAIN=yes."
        ]

    def _account(self) -> list[str]:
        root = os.geteuid() == 0
        if self.accounts not in ("shared", "system"):
            return [f"HUB_ACCOUNTS={self.accounts}: it is shared or system."]
        if not self.isolated:
            if root and self.allow_root != "yes":
                return [
                    "Every participant would be root. Fix: start it as an ordinary "
                    "user, or HUB_ACCOUNTS=system; in a container that you throw away, "
                    "HUB_ALLOW_ROOT=yes."
                ]
            return []
        if not root:
            return ["HUB_ACCOUNTS=system starts processes as others: run it as root."]
        named = map(Path, filter(None, self.private.split(":")))
        hidden = [CLONE / "solutions", *named]
        return [
            f"Participants could look into {path}. Fix: chmod 700 {path}"
            for path in hidden
            if path.exists() and open_to_others(path)
        ]


def open_to_others(path: Path) -> bool:
    """Return whether accounts that own nothing here can look into a folder or file.

    Parameters
    ----------
    path
        It must exist. Access lists beyond the mode are not looked at.
    """
    path = path.resolve()
    walk = all(folder.stat().st_mode & stat.S_IXOTH for folder in path.parents)
    return walk and bool(path.stat().st_mode & (stat.S_IROTH | stat.S_IXOTH))
