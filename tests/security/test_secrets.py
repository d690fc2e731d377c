"""Passwords and tokens in every place where one can stand: none is printed, logged, reported or kept."""

import json
import logging
import sys
import warnings
from base64 import b64encode
from itertools import product
from urllib.parse import quote, unquote

import pytest
from soak import drawn

from crm_ml import commands, masking
from crm_ml.errors import InputError
from crm_ml.tables.__main__ import main as tables
from crm_ml.train.__main__ import main as train
from crm_ml.train.promote.__main__ import main as promote

PASSWORDS = {
    "plain": "Zq7xVbn4Kp",
    "at": "Zq7xV@bn4Kp",
    "slash": "Zq7xV/bn4Kp",
    "hash": "Zq7xV#bn4Kp",
    "question": "Zq7xV?bn4Kp",
    "colon": "Zq7xV:bn4Kp",
    "space": "Zq7xV bn4Kp",
    "quoted": "Zq7xV%40bn4Kp",
    "quoted twice": "Zq7xV%2540bn4Kp",
    "ampersand": "Zq7xV&bn4Kp",
    "letters": "Zqxvbnkpw",
    "unicode": "Zq7xVé密bn4Kp",
}
PIECES = ("Zq7xV", "bn4Kp", "Zqxvbnkpw")  # of all of them
VARIABLES = {
    "token": ("MLFLOW_TRACKING_TOKEN", "{}"),
    "password": ("MLFLOW_TRACKING_PASSWORD", "{}"),
    "secret key": ("AWS_SECRET_ACCESS_KEY", "{}"),
    "pseudonyms": ("CRM_ML_PSEUDONYM_KEY", "{}"),
    "database": ("CRM_ML_POSTGRES", "postgresql://ada:{}@db.shop/crm"),
    "dsn": ("SHOP_DSN", "host=db.shop password='{}' user=ada"),
    "proxy": ("HTTPS_PROXY", "http://ada:{}@proxy.shop:3128"),
    "query": ("SHOP_URL", "mysql://db.shop/crm?user=ada&password={}"),
    "store": ("MLFLOW_TRACKING_URI", "postgresql://ada:{}@db.shop/mlflow"),
}
TEXTS = ("{}", "Port could not be cast to integer value as '{}'", "auth=({}, 1)", "<{}>", "[SQL: SET p='{}']")


def shown(secret):
    """Return how libraries write a secret."""
    header = b64encode(f"ada:{secret}".encode()).decode()
    pieces = [part for sign in "@/#?: " for part in unquote(secret).split(sign) if len(part) > 2]
    return [secret, unquote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], header, *pieces]


def leaked(text):
    return [piece for piece in PIECES if piece in unquote(text)]


def speak(values):
    """Say values on every way that a command has, and end with an error of a library."""
    for value in values:
        sys.stdout.write(f"{value}\n")
        sys.stderr.write(warnings.formatwarning(value, UserWarning, "library.py", 1))
        logging.getLogger("of.a.library").error("refused: %s", value)
        sys.stderr.writelines([value, "\n"])
    raise RuntimeError(values)


CASES = drawn("canaries of secrets", [*product(VARIABLES, PASSWORDS)], 12)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_secret_of_the_environment_is_on_no_stream_and_in_no_report(
    kind, name, tmp_path, monkeypatch, capsys, tried
):
    variable, form = VARIABLES[kind]
    secret = PASSWORDS[name].replace("&", "%26") if kind == "query" else PASSWORDS[name]
    monkeypatch.setenv(variable, form.format(secret))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    values = [text.format(each) for text in TEXTS for each in shown(secret)]
    tried(len(values))
    assert commands.run(speak, values) == 70
    (report,) = tmp_path.iterdir()
    output = "".join(capsys.readouterr())
    assert report.stat().st_mode & 0o777 == 0o600
    assert "RuntimeError" in report.read_text("utf-8")
    assert (leaked(output), leaked(report.read_text("utf-8"))) == ([], [])
    header = b64encode(f"ada:{secret}".encode()).decode()
    assert header not in output or "://ada:" not in form
    assert leaked(str(InputError(form.format(secret)))) == []


