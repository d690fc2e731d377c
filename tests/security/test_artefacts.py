"""Files of models that were edited and have right sums: refused with exit code 4, or loaded and scored."""

import io
import json
import os
import random
import re
import shutil
import signal
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest
from soak import generator, size
from third_party import third_party

from crm_ml import tracking
from crm_ml.errors import CrmError, IntegrityError
from crm_ml.evaluation.calibrators import Isotonic
from crm_ml.models import model_folder
from crm_ml.models.blend import Blend
from crm_ml.models.booster_structure import check_text
from crm_ml.models.booster_text import booster_of, text_of
from crm_ml.models.calibrated_model import CalibratedModel
from crm_ml.models.one_feature_rule import OneFeatureRule
from crm_ml.models.shrunk_rate import ShrunkRate
from crm_ml.storage.manifest import MANIFEST, fingerprint, verify, write_manifest

NUMBERS = ("-1", "0", "1", "7", "63", "-64", "2147483647", "99999999999999999999", "1e308", "nan", "inf", "")
JSON = (None, -1, 0, 10**30, 1e308, "x", "", [], {}, [[]], True, float("nan"), float("inf"), [1, 2], {"a": 1})
REFUSED, DAMAGED, NOT_FINITE, ESCAPED = 0, 4, 3, 70


def rows() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(3)
    X = pd.DataFrame({f"a{place}": rng.normal(size=400) for place in range(3)})
    X["kind"] = rng.choice([*"abcdef"], 400)
    X.index = pd.Index([f"c{place}" for place in range(400)], name="customer_id")
    return X, ((X["a0"] + X["kind"].isin([*"abc"]) + rng.normal(size=400)) > 1).to_numpy(dtype=float)


def edited(text: str, draw: random.Random) -> str:
    """A text with a number, a line or a list changed, and mostly with the sizes of its trees set right."""
    lines = text.split("\n")
    place = draw.choice([number for number, line in enumerate(lines) if line])
    kind = draw.random()
    if kind < 0.7:
        name, _, values = lines[place].partition("=")
        parts = values.split(" ")
        where = draw.randrange(len(parts))
        near = str(int(float(parts[where])) + draw.choice((-1, 1))) if _is_number(parts[where]) else "5"
        parts[where] = draw.choice((near, near, *NUMBERS))
        lines[place] = f"{name}={' '.join(parts)}"
    elif kind < 0.8:
        lines.pop(place)
    elif kind < 0.9:
        lines.insert(place, lines[place])
    else:
        lines[place] = lines[place].rpartition(" ")[0]
    text = "\n".join(lines)
    return sized(text) if draw.random() < 0.7 else text


def sized(text: str) -> str:
    """A text whose head says how long its trees are now."""
    starts = [found.start() for found in re.finditer("^Tree=|^end of trees", text, re.M)]
    sizes = " ".join(str(end - start) for start, end in pairwise(starts))
    return re.sub("tree_sizes=.*", f"tree_sizes={sizes}", text, count=1)


def _is_number(text: str) -> bool:
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False


