"""With system accounts nobody reads another's home, the grading folder, or the hub.

Asked of real accounts, in kernels that the hub started for them.
"""

import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from fairtutor.exercises.release import release

ROOT = Path(__file__).parent.parent
GROUP = f"ft{os.getpid()}"
ANNA, BEN, CARLA = (f"{GROUP}{letter}" for letter in "abc")
pytestmark = [pytest.mark.long, pytest.mark.root]
TRY = """
import os, signal
def attempt(act):
    try:
        act()
    except OSError as error:
        return type(error).__name__
    return "done"
print(attempt(lambda: {}))
"""


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, **options)


@pytest.fixture(scope="module")
def base():
    """A folder that everybody may pass through."""
    if os.geteuid() != 0:
        if os.environ.get("FAIRTUTOR_REQUIRE_HUB") == "1":
            pytest.fail("FAIRTUTOR_REQUIRE_HUB=1, but this needs root")
        pytest.skip("making system accounts needs root")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def accounts(base):
    """Three accounts with homes under ``base``; the third is not in the group."""
    passwords = {name: secrets.token_hex(12) for name in (ANNA, BEN, CARLA)}
    run("groupadd", GROUP)
    try:
        for name, password in passwords.items():
            groups = [] if name == CARLA else ["-G", GROUP]
            private = ["-K", "HOME_MODE=0700", "-s", "/bin/bash"]
            run("useradd", "-m", "-b", str(base), *private, *groups, name)
            run("chpasswd", input=f"{name}:{password}\n")
        yield passwords
    finally:
        for name in passwords:
            subprocess.run(["userdel", "-r", name], capture_output=True)
        run("groupdel", GROUP)


@pytest.fixture(scope="module")
def python(base):
    """A Python that every account can start, with the packages of this one."""
    own = Path(sys.executable).resolve()
    if all(folder.stat().st_mode & 0o001 for folder in own.parents):
        return sys.executable
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    place = base / "python"
    made = Path(system).exists() and subprocess.run(
        [system, "-m", "venv", "--without-pip", str(place)], capture_output=True
    )
    if not made or made.returncode:
        pytest.skip(f"{own} is closed to other accounts, and {system} makes no venv")
    [site] = place.glob("lib/python3*/site-packages")
    [ours] = Path(sys.prefix).glob("lib/python3*/site-packages")
    (site / "ours.pth").write_text(f"import site; site.addsitedir({str(ours)!r})\n")
    (place / "etc").symlink_to(Path(sys.prefix) / "etc")
    shares = place / "share" / "jupyter"
    shares.mkdir(parents=True)
    for folder in (Path(sys.prefix) / "share" / "jupyter").iterdir():
        if folder.name != "kernels":
            (shares / folder.name).symlink_to(folder)
    return str(place / "bin" / "python")


@pytest.fixture(scope="module")
def course(base, script):
    """A course as an instructor keeps it, and a grading folder beside it."""
    script("hub/start.py").install_proxy()
    place = base / "clone"
    release(ROOT, place)
    shutil.copytree(ROOT / "hub", place / "hub")
    proxy = Path("build", "hub-proxy")
    shutil.copytree(ROOT / proxy, place / proxy, symlinks=True)
    for name in ("grading", "clone/solutions"):
        (base / name).mkdir(mode=0o700)
        (base / name / "secret.txt").write_text("secret")
        (base / name / "secret.txt").chmod(0o644)  # the folder is what protects it
    return place


@pytest.fixture(scope="module")
def hub(hub_tools, accounts, base, python, course):
    """A hub with system accounts."""
    chosen = {
        "HUB_ACCOUNTS": "system",
        "HUB_ALLOW_ROOT": "",
        "HUB_GROUP": GROUP,
        "HUB_PRIVATE": str(base / "grading"),
        "HUB_MEMORY": "1G",
        "PYTHONPATH": str(course),
    }
    start = course / "hub" / "start.py"
    with hub_tools.trial.TrialHub(base / "hub", python, start, **chosen) as hub:
        yield hub


@pytest.fixture(scope="module")
def come(hub, hub_tools, accounts):
    """Return a function that logs an account in."""

    def coming(name):
        address = hub.settings.address
        who = hub_tools.client.Participant(address, name, accounts[name])
        who.login()
        return who

    return coming


@pytest.fixture(scope="module")
def room(come, hub, hub_tools):
    """Anna and Ben at work: their kernels, and something that each saved."""
    people, kernels = {}, {}
    for name in (ANNA, BEN):
        people[name] = come(name)
        people[name].spawn()
        people[name].pull(hub_tools.release.pull_path(hub.settings))
        kernels[name] = people[name].kernel()
        people[name].save("answer.txt", f"the answer of {name}")
    return SimpleNamespace(people=people, kernels=kernels)


def home(name):
    return Path(pwd.getpwnam(name).pw_dir)


