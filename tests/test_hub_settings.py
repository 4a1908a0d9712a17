"""What a hub refuses and writes, and a client that is told to try again."""

import os
import re
import stat
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

ROOT = Path(__file__).parent.parent


@pytest.fixture
def settings(script, tmp_path, monkeypatch):
    """Return a function that gives the settings of a user who is not root."""
    for name in [name for name in os.environ if name.startswith("HUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    module = script("hub/settings.py")
    return lambda **chosen: module.Settings(**{"state": tmp_path / "hub", **chosen})


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"host": "0.0.0.0"}, "without TLS.*HUB_TLS_CERT.*HUB_PLAIN=yes"),
        ({"host": "", "plain": "no"}, "without TLS"),
        ({"tls_cert": "a.pem"}, "belong together"),
        ({"host": "0.0.0.0", "tls_key": "a.pem"}, "belong together"),
        ({"accounts": "sytem"}, "HUB_ACCOUNTS=sytem"),
        ({"accounts": "system"}, "run it as root"),
        ({"participants": 0}, "HUB_PARTICIPANTS must be at least 1"),
        ({"threads": 0}, "HUB_THREADS must be at least 1"),
    ],
)
def test_an_insecure_or_impossible_hub_is_refused(settings, chosen, says):
    [reason] = settings(**chosen).refusals()
    assert re.search(says, reason)


def test_a_sound_hub_is_not_refused(settings):
    assert settings().refusals() == []
    assert settings(host="0.0.0.0", plain="yes").refusals() == []
    assert settings(host="0.0.0.0", tls_cert="a", tls_key="b").refusals() == []


def test_root_is_refused_unless_participants_have_accounts(settings, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "Every participant would be root" in settings().refusals()[0]
    assert settings(allow_root="yes").refusals() == []


def test_with_accounts_a_folder_that_others_can_read_is_refused(
    settings, monkeypatch, tmp_path
):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    module = sys.modules["hub_settings"]
    monkeypatch.setattr(module, "CLONE", tmp_path)
    monkeypatch.setattr(
        module, "open_to_others", lambda path: path.name in ("solutions", "open")
    )
    for name in ("open", "closed"):
        (tmp_path / name).mkdir()
    both = f"{tmp_path / 'open'}:{tmp_path / 'closed'}"
    isolated = settings(accounts="system", private=both)
    [reason] = isolated.refusals()
    assert reason.endswith(f"Fix: chmod 700 {tmp_path / 'open'}")
    (tmp_path / "solutions").mkdir()
    assert "solutions" in isolated.refusals()[0]


def test_open_to_others_looks_at_the_way_too(script, tmp_path):
    open_to_others = script("hub/settings.py").open_to_others
    if not open_to_others(Path("/tmp")):
        pytest.skip("/tmp itself is closed here")
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        inner = folder / "inner"
        inner.mkdir(mode=0o755)
        folder.chmod(0o755)
        assert open_to_others(inner)
        inner.chmod(0o700)
        assert not open_to_others(inner)
        inner.chmod(0o755)
        folder.chmod(0o700)
        assert not open_to_others(inner)


def test_the_password_is_drawn_once_and_kept_from_others(settings, tmp_path):
    password = settings().secret("password")
    assert re.fullmatch("[a-z2-9]{12}", password)
    assert settings().secret("password") == password
    assert settings(state=tmp_path / "other").secret("password") != password
    path = tmp_path / "hub" / "private" / "password"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_program_refuses_in_words_and_starts_nothing(tmp_path):
    told = {**os.environ, "HUB_HOST": "0.0.0.0", "HUB_STATE": str(tmp_path / "hub")}
    said = subprocess.run(
        [sys.executable, ROOT / "hub" / "start.py"],
        env=told,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 1 and "FAIL  The hub would listen" in said.stderr
    assert not (tmp_path / "hub").exists()


def test_the_release_is_committed_when_it_changed(script, settings, tmp_path):
    clone = tmp_path / "clone"
    for folder in ("exercises", "chapters", "solutions"):
        (clone / folder).mkdir(parents=True)
        (clone / folder / "01.ipynb").write_text(folder)
    (clone / "pyproject.toml").write_text("")
    hub, release = settings(), script("hub/release.py")
    hub.state.mkdir()

    def commits():
        log = ["git", "-C", str(hub.release), "rev-list", "--count", "HEAD"]
        return int(subprocess.check_output(log))

    assert release.publish(hub, clone) == 3 and commits() == 1
    release.publish(hub, clone)
    assert commits() == 1
    (clone / "chapters" / "01.ipynb").write_text("again")
    (clone / "exercises" / "01.ipynb").unlink()
    assert release.publish(hub, clone) == 2 and commits() == 2
    files = {p.relative_to(hub.release) for p in hub.release.rglob("*.ipynb")}
    assert files == {Path("chapters/01.ipynb")}


def test_the_link_names_repository_and_notebook(script, settings):
    link = script("hub/release.py").link(settings(), "chapters/02.ipynb")
    asked = parse_qs(urlsplit(link).query)
    assert urlsplit(link).path == "/hub/user-redirect/git-pull"
    assert asked["repo"] == [settings().release.as_uri()]
    assert asked["urlpath"] == ["lab/tree/course/chapters/02.ipynb"]


def test_the_sketch_for_a_cluster_says_the_same_as_the_hub(settings, script):
    values = yaml.safe_load((ROOT / "hub" / "values.yaml").read_text())
    one, many = settings(), values["singleuser"]
    assert many["memory"]["limit"] == one.memory
    assert many["extraEnv"]["OMP_NUM_THREADS"] == str(one.threads)
    assert values["cull"]["timeout"] == one.idle
    path, query = script("hub/release.py").pull_path(one).split("?")
    here, there = parse_qs(query), parse_qs(urlsplit(many["defaultUrl"]).query)
    assert many["defaultUrl"].startswith(path) and here.keys() == there.keys()
    assert all(there[key] == here[key] for key in here if key != "repo")


class Busy(BaseHTTPRequestHandler):
    """A hub that says *try again* twice."""

    refused = 0

    def do_GET(self):
        busy = Busy.refused < 2
        Busy.refused += busy
        self.send_response(429 if busy else 200)
        self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_a_client_tries_again_when_told(hub_tools):
    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        who = hub_tools.client.Participant(address, "anna", "")
        start = time.monotonic()
        assert who.request("GET", "/hub/api").status_code == 200
        server.shutdown()
    assert who.retries == 2 and time.monotonic() - start >= 2