@pytest.mark.parametrize("name", drawn("passwords of a mapping", [*PASSWORDS], 4))
@pytest.mark.parametrize("scheme", ["postgresql", "mysql+pymysql", "oracul", "sqlite+pysqlcipher"])
def test_a_mapping_with_a_password_shows_no_piece_of_it(scheme, name, tmp_path, capsys):
    url = json.dumps(f"{scheme}://ada:{PASSWORDS[name]}@127.0.0.1:1/crm", ensure_ascii=False)
    path = tmp_path / "mapping.yaml"
    path.write_text(f"currency: EUR\norders:\n  url: {url}\n  query: select 1 as a\n", encoding="utf-8")
    assert tables([str(path), "--root", str(tmp_path)]) == 2
    path.write_text(f"currency: EUR\norders: {{url: {url}\n  password: Zq7xV\n", encoding="utf-8")
    assert tables([str(path), "--root", str(tmp_path)]) == 2
    assert leaked("".join(capsys.readouterr())) == []


@pytest.mark.parametrize("name", PASSWORDS)
def test_an_option_with_a_password_shows_no_piece_of_it(name, capsys):
    url = f"postgresql://ada:{PASSWORDS[name]}@db.shop:port/crm"
    for setting in (f"data.pth={url}", f"{url}=1", f"data.password={PASSWORDS[name]}", f"seed: [{url}"):
        assert train(["churn/lightgbm", "--set", setting]) == 2
    assert leaked("".join(capsys.readouterr())) == []


@pytest.mark.parametrize("name", PASSWORDS)
@pytest.mark.parametrize("form", ["http://ada:{}@[::1", "http://ada:{}@h:port", "ftp://ada:{}@h", "{}"])
def test_a_store_that_no_client_takes_shows_no_piece_of_it(form, name, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CRM_ML_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", form.format(PASSWORDS[name]))
    if form == "{}":
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", PASSWORDS[name])
    assert promote(["churn"]) == 2
    output = "".join(capsys.readouterr())
    assert leaked(output) == [] and output.count("\n") == 1


@pytest.mark.parametrize("name", PASSWORDS)
def test_what_is_kept_has_no_password_and_nothing_else_is_changed(name, monkeypatch):
    monkeypatch.setenv("SHOP_URL", f"postgresql://ada:{PASSWORDS[name]}@db.shop/crm")
    plain = {"from": "https://host/a.zip?download=1", "model": "churn", "mail": "a@b", "port": 5432}
    assert masking.masked_file(json.dumps(plain)) == json.dumps(plain)
    kept = {**plain, "url": f"postgresql://ada:{quote(PASSWORDS[name], safe='')}@db.shop/crm"}
    assert leaked(masking.masked_file(json.dumps(kept))) == []
    assert json.loads(masking.masked_file(json.dumps(kept)))["model"] == "churn"


@pytest.mark.parametrize("indent", [None, 2])
def test_json_that_is_kept_stays_json_whatever_stands_beside_the_words_of_secrets(indent):
    plain = {
        "token": 5, "a_token": None, "secret": [{"pwd": True}], "signature": {"inputs": ""},
        "api_key": 2.5e-3,
        "password": "", "asked": "password=", "held": "password='", "it": "it's",
    }  # fmt: skip
    assert masking.masked_file(json.dumps(plain, indent=indent)) == json.dumps(plain, indent=indent)
    texts = ['say "password=s3cr3t-9" now', 'password="s3cr3t-9"', "pwd=s3cr3t-9\\", "token: s3cr3t-9\nx"]
    kept = json.dumps([*texts, {"pwd": "s3cr3t-9", "in": json.dumps({"token": "s3cr3t-9"})}], indent=indent)
    masked = masking.masked_file(kept)
    assert len(json.loads(masked)) == len(texts) + 1
    assert masked.count("s3cr3t-9") == 1  # a line of YAML within a text of JSON begins no line


def test_yaml_that_is_kept_keeps_its_numbers_switches_and_blocks():
    plain = "signature:\n  inputs: [1]\ntoken: 5\nsecret: {column: a}\npassword: true\nreset_token: |\n  x\n"
    assert masking.masked_file(plain) == plain
    assert masking.masked_file("password: s3cr3t-9\n") == "password: ***\n"


def test_what_a_command_has_read_is_forgotten_at_its_end():
    with masking.noting(["mysql://ada:Zq7xVbn4Kp@db"]):
        assert masking.masked_text("at Zq7xVbn4Kp") == "at ***"
    assert masking.masked_text("at Zq7xVbn4Kp") == "at Zq7xVbn4Kp"


def test_a_log_record_whose_arguments_do_not_fit_fails_no_work(capsys):
    def work():
        try:
            raise KeyError("a")
        except KeyError:
            logging.getLogger("somewhere").exception("it failed %d times", "b")
        sys.stdout.write("went on\n")

    assert commands.run(work) == 0
    assert capsys.readouterr().out == "went on\n"