@pytest.mark.parametrize("name", [ANNA, BEN])
def test_a_kernel_runs_as_its_participant_and_has_the_course(room, name):
    code = "import os, fairtutor; print(os.getuid(), len(fairtutor.load('german')))"
    assert room.kernels[name].run(code).text == f"{pwd.getpwnam(name).pw_uid} 1000\n"
    assert (home(name) / "course" / "chapters").is_dir()


def forbidden(hub, base, owner):
    """Return what others than ``owner`` may not do, by what it is."""
    secret, server = hub.settings.secrets, hub.server(owner)
    reads = {
        "another's work": home(owner) / "answer.txt",
        "another's course": home(owner) / "course" / "README.md",
        "the grading folder": base / "grading" / "secret.txt",
        "the solutions": base / "clone" / "solutions" / "secret.txt",
        "the hub's database": secret / "jupyterhub.sqlite",
        "the hub's cookie secret": secret / "cookie_secret",
        "the token that ends the hub": secret / "token",
        "the hub's environment": Path(f"/proc/{hub.process.pid}/environ"),
        "another's environment": Path(f"/proc/{server}/environ"),
    }
    acts = {what: f"open({str(path)!r}, 'rb').read()" for what, path in reads.items()}
    for what, path in (
        ("another's home, listed", home(owner)),
        ("the grading folder, listed", base / "grading"),
        ("the hub's folder, listed", secret),
        ("the shared homes, listed", hub.settings.homes),
    ):
        acts[what] = f"os.listdir({str(path)!r})"
    for what, path in (
        ("a file for another", home(owner) / "planted"),
        ("the release, changed", hub.settings.release / "README.md"),
        ("git's settings, changed", hub.state / "gitconfig"),
        ("the hub, changed", base / "clone" / "hub" / "limits.py"),
    ):
        acts[what] = f"open({str(path)!r}, 'a')"
    acts["another's server, ended"] = f"os.kill({server}, signal.SIGTERM)"
    return acts


def test_nobody_reaches_what_is_not_theirs(room, hub, base):
    for name, owner in ((ANNA, BEN), (BEN, ANNA)):
        for what, act in forbidden(hub, base, owner).items():
            answer = room.kernels[name].run(TRY.format(act))
            assert answer.text == "PermissionError\n", f"{what}: {answer}"


def test_the_attempts_above_succeed_where_they_may(room, hub, base):
    acts = forbidden(hub, base, ANNA)
    own = ["another's work", "another's environment", "another's home, listed"]
    for what in [*own, "a file for another"]:
        answer = room.kernels[ANNA].run(TRY.format(acts[what]))
        assert answer.text == "done\n", f"{what}: {answer}"
    for what, act in acts.items():
        if act.startswith("open") and ".read()" in act:  # as root: it is there to read
            assert eval(act), what


def test_another_s_server_refuses(room):
    path = f"/user/{BEN}/api/contents/answer.txt"
    assert room.people[ANNA].request("GET", path).status_code in (403, 404)


def test_limits_cannot_be_lifted(room):
    lift = "__import__('resource').setrlimit(2, (-1, -1))"
    for act in (lift, "os.setpriority(os.PRIO_PROCESS, 0, 0)", "os.setuid(0)"):
        answer = room.kernels[ANNA].run(TRY.format(act))
        said = answer.text or answer.error
        assert "PermissionError" in said or "not allowed to raise" in said, answer
    answer = room.kernels[ANNA].run("import numpy as np; np.ones(200_000_000)")
    assert answer.error.startswith("MemoryError")


def test_who_is_not_in_the_group_or_does_not_know_the_password_is_refused(
    come, hub, hub_tools
):
    with pytest.raises(hub_tools.client.HubError, match="login refused"):
        come(CARLA)
    wrong = hub_tools.client.Participant(hub.settings.address, ANNA, "wrong-password")
    with pytest.raises(hub_tools.client.HubError, match="login refused"):
        wrong.login()


def test_a_home_that_is_open_to_others_gets_no_server(come, hub, hub_tools, room):
    who = room.people[BEN]
    who.request("DELETE", f"/hub/api/users/{BEN}/server")
    end = time.monotonic() + 60
    while hub.processes(BEN):
        assert time.monotonic() < end
        time.sleep(0.5)
    home(BEN).chmod(0o755)
    try:
        with pytest.raises(hub_tools.client.HubError):
            who.spawn()
        assert f"chmod 700 {home(BEN)}" in hub.log.read_text()
        assert hub.processes(BEN) == []
    finally:
        home(BEN).chmod(0o700)


def test_a_grading_folder_that_is_open_stops_the_start(hub, base, python, course):
    (base / "grading").chmod(0o755)
    try:
        told = {**hub.variables, "HUB_STATE": str(base / "second")}
        start = [python, str(course / "hub" / "start.py")]
        said = subprocess.run(start, env=told, capture_output=True, text=True)
    finally:
        (base / "grading").chmod(0o700)
    assert said.returncode == 1
    assert f"Fix: chmod 700 {base / 'grading'}" in said.stderr
