"""Chapters hold on another machine: one thread, and another processor's arithmetic."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
# Without vector instructions torch adds in another order, and so rounds differently.
OTHER = {"ATEN_CPU_CAPABILITY": "default", "OMP_NUM_THREADS": "1"}
NBVAL = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=240"]


@pytest.mark.slow
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_chapter_holds_with_one_thread_and_other_arithmetic(chapter):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [*NBVAL, "--nbval-sanitize-with", "tests/sanitize.cfg", str(chapter)]
    outer = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    said = subprocess.run(
        command,
        cwd=ROOT,
        env={**outer, **OTHER},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stdout[-6000:] + said.stderr[-2000:]


def test_the_settings_reach_torch():
    code = (
        "import torch; print(torch.get_num_threads(),"
        " torch.backends.cpu.get_cpu_capability())"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **OTHER},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["1", "DEFAULT"]
