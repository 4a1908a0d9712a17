"""A hub with two participants, whose work outlives what goes wrong."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

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
