"""A hub: what it refuses, and two participants whose work outlives what goes wrong."""

import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

ROOT = Path(__file__).parent.parent
TRAIN = """
from fairtutor import *
criteria = FairnessCriteria((Criterion("accuracy", 0.6),), rounds=2)
loop = ClosedLoop(load("german"), criteria)
result = loop.round(DataProducer("identity"), DataUser("logistic", seed=2))
print("accuracy", round(float(result.report.finding("accuracy").estimate), 2))
"""
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update"
).split()
# It takes memory bit by bit, as a list that grows does, and then waits.
TAKE = "kept = [b'x' * 10_000_000 for _ in range({})]\nimport time; time.sleep({})"


# --- what is refused, and what is written --------------------------------------------


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


# --- two participants ----------------------------------------------------------------


@pytest.fixture(scope="module")
def hub(hub_tools, tmp_path_factory):
    """A hub that is running; 1 GB for each participant."""
    state = tmp_path_factory.mktemp("run") / "hub"
    with hub_tools.trial.TrialHub(state, HUB_MEMORY="1G", HUB_CPUS="1") as hub:
        yield hub


@pytest.fixture(scope="module")
def arrive(hub_tools):
    """Return a function: somebody logs in, starts, and pulls the course."""

    def arrived(hub, name):
        password = hub.settings.secret("password")
        who = hub_tools.client.Participant(hub.settings.address, name, password)
        who.login()
        who.spawn()
        who.pull(hub_tools.release.pull_path(hub.settings))
        return who

    return arrived


@pytest.fixture(scope="module")
def anna(hub, arrive):
    return arrive(hub, "anna")


@pytest.fixture(scope="module")
def ben(hub, arrive):
    return arrive(hub, "ben")


@pytest.mark.long
def test_two_participants_train_and_save(anna, ben, hub):
    for who in (anna, ben):
        answer = who.kernel("course/chapters/02_three_entities.ipynb").run(TRAIN)
        assert answer.status == "ok", answer.error
        assert 0.6 < float(answer.text.split()[-1]) < 0.9
        who.save("course/notes.txt", f"{who.name} was here")
        assert who.read("course/notes.txt")["content"] == f"{who.name} was here"
        saved = hub.settings.homes / who.name / "course" / "notes.txt"
        assert saved.read_text() == f"{who.name} was here"


@pytest.mark.long
@pytest.mark.browser
def test_the_link_leads_through_the_login_to_the_chapter(hub, hub_tools, browser_path):
    playwright = pytest.importorskip("playwright.sync_api")
    first = "chapters/00_start_here.ipynb"
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path, args=QUIET)
        page = browser.new_page()
        page.goto(hub_tools.release.link(hub.settings, first))
        page.fill("#username_input", "emma")
        page.fill("#password_input", hub.settings.secret("password"))
        page.click("#login_submit")
        page.wait_for_url(f"**/user/emma/lab/**/{first}", timeout=120_000)
        page.get_by_role("tab", name="00_start_here.ipynb").wait_for(timeout=90_000)
        page.locator(".jp-Notebook h1").first.wait_for(timeout=60_000)
        browser.close()
    assert (hub.settings.homes / "emma" / "course" / first).exists()


@pytest.mark.long
def test_the_course_is_pulled_without_solutions_and_changes_are_kept(
    anna, hub, hub_tools
):
    course = hub.settings.homes / "anna" / "course"
    assert (course / "exercises" / "07_similar_individuals.ipynb").exists()
    assert not (course / "solutions").exists()
    anna.save("course/README.md", "mine")
    anna.pull(hub_tools.release.pull_path(hub.settings))
    assert anna.read("course/README.md")["content"] == "mine"


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "password"),
    [("anna", "wrong-password"), ("anna", ""), ("..", None), ("a/b", None)],
)
def test_a_wrong_password_or_name_is_refused(hub, hub_tools, name, password):
    if password is None:
        password = hub.settings.secret("password")
    stranger = hub_tools.client.Participant(hub.settings.address, name, password)
    with pytest.raises(hub_tools.client.HubError, match=r"login refused \(40[03]\)"):
        stranger.login()
    assert stranger.request("GET", "/hub/api/user").status_code == 403


@pytest.mark.long
def test_a_participant_is_no_administrator(anna, ben):
    assert anna.request("GET", "/hub/api/user").json()["admin"] is False
    anna.request("GET", "/hub/home")
    for method, path in (
        ("GET", "/hub/api/users"),
        ("GET", "/hub/admin"),
        ("GET", "/hub/api/users/ben"),
        ("DELETE", "/hub/api/users/ben/server"),
        ("POST", "/hub/api/users/carla"),
        ("POST", "/hub/api/shutdown"),
        ("GET", f"{ben.base}/api/contents/"),
    ):
        assert anna.request(method, path).status_code in (403, 404), path
    assert ben.request("GET", f"{ben.base}/api/contents/").status_code == 200