def in_fork(play: Callable[[], int]) -> int:
    """What a child ends with: the code of `play`, that of its error, or minus the number of a signal."""
    child = os.fork()
    if not child:
        code = ESCAPED
        try:
            signal.alarm(20)
            code = play()
        except CrmError as error:
            code = error.exit_code
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def scored(text: str, features: int) -> int:
    booster = booster_of(text, features, "booster").booster
    X = np.random.default_rng(1).normal(size=(20, features)) * 9
    X[::5] = np.nan
    answers = [booster.predict(X, num_threads=1, **more) for more in ({}, {"pred_contrib": True})]
    return REFUSED if all(np.isfinite(answer).all() for answer in answers) else NOT_FINITE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A calibrated blend, a rule and a shrunk rate, each a folder with its manifest."""
    X, y = rows()
    home = tmp_path_factory.mktemp("models")
    blend = Blend(rounds=4, choose_settings=False, num_threads=1).fit(X, y)
    model_folder.save(CalibratedModel(blend, Isotonic((0.0, 1.0), (0.1, 0.9))), home / "blend", "churn")
    model_folder.save(OneFeatureRule(column="a0").fit(X, y), home / "rule", "churn")
    rate = ShrunkRate(answered="a0", sent="a1")
    rate.mean_, rate.strength_ = 0.1, 5.0
    model_folder.save(rate, home / "rate", "churn")
    return home


def signed(folder: Path) -> Path:
    """Give an edited folder a manifest of its own."""
    (folder / MANIFEST).unlink(missing_ok=True)
    write_manifest(folder, family="churn")
    return folder


def test_an_edited_text_of_lightgbm_neither_ends_the_process_nor_hangs(
    folder: Path, tried: Callable[[int], None]
) -> None:
    text = (folder / "blend/model/trees/booster_0.txt").read_text()
    count = size(60, 60, 2500)
    tried(count)
    draw, codes = generator("edited texts"), Counter[int]()
    for _ in range(count):
        changed = edited(text, draw)
        codes[in_fork(lambda changed=changed: scored(changed, 4))] += 1
    assert set(codes) <= {REFUSED, DAMAGED}, codes
    assert codes[DAMAGED] > count / 4


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("left_child", "0"), ("right_child", "0"), ("left_child", "-9999"), ("split_feature", "9999"),
        ("leaf_value", "nan"), ("threshold", "1e999"), ("decision_type", "12"), ("leaf_count", "0"),
        ("num_leaves", "1"), ("num_cat", "9"), ("shrinkage", "inf"), ("is_linear", "1"),
        ("max_feature_idx", "5"), ("objective", "custom"), ("feature_infos", "x"), ("num_class", "3"),
    ],
)  # fmt: skip
def test_each_index_of_a_text_is_checked(folder: Path, line: str, value: str) -> None:
    text = (folder / "blend/model/trees/booster_0.txt").read_text()
    changed = re.sub(rf"^{line}=\S+", f"{line}={value}", text, count=1, flags=re.M)
    with pytest.raises(IntegrityError, match="no trees of LightGBM"):
        check_text(sized(changed), 4, "booster")


@pytest.mark.parametrize(
    "options",
    [{"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, {"boosting": "dart"},
     {"monotone_constraints": [1, 0, -1]}, {"min_data_in_leaf": 400}, {"sigmoid": 0.7},
     {"objective": "regression", "reg_sqrt": True}, {"objective": "tweedie"}],
)  # fmt: skip
def test_what_lightgbm_writes_is_read(options: dict[str, object]) -> None:
    X, y = rows()
    data = lightgbm.Dataset(X[["a0", "a1", "a2"]], y)
    given = {"objective": "binary", "verbosity": -1, "num_leaves": 5, "num_threads": 1, **options}
    check_text(text_of(lightgbm.train(given, data, 3)), 3, "booster")


def test_a_split_of_missing_values_from_all_others_is_read() -> None:
    X = np.random.default_rng(0).normal(size=(500, 1))
    X[::3] = np.nan
    given = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    text = text_of(lightgbm.train(given, lightgbm.Dataset(X, np.isnan(X[:, 0])), 1))
    assert "threshold=inf" in text
    check_text(text, 1, "booster")
    # a small shop's champion has a gain of inf
    check_text(sized(re.sub(r"split_gain=\S+", "split_gain=inf", text)), 1, "booster")
    for wrong in ("nan 1", "-inf 1", "1.5", "x 1"):  # it has two nodes
        with pytest.raises(IntegrityError, match="split_gain has"):
            check_text(sized(re.sub(r"split_gain=.*", f"split_gain={wrong}", text)), 1, "booster")


def places(content: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    yield path
    for key, part in content.items() if isinstance(content, dict) else ():
        yield from places(part, (*path, key))
    for key, part in enumerate(content[:2]) if isinstance(content, list) else ():
        yield from places(part, (*path, key))


def replaced(content: object, path: tuple[object, ...], value: object) -> object:
    if not path:
        return value
    copy = content.copy()
    copy[path[0]] = replaced(content[path[0]], path[1:], value)
    return copy


def json_edits(folder: Path) -> list[tuple[str, str]]:
    """Each JSON file with each of its values changed, a key less or more, nested, cut and empty."""
    edits = []
    for file in sorted(folder.rglob("*.json")):
        name, text = file.relative_to(folder).as_posix(), file.read_text()
        if file.name == MANIFEST:
            continue
        content = json.loads(text)
        edits += [(name, json.dumps(replaced(content, at, v))) for at in places(content) for v in JSON]
        edits += [(name, json.dumps({k: v for k, v in content.items() if k != key})) for key in content]
        edits += [(name, json.dumps({**content, "more": 1})), (name, text[:-3]), (name, "")]
        edits += [(name, "[" * 100_000), (name, '{"a":' * 100_000), (name, "\0"), (name, "9" * 5_000)]
    return edits


def loaded_and_scored(folder: Path) -> int:
    model = model_folder.load(folder)
    with np.errstate(all="ignore"):
        p = model.predict_proba(rows()[0])
    return REFUSED if np.isfinite(p).all() else NOT_FINITE


@pytest.mark.parametrize("name", ["blend", "rule", "rate"])
def test_edited_json_of_a_model_is_refused_or_scores(
    folder: Path, name: str, tmp_path: Path, tried: Callable[[int], None]
) -> None:
    edits = json_edits(folder / name)
    edits = generator(f"json of {name}").sample(edits, min(len(edits), size(25, 60, 5000)))
    tried(len(edits))
    shutil.copytree(folder / name, tmp_path / "model")
    for file, text in edits:
        before = (tmp_path / "model" / file).read_text()
        (tmp_path / "model" / file).write_text(text)
        try:
            assert loaded_and_scored(signed(tmp_path / "model")) == REFUSED, (file, text[:300])
        except CrmError as error:
            assert error.exit_code in (2, 4), (file, text[:300])  # 2: a column or class that is not there
        (tmp_path / "model" / file).write_text(before)


def archive(arrays: dict[str, np.ndarray], packed: bool = False, pickled: bool = False) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as entries:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=pickled)
            entries.writestr(f"{name}.npy", content.getvalue())
    return file.getvalue()


def test_edited_arrays_of_a_model_are_refused(
    folder: Path, tmp_path: Path, tried: Callable[[int], None]
) -> None:
    shutil.copytree(folder / "blend", tmp_path / "model")
    file = tmp_path / "model/model/line/coefficients.npz"
    with np.load(file) as stored:
        arrays = dict(stored)
    claims = archive(arrays).replace(b"'shape': (4,), ", b"'shape': (9**9,)")
    edits = [archive({**arrays, "mean": np.zeros(1 << 22)}, packed=True), claims, b"", b"PK", archive({})]
    edits.append(archive({**arrays, "mean": np.array([print], dtype=object)}, pickled=True))
    for name, array in arrays.items():
        wrong = [
            array[:-1],
            array[None],
            array.astype("U8"),
            np.full_like(array, np.nan),
            np.full_like(array, np.inf),
            array * 1j,
        ]
        edits += [archive({**arrays, name: each}) for each in wrong]
        edits.append(archive({other: arrays[other] for other in arrays if other != name}))
    tried(len(edits))
    for content in edits:
        file.write_bytes(content)
        with pytest.raises(IntegrityError, match=r"coefficients\.npz|no model can be made"):
            model_folder.load(signed(tmp_path / "model"))


@pytest.mark.slow
def test_another_folder_with_sums_of_its_own_is_not_what_was_registered(
    folder: Path, tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("CRM_ML_RUNS", str(tmp_path / "runs"))
    (tmp_path / "runs").mkdir()
    shutil.copy(template, tmp_path / "runs/mlflow.db")
    loader, columns = "crm_ml.churn.churn_pyfunc", ({"a0": "double"}, {"p_churn": "double"})
    with third_party():
        with tracking.start("churn", "sums") as run:
            made = run.register(folder / "rate", "churn", loader, *columns)
        tracking.connect().set_registered_model_alias("churn", "champion", made.version)
        held = tracking.champion("churn")
        assert held.registered == held.content == made.content == fingerprint(folder / "rate")
        rate = held.folder / "rate.json"
        rate.write_text(rate.read_text().replace("0.1", "0.9"))
        signed(held.folder)
        with pytest.raises(IntegrityError, match=f"{held.content}.*{fingerprint(held.folder)}"):
            tracking.champion("churn")
        tracking.connect().delete_model_version_tag("churn", made.version, tracking.CONTENT)
        with pytest.raises(IntegrityError, match="the registry says no sum"):
            tracking.registered("churn", made.version)


@pytest.mark.parametrize("target", ["/dev/full", "/dev/zero", "/dev/null"])
def test_a_manifest_that_is_a_device_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "manifest.json").symlink_to(target)
    with pytest.raises(IntegrityError, match=r"manifest\.json is no regular file but a device"):
        verify(tmp_path)
