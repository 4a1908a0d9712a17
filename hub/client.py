"""A participant without a browser: the same requests, for the load test and the tests.

A hub under load answers 429, *try again*: every request here does, after the time that
the hub names.
"""

import json
import random
import time
import uuid
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import requests
import websocket

PATIENCE = 600  # seconds


class HubError(Exception):
    """A hub that refuses, or does not answer in time; the message says what it said."""


@dataclass
class Answer:
    """What a cell gave.

    Parameters
    ----------
    status
        ``ok``, ``error``, or ``dead`` if the kernel ended.
    text
        What was printed, and the value of the last line.
    error
        Name and words of the error, if any.
    """

    status: str = "ok"
    text: str = ""
    error: str = ""


@dataclass
class Participant:
    """Somebody who logs in, pulls the course and runs cells.

    Parameters
    ----------
    address
        Of the hub, such as ``http://127.0.0.1:8000``.
    name, password
        To log in with.
    retries
        How often the hub said *try again*; counted here.
    """

    address: str
    name: str
    password: str
    retries: int = 0
    session: requests.Session = field(default_factory=requests.Session)

    def request(self, method: str, path: str, **options) -> requests.Response:
        """Return the answer to a request, repeated while the hub says *try again*.

        Parameters
        ----------
        method, path
            Such as ``GET`` and ``/hub/api``.
        **options
            For `requests`.

        Raises
        ------
        HubError
            It said so for ten minutes.
        """
        end = time.monotonic() + PATIENCE
        headers = {"X-XSRFToken": self._token(path), "Referer": self.address + path}
        options = {"timeout": 300, "headers": headers, **options}
        while True:
            answer = self.session.request(method, self.address + path, **options)
            if answer.status_code != 429:
                return answer
            if time.monotonic() > end:
                raise HubError(
                    f"{self.name}: {path} was refused for {PATIENCE} s (429)"
                )
            self.retries += 1
            wait = float(answer.headers.get("Retry-After", 10))
            time.sleep(wait + random.uniform(0, 2))

    def _token(self, path: str) -> str:
        """Return the token given to pages of this path, empty before the first."""
        fits = [
            cookie
            for cookie in self.session.cookies
            if cookie.name == "_xsrf" and path.startswith(cookie.path)
        ]
        return max(fits, key=lambda cookie: len(cookie.path)).value if fits else ""

    def _asked(self, method: str, path: str, **options) -> requests.Response:
        answer = self.request(method, path, **options)
        if not answer.ok:
            said = f"{answer.status_code} {answer.text[:300]}"
            raise HubError(f"{self.name}: {method} {path}: {said}")
        return answer

    def login(self) -> None:
        """Log in by the form.

        Raises
        ------
        HubError
            Name or password is wrong.
        """
        self._asked("GET", "/hub/login")
        form = {
            "username": self.name,
            "password": self.password,
            "_xsrf": self._token("/hub/login"),
        }
        answer = self.request(
            "POST", "/hub/login", data=form, allow_redirects=False, timeout=60
        )
        if answer.status_code != 302:
            raise HubError(f"{self.name}: login refused ({answer.status_code})")

    def spawn(self) -> None:
        """Start the server, wait until it is ready, and go in.

        Raises
        ------
        HubError
            It does not start, or not within ten minutes.
        """
        end, mine = time.monotonic() + PATIENCE, f"/hub/api/users/{quote(self.name)}"
        self._asked("GET", "/hub/home")  # a page, which gives the token of the API
        self._asked("POST", f"{mine}/server")
        while True:
            server = self._asked("GET", mine).json()["servers"].get("", {})
            if server.get("ready"):
                break
            if not server.get("pending"):
                raise HubError(f"{self.name}: the server did not start")
            if time.monotonic() > end:
                raise HubError(f"{self.name}: no server after {PATIENCE} s")
            time.sleep(0.5)
        self.enter()

    def enter(self) -> None:
        """Open a page of the running server, which then knows who this is."""
        self._asked("GET", f"{self.base}/lab")

    @property
    def base(self) -> str:
        """The path of this participant's server."""
        return f"/user/{quote(self.name)}"

    def pull(self, path: str) -> None:
        """Do what the page of a link does: pull the course.

        Parameters
        ----------
        path
            As `release.pull_path` gives it.

        Raises
        ------
        HubError
            The pull failed.
        """
        query = urlsplit(path).query
        said = self._asked("GET", f"{self.base}/git-pull/api?{query}").text
        lines = [line[6:] for line in said.splitlines() if line.startswith("data: ")]
        if not lines or json.loads(lines[-1])["phase"] != "finished":
            raise HubError(f"{self.name}: the pull failed: {said[-500:]}")

    def read(self, path: str) -> dict:
        """Return a file through the server, as Jupyter's contents API gives it."""
        return self._asked("GET", f"{self.base}/api/contents/{quote(path)}").json()

    def save(self, path: str, content: str) -> None:
        """Save a text file through the server, as the editor does."""
        body = {"type": "file", "format": "text", "content": content}
        self._asked("PUT", f"{self.base}/api/contents/{quote(path)}", json=body)

    def kernel(self, path: str = "", name: str = "python3") -> "Kernel":
        """Return a new kernel for a notebook of this path.

        Parameters
        ----------
        path
            Of the notebook, whose folder is the kernel's; a notebook that has a kernel
            keeps it. Empty: a notebook of its own.
        name
            Of the kernel's specification.
        """
        path = path or f"{uuid.uuid4().hex}.ipynb"
        body = {
            "path": path,
            "name": path,
            "type": "notebook",
            "kernel": {"name": name},
        }
        answer = self._asked("POST", f"{self.base}/api/sessions", json=body)
        return Kernel(self, answer.json()["kernel"]["id"])


