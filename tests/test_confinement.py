"""The kernel of a submission reaches its own folder, its sockets, and nothing else."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager

from fairtutor.exercises.confinement import (
    KERNEL,
    Limits,
    bwrap,
    lower_limits,
    obstacle,
    write_kernel,
)

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(obstacle() is not None, reason=str(obstacle()))


def run_confined(code, tmp_path, limits=Limits()):  # noqa: B008
    folder, shared = tmp_path / "own", tmp_path / "shared"
    folder.mkdir()
    shared.mkdir()
    (folder / "beside.txt").write_text("beside the notebook")
    command = bwrap([sys.executable, "-c", code], folder, shared, limits)
    said = subprocess.run(
        command,
        capture_output=True,
        text=True,
        preexec_fn=lambda: lower_limits(limits),
    )
    assert [path.name for path in folder.iterdir()] == ["beside.txt"]
    return said.stdout.strip(), said.stderr


def test_a_submission_reads_what_lies_beside_it_and_writes_to_a_copy(tmp_path):
    code = "print(open('beside.txt').read()); open('mine.txt', 'w').write('x')"
    assert run_confined(code, tmp_path)[0] == "beside the notebook"


def test_a_submission_sees_no_clone_no_home_and_nobodys_work(tmp_path):
    places = [ROOT / "solutions", ROOT / "tests", Path.home() / ".ssh", tmp_path]
    code = f"""
import os
print([os.path.exists(p) and sorted(os.listdir(p)) for p in {list(map(str, places))}])
import fairtutor
"""
    said, errors = run_confined(code, tmp_path)
    assert said == "[False, False, False, ['own', 'shared']]" and errors == ""


def test_a_submission_writes_nowhere_else(tmp_path):
    home, name = str(Path.home()), f"was_here_{os.getpid()}"
    places = ["/", "/usr", "/etc", "/var", home, str(ROOT / "fairtutor"), sys.prefix]
    code = f"""
for place in {places}:
    try:
        open(place + "/{name}", "w")
        print("wrote", place)
    except OSError:
        pass
"""
    assert run_confined(code, tmp_path)[0] == ""
    assert not any(Path(place, name).exists() for place in places)


def test_a_submission_gets_no_secret_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "do not tell")
    code = "import os; print('do not tell' in os.environ.values(), os.environ['HOME'])"
    assert run_confined(code, tmp_path)[0] == "False /tmp"


def test_a_submission_reaches_nobody(tmp_path):
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        port = int(server.stdout.readline().split("port ")[1].split()[0])
        code = f"""
import socket
try:
    socket.create_connection(("127.0.0.1", {port}), timeout=5)
    print("reached")
except OSError:
    print("nobody")
"""
        assert run_confined(code, tmp_path)[0] == "nobody"
    finally:
        server.kill()


def test_memory_and_disk_end(tmp_path):
    code = """
try:
    bytearray(3 * 2**30)
except MemoryError:
    print("memory")
try:
    for k in range(40):
        open(f"/tmp/{k}", "wb").write(bytes(2**20))
except OSError:
    print("disk")
import torch
print(torch.ones(2).sum().item())
"""
    limits = Limits(memory=2 * 2**30, disk=2**24)
    assert run_confined(code, tmp_path, limits)[0] == "memory\ndisk\n2.0"


def test_torch_trains_within_the_default_limits(tmp_path):
    code = """
import torch
net = torch.nn.Linear(3, 1)
steps = torch.optim.Adam(net.parameters())
for _ in range(3):
    steps.zero_grad()
    net(torch.ones(64, 3)).square().mean().backward()
    steps.step()
print("trained")
"""
    assert run_confined(code, tmp_path) == ("trained", "")


def test_nothing_is_left_running(tmp_path):
    mark = f"86{os.getpid()}"
    code = f"import subprocess; subprocess.Popen(['sleep', '{mark}'])"
    run_confined(code, tmp_path)
    time.sleep(0.5)
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert not any(mark.encode() in line for line in lines if b"sleep" in line)


# --- as Jupyter starts it ------------------------------------------------------------


@pytest.fixture
def started(tmp_path):
    """Start the confined kernel in a folder with files that would be imported."""
    folder, shared, jupyter = (tmp_path / n for n in ("own", "shared", "jupyter"))
    for made in (folder / "fairtutor", shared):
        made.mkdir(parents=True)
    canary = tmp_path / "canary"
    code = f"open({str(canary)!r}, 'w').write('imported outside')\n"
    for path in ("json.py", "fairtutor/__init__.py"):
        (folder / path).write_text(code)
    write_kernel(jupyter)
    manager = KernelManager(
        kernel_name=KERNEL,
        transport="ipc",
        ip=str(shared / "kernel"),
        connection_file=str(shared / "kernel.json"),
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(jupyter / "kernels")]),
    )
    manager.start_kernel(cwd=str(folder))
    yield manager, canary
    manager.shutdown_kernel(now=True)


def test_files_of_a_submission_are_not_imported_before_it_is_confined(started):
    manager, canary = started
    for _ in range(100):  # the false json ends the kernel, inside
        if not manager.is_alive():
            break
        time.sleep(0.1)
    assert not canary.exists()


def test_an_interrupt_reaches_the_confined_kernel(tmp_path):
    write_kernel(tmp_path / "jupyter")
    shared = tmp_path / "shared"
    shared.mkdir()
    specs = KernelSpecManager(kernel_dirs=[str(tmp_path / "jupyter" / "kernels")])
    manager = KernelManager(
        kernel_name=KERNEL,
        transport="ipc",
        ip=str(shared / "kernel"),
        connection_file=str(shared / "kernel.json"),
        kernel_spec_manager=specs,
    )
    (tmp_path / "own").mkdir()
    manager.start_kernel(cwd=str(tmp_path / "own"))
    client = manager.blocking_client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=60)
        asked = client.execute("while True: pass")
        while client.get_iopub_msg(timeout=60)["msg_type"] != "execute_input":
            pass
        manager.interrupt_kernel()
        reply = client.get_shell_msg(timeout=60)
        while reply["parent_header"]["msg_id"] != asked:  # of getting ready
            reply = client.get_shell_msg(timeout=60)
        assert reply["content"]["ename"] == "KeyboardInterrupt"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_the_kernel_says_which_python_it_is(tmp_path):
    write_kernel(tmp_path)
    text = (tmp_path / "kernels" / KERNEL / "kernel.json").read_text()
    assert json.loads(text)["argv"][:2] == [sys.executable, "-P"]
