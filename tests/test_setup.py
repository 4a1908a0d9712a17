"""One environment, described three times; and a wheel that holds all of the course."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from fairtutor import doctor

ROOT = Path(__file__).parent.parent
SHIPPED = (
    "fairtutor",
    "chapters",
    "exercises",
    "pyproject.toml",
    "constraints.txt",
    "README.md",
)
LICENCES = ("LICENSE", "LICENSE-TEXT")
NO_NETWORK = re.compile("NewConnectionError|ConnectTimeout|NameResolution|unreachable")
# torch pins these packages itself; which ones depends on the GPU.
FROM_TORCH = re.compile("nvidia-|cuda-|triton|setuptools$")


@pytest.fixture(scope="module")
def project():
    """What pyproject.toml says under [project]."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def pins():
    """The version that constraints.txt gives each package, by canonical name."""
    return {canonicalize_name(name): pin for name, pin in doctor.pins().items()}


@pytest.fixture(scope="module")
def conda():
    """What environment.yml says."""
    return yaml.safe_load((ROOT / "environment.yml").read_text())


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the project's sources, so that building leaves nothing in the clone."""
    folder = tmp_path_factory.mktemp("source")
    skip = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in SHIPPED + LICENCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=skip)
        else:
            shutil.copy(path, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    """The wheel, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    pip(sys.executable, "wheel", "--no-deps", "-w", str(folder), ".", cwd=source)
    [path] = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def pip(python, *arguments, cwd):
    """Run pip; skip without a network, except where tests are demanded."""
    command = [str(python), "-m", "pip", *arguments]
    said = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    log = said.stdout + said.stderr
    if said.returncode and NO_NETWORK.search(log) and not os.environ.get("CI"):
        pytest.skip("pip reaches no package index, so nothing can be installed")
    assert said.returncode == 0, log[-4000:]
    return said.stdout


def needed(project):
    """Return what the project needs; its own extras are known and spelled out."""
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    needs = [Requirement(line) for group in groups for line in group]
    own = [need for need in needs if need.name == project["name"]]
    assert all(need.extras <= set(project["optional-dependencies"]) for need in own)
    return [need for need in needs if need.name != project["name"]]


# --- pyproject.toml, constraints.txt and environment.yml agree -----------------------


def test_every_dependency_is_pinned_to_a_version_that_satisfies_it(project, pins):
    for need in needed(project):
        pin = pins.get(canonicalize_name(need.name))
        assert pin is not None, f"constraints.txt has no {need.name}. Run `make pins`."
        assert need.specifier.contains(pin), f"{need} is not met by the pin {pin}"


def test_every_indirect_dependency_is_pinned(project, pins):
    open_ends, seen = needed(project), set()
    while open_ends:
        need = open_ends.pop()
        key = (canonicalize_name(need.name), frozenset(need.extras))
        if key in seen or FROM_TORCH.match(key[0]):
            continue
        seen.add(key)
        assert key[0] in pins, f"constraints.txt has no {need.name}. Run `make pins`."
        open_ends += required_by(need)


def required_by(need):
    """Return what an installed package requires on this machine, with its extras.

    What only an extra needs that is not installed here, such as the hub, has none.
    """
    try:
        lines = [Requirement(line) for line in metadata.requires(need.name) or []]
    except metadata.PackageNotFoundError:
        return []
    environments = [{"extra": extra} for extra in (need.extras or {""})]
    return [
        line
        for line in lines
        if line.marker is None
        or any(line.marker.evaluate(default_environment() | e) for e in environments)
    ]


def test_every_pin_is_one_version():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==\d[\w.]*", line) for line in pins)


def test_each_dependency_says_why():
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    for above, line in pairwise(lines):
        if re.match(r'    "[a-z-]+>=', line):
            assert re.match(r"    # [A-Z`].*\.$", above), f"no reason above {line}"


def test_conda_installs_what_make_installs(conda):
    *others, last = conda["dependencies"]
    assert others == ["python=3.11", "pip"]
    assert last == {"pip": ["-c constraints.txt", "-e .[dev]"]}
    makefile = (ROOT / "Makefile").read_text()
    assert "pip install -q -c constraints.txt -e '.[dev]'" in makefile
    assert conda["name"] == "fairtutor"


def test_python_versions_agree(project, conda):
    oldest = ".".join(map(str, doctor.OLDEST_PYTHON))
    allowed = SpecifierSet(project["requires-python"])
    assert str(allowed) == f">={oldest}"
    assert conda["dependencies"][0].partition("=")[2] in allowed
    assert check_machine().OLDEST == doctor.OLDEST_PYTHON


@pytest.mark.slow
def test_pip_section_of_environment_yml_installs_as_written(
    conda, pins, source, tmp_path
):
    # conda writes the section to a file beside environment.yml and runs pip there.
    section = source / "condaenv.requirements.txt"
    section.write_text("\n".join(conda["dependencies"][-1]["pip"]) + "\n")
    venv.create(tmp_path / "empty", with_pip=True, symlinks=os.name != "nt")
    python = tmp_path / "empty" / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip(python, "install", "-q", "-r", section.name, cwd=source)
    pip(python, "check", cwd=source)

    frozen = pip(python, "freeze", "--exclude-editable", cwd=source).split()
    installed = dict(line.split("==") for line in frozen)
    versions = {
        canonicalize_name(name): doctor.release(version)
        for name, version in installed.items()
        if not FROM_TORCH.match(name)
    }
    assert versions == {name: pins.get(name) for name in versions}
    code = "import fairtutor, torch; print(torch.__version__, fairtutor.__file__)"
    said = subprocess.run(
        [python, "-I", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    version, file = said.stdout.split()
    assert doctor.release(version) == pins["torch"]
    assert Path(file) == source / "fairtutor" / "__init__.py"


# --- the wheel holds the chapters and the data ---------------------------------------


@pytest.mark.slow
def test_wheel_holds_all_modules_data_and_chapters(wheel, source):
    inside = {p.relative_to(wheel).as_posix() for p in wheel.rglob("*") if p.is_file()}
    library = {
        path.relative_to(source).as_posix()
        for path in (source / "fairtutor").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert any(name.endswith(".xz") for name in library)
    chapters = {f"fairtutor/{p}" for p in chapter_paths()}
    assert library | chapters <= inside


def chapter_paths():
    return [path.relative_to(ROOT).as_posix() for path in ROOT.glob("chapters/*.ipynb")]


@pytest.mark.slow
def test_copy_writes_the_chapters_from_the_wheel(wheel, tmp_path):
    code = (
        "import fairtutor.cli as cli, sys; print(cli.__file__);"
        "sys.exit(cli.main(['copy', 'course']))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(str(wheel))
    names = sorted(
        path.relative_to(tmp_path / "course").as_posix()
        for path in (tmp_path / "course").glob("*/*")
    )
    exercises = [f"exercises/{path.name}" for path in ROOT.glob("exercises/*.ipynb")]
    assert names == sorted([*chapter_paths(), *exercises])
    for name in names:
        assert (tmp_path / "course" / name).read_bytes() == (ROOT / name).read_bytes()


# --- imports are quick (benchmarks/import_time.py measures how quick) ----------------


@pytest.mark.parametrize(
    "statement", ["import fairtutor", "from fairtutor import *", "import fairtutor.cli"]
)
def test_import_loads_nothing_heavy(statement):
    code = f"import sys\n{statement}\nprint(sorted(sys.modules))"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"pandas", "scipy", "matplotlib", "ipywidgets", "lightning_fabric"}
    assert not (heavy | {"sklearn"}) & set(ast.literal_eval(said.stdout))


# --- make stops early, with the fix --------------------------------------------------


def check_machine():
    """The module scripts/check_machine.py, which no package holds."""
    import importlib.util

    path = ROOT / "scripts" / "check_machine.py"
    spec = importlib.util.spec_from_file_location("check_machine", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_old_python_is_refused_with_the_one_to_use():
    problem = check_machine().python_problem
    assert problem((3, 11, 0)) is None
    assert "add PYTHON=python3.12" in problem((3, 9, 1), "python3.12".__eq__)
    assert "install Python 3.11" in problem((3, 9, 1), lambda name: False)


def test_a_python_without_venv_is_refused_with_the_package_to_install():
    problem = check_machine().venv_problem
    assert problem() is None
    assert "no module ensurepip" in problem("venv".__eq__)
    assert "apt install python3-venv" in problem("venv".__eq__)


def test_a_full_disk_is_refused_before_anything_is_downloaded(tmp_path):
    problem = check_machine().disk_problem
    missing = tmp_path / "not" / "yet"
    assert problem(missing, lambda folder: SimpleNamespace(free=5e9)) is None
    said = problem(missing, lambda folder: SimpleNamespace(free=1.25e9))
    assert "1.2 GB are free" in said and str(tmp_path) in said and "VENV=" in said


def without_make():
    """Return the environment without what `make test` passes on to a make inside it."""
    return {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}


@pytest.mark.skipif(shutil.which("make") is None, reason="this machine has no make")
def test_make_stops_with_a_sentence_when_python_is_not_there(tmp_path):
    command = ["make", "setup", "PYTHON=no-such-python", f"VENV={tmp_path / 'new'}"]
    said = subprocess.run(
        command, cwd=ROOT, env=without_make(), capture_output=True, text=True
    )
    assert said.returncode == 2
    assert "no program named no-such-python. Fix: install Python 3.11" in said.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.skipif(shutil.which("make") is None, reason="this machine has no make")
def test_make_does_nothing_the_second_time(tmp_path):
    command = ["make", "--dry-run", "setup", f"VENV={tmp_path}"]

    def steps():
        return subprocess.check_output(command, cwd=ROOT, env=without_make(), text=True)

    assert "pip install" in steps()
    (tmp_path / "fairtutor-installed").touch()
    assert "pip install" not in steps()