@pytest.mark.long
def test_threads_cores_and_priority_are_limited(anna):
    code = "import os, torch; torch.get_num_threads(), len(os.sched_getaffinity(0))"
    kernel = anna.kernel()
    assert kernel.run(code).text == "(1, 1)"
    assert kernel.run("os.nice(0)").text == "10"
    group = Path("/proc/self/autogroup")
    if group.exists() and group.read_text().strip():
        read = "open('/proc/self/autogroup').read().split()[-1]"
        until(lambda: kernel.run(read).text == "'10'")
    assert kernel.run("oct(os.umask(0o077))").text == "'0o77'"
    kernel.close()


@pytest.mark.long
def test_an_array_past_the_limit_is_an_error_and_the_kernel_lives(anna):
    kernel = anna.kernel()
    answer = kernel.run("here = 1\nimport numpy as np\nnp.ones(200_000_000)")
    assert answer.error.startswith("MemoryError")
    assert kernel.run("here").text == "1"
    kernel.close()


@pytest.mark.long
def test_kernels_that_go_past_it_together_lose_the_largest_and_neighbours_go_on(
    anna, ben, hub
):
    neighbour, small, large = ben.kernel(), anna.kernel(), anna.kernel()
    assert neighbour.run("here = 1").status == "ok"
    assert small.run("here = 1\n" + TAKE.format(35, 0)).status == "ok"
    assert large.run(TAKE.format(65, 60), seconds=90).status == "dead"
    assert small.run("here").text == "1"
    assert neighbour.run("here").text == "1"
    assert "anna holds" in hub.log.read_text()
    for kernel in (neighbour, small, large):
        kernel.close()


@pytest.mark.long
def test_a_killed_server_loses_no_saved_work(anna, hub):
    anna.save("kept.txt", "saved before")
    killed = hub.server("anna")
    os.kill(killed, signal.SIGKILL)
    until(lambda: anna.request("GET", "/hub/api/user").json()["server"] is None)
    anna.spawn()
    assert hub.server("anna") != killed
    assert anna.read("kept.txt")["content"] == "saved before"


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_restarted_hub_finds_its_servers_and_kernels(anna, ben, hub, how, hub_tools):
    kernel = anna.kernel()
    assert kernel.run("here = 41").status == "ok"
    anna.save("kept.txt", f"saved before {how}")
    before = hub.server("anna"), hub.server("ben")
    hub.kill(how)
    assert (hub.server("anna"), hub.server("ben")) == before
    hub.start()
    assert (hub.server("anna"), hub.server("ben")) == before
    assert anna.request("GET", "/hub/api/user").json()["server"] == "/user/anna/"
    assert anna.read("kept.txt")["content"] == f"saved before {how}"
    again = hub_tools.client.Kernel(anna, kernel.id)
    assert again.run("here + 1").text == "42"
    again.close()


# --- the end -------------------------------------------------------------------------


@pytest.mark.long
def test_late_ones_wait_and_the_day_ends(hub_tools, arrive, tmp_path):
    with hub_tools.trial.TrialHub(tmp_path / "hub", HUB_SPAWNS="1") as hub:
        with ThreadPoolExecutor(2) as room:
            both = list(room.map(lambda name: arrive(hub, name), ("carla", "dora")))
        assert sum(who.retries for who in both) >= 1
        for who in both:
            who.kernel()
            who.save("kept.txt", f"saved by {who.name}")
        stop = [sys.executable, ROOT / "hub" / "start.py", "stop"]
        subprocess.run(stop, env=hub.variables, check=True)
        hub.process.wait(60)
        until(lambda: hub.processes() == [], 60)
    for name in ("carla", "dora"):
        kept = hub.settings.homes / name / "kept.txt"
        assert kept.read_text() == f"saved by {name}"


@pytest.mark.long
def test_an_idle_server_ends_and_a_busy_one_does_not(hub_tools, arrive, tmp_path):
    with hub_tools.trial.TrialHub(tmp_path / "hub", HUB_IDLE="5") as hub:
        carla = arrive(hub, "carla")
        kernel = carla.kernel()
        carla.save("kept.txt", "saved before")
        busy = kernel.run("import time; time.sleep(70); 'awake'")
        assert busy.text == "'awake'"
        until(lambda: hub.processes("carla") == [], 150)
    assert (hub.settings.homes / "carla" / "kept.txt").read_text() == "saved before"


def until(true, seconds=30):
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.5)