class Kernel:
    """A kernel of a participant, reached as a notebook's page reaches it.

    Parameters
    ----------
    owner
        Whose it is; logged in.
    id
        As the server calls it.
    """

    def __init__(self, owner: Participant, id: str):
        self.owner, self.id = owner, id
        address = urlsplit(owner.address)
        path = f"{owner.base}/api/kernels/{id}/channels"
        query = urlencode({"session_id": id, "_xsrf": owner._token(path)})
        scheme = "wss" if address.scheme == "https" else "ws"
        url = urlunsplit((scheme, address.netloc, path, query, ""))
        pairs = {
            cookie.name: cookie.value
            for cookie in sorted(owner.session.cookies, key=lambda c: len(c.path))
            if path.startswith(cookie.path)
        }
        cookie = "; ".join(f"{name}={value}" for name, value in pairs.items())
        self.socket = websocket.create_connection(
            url, cookie=cookie, origin=owner.address, timeout=PATIENCE
        )

    def run(self, code: str, seconds: float = PATIENCE) -> Answer:
        """Return what a cell gives, when it has ended.

        Parameters
        ----------
        code
            The cell.
        seconds
            It may take, at most.

        Raises
        ------
        HubError
            It takes longer.
        """
        answer, end = Answer(), time.monotonic() + seconds
        asked = self._send(code)
        replied = idle = False
        while not (replied and idle):
            message = self._receive(end)
            kind, content = message["msg_type"], message["content"]
            state = content.get("execution_state")
            if state in ("restarting", "dead"):
                return Answer("dead", answer.text, "the kernel ended")
            if message["parent_header"].get("msg_id") != asked:
                continue
            if kind == "stream":
                answer.text += content["text"]
            elif kind == "execute_result":
                answer.text += content["data"].get("text/plain", "")
            elif kind == "error":
                answer.error = f"{content['ename']}: {content['evalue']}"
            elif kind == "execute_reply":
                answer.status, replied = content["status"], True
            elif kind == "status":
                idle = state == "idle"
        return answer

    def _send(self, code: str) -> str:
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "username": self.owner.name,
            "session": self.id,
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": True}
        content |= {"allow_stdin": False, "stop_on_error": True}
        message = {"header": header, "parent_header": {}, "metadata": {}}
        message |= {"content": content, "channel": "shell", "buffers": []}
        self.socket.send(json.dumps(message))
        return header["msg_id"]

    def _receive(self, end: float) -> dict:
        while time.monotonic() < end:
            self.socket.settimeout(max(1.0, end - time.monotonic()))
            try:
                got = self.socket.recv()
            except websocket.WebSocketTimeoutException:
                break
            except (websocket.WebSocketException, OSError) as error:
                raise HubError(
                    f"{self.owner.name}: lost the kernel: {error}"
                ) from error
            if not got:
                raise HubError(f"{self.owner.name}: the server closed the connection")
            if isinstance(got, str):  # bytes carry a widget's buffers
                return json.loads(got)
        raise HubError(f"{self.owner.name}: a cell did not end in time")

    def close(self) -> None:
        """Close the connection and end the kernel."""
        self.socket.close()
        self.owner.request("DELETE", f"{self.owner.base}/api/kernels/{self.id}")
