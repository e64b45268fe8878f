"""examples/faq_service: its commands are ours, its files are valid and agree with each other."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys

import paths
import pytest

from gensim_sent2vec import Sent2VecKeyedVectors, SentenceIndex
from gensim_sent2vec._cli.parser import build_parser
from gensim_sent2vec._service.worker import GRACE

FOLDER = paths.ROOT / "examples" / "faq_service"
PROGRAM = "gensim-sent2vec"


def read(name):
    return (FOLDER / name).read_text(encoding="utf-8")


def json_commands(name):
    """The commands in a file that are written as lists of quoted words."""
    lists = re.findall(r'\[("[^\]]*")\]', read(name))
    return [re.findall(r'"([^"]*)"', words) for words in lists]


def shell_commands(name):
    """The lines of a script that call the program, with values for its variables."""
    lines = (re.sub(r"\$\w+", "value", line) for line in read(name).splitlines())
    return [shlex.split(line) for line in lines if line.startswith(PROGRAM)]


def unit():
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str
    parser.read_string(read("faq.service"))
    return parser


def served():
    """The options of ``serve``, by file."""
    start = shlex.split(unit()["Service"]["ExecStart"])
    assert start[0] == f"/opt/faq/bin/{PROGRAM}"
    commands = {"faq.service": start[1:]}
    for name in ("Dockerfile", "compose.yaml"):
        [commands[name]] = [words[1:] for words in json_commands(name) if words[:2] == [PROGRAM, "serve"]]
    return {name: build_parser().parse_args(words) for name, words in commands.items()}


def test_the_commands_parse():
    assert {args.command for args in served().values()} == {"serve"}
    commands = shell_commands("build.sh")
    assert [build_parser().parse_args(words[1:]).command for words in commands] == ["train", "convert", "index"]


def test_the_files_agree():
    args, nginx = served(), read("nginx.conf")
    for options in args.values():
        assert options.port == 8000
    inside = {name: (options.model, options.faq) for name, options in args.items()}
    assert inside["Dockerfile"] == inside["compose.yaml"] == ("/data/faq.s2v", ["/data/faq.index"])
    for name in ("compose.yaml", "faq.service"):
        assert args[name].allow_host == ["faq.example.org"] and "proxy_set_header Host $host;" in nginx
        assert args[name].max_body == 1024 * int(re.search(r"client_max_body_size (\d+)k;", nginx)[1])
    assert args["compose.yaml"].host == args["Dockerfile"].host == "0.0.0.0"
    assert args["faq.service"].host == "127.0.0.1", "without containers, only nginx may reach it"
    assert set(re.findall(r"server_name (\S+);", nginx)) == {"faq.example.org"}


def test_the_commands_of_the_readme_name_files_that_exist():
    readme = read("README.md")
    for path in re.findall(r"\]\(([^)]+)\)", readme):
        assert (FOLDER / path).exists(), path
    assert len(readme.splitlines()) <= 50, "more than a screen"
    for name in ("build.sh", "faq.service", "compose.yaml", "nginx.conf"):
        assert name in readme and (FOLDER / name).exists()
    assert os.access(FOLDER / "build.sh", os.X_OK)


def test_nginx_limits_every_request_and_speaks_tls():
    text = re.sub(r"#.*", "", read("nginx.conf"))
    assert text.count("{") == text.count("}")
    zones = set(re.findall(r"limit_(?:req|conn)_zone \s*\S+ zone=(\w+):", text))
    used = set(re.findall(r"limit_req zone=(\w+)", text)) | set(re.findall(r"limit_conn (\w+) \d", text))
    assert zones == used == {"questions", "clients"}
    assert "listen 443 ssl;" in text and "return 301 https://" in text
    assert not re.search(r"TLSv1(\.1)?[ ;]", text)
    assert "location = /metrics { deny all; }" in text


@pytest.mark.skipif(
    not shutil.which("nginx") or not shutil.which("openssl"), reason="nginx or openssl is not installed"
)
def test_nginx_accepts_its_configuration(tmp_path):
    (tmp_path / "certificates").mkdir()
    key, certificate = tmp_path / "certificates" / "privkey.pem", tmp_path / "certificates" / "fullchain.pem"
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=faq.example.org"]
    subprocess.run([*new, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    local = f"pid {tmp_path}/pid;\n" + read("nginx.conf").replace("faq:8000", "127.0.0.1:8000")
    (tmp_path / "nginx.conf").write_text(local)
    result = subprocess.run(
        ["nginx", "-t", "-e", tmp_path / "log", "-p", tmp_path, "-c", tmp_path / "nginx.conf"],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr


def test_the_unit_reloads_and_gives_requests_time_to_finish():
    service = unit()["Service"]
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert int(service["TimeoutStopSec"]) > GRACE
    assert service["DynamicUser"] == service["NoNewPrivileges"] == "yes"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_accepts_the_unit(tmp_path):
    here = tmp_path / "faq.service"
    here.write_text(read("faq.service").replace(f"/opt/faq/bin/{PROGRAM}", sys.executable))
    result = subprocess.run(["systemd-analyze", "verify", here], capture_output=True, text=True)
    found = [line for line in result.stderr.splitlines() if "faq.service" in line]
    assert not found, found


def test_compose():
    yaml = pytest.importorskip("yaml")
    services = yaml.safe_load(read("compose.yaml"))["services"]
    assert set(services) == {"build", "faq", "nginx"}
    context = (FOLDER / services["build"]["build"]["context"]).resolve()
    assert context == paths.ROOT and (context / services["build"]["build"]["dockerfile"]).samefile(
        FOLDER / "Dockerfile"
    )
    assert services["build"]["command"][0] == "build-faq" and "/usr/local/bin/build-faq" in read("Dockerfile")
    assert services["faq"]["read_only"] and services["faq"]["cap_drop"] == ["ALL"]
    assert int(services["faq"]["stop_grace_period"].rstrip("s")) > GRACE
    assert "ports" not in services["faq"], "only nginx may reach it"
    sources = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])]
    for source in sources:
        if source.startswith("./") and source != "./certificates":
            assert (FOLDER / source).exists(), source


def test_the_dockerfile_installs_extras_that_exist():
    tomllib = pytest.importorskip("tomllib")
    extras = tomllib.loads((paths.ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for text in (read("Dockerfile"), read("README.md")):
        [names] = re.findall(r'\[(\w+(?:,\w+)*)\]"', text)
        assert set(names.split(",")) <= set(extras)
    assert re.search(r"(?m)^USER \d+$", read("Dockerfile")), "not root"
    assert "/healthz" in read("Dockerfile")


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("awk"), reason="awk is not installed")
def test_build(tmp_path):
    """The script itself, on a table with more columns than it needs."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / PROGRAM
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gensim_sent2vec "$@"\n')
    program.chmod(0o755)
    table = tmp_path / "faq.tsv"
    table.write_text(
        "role\tanswer\tquestion\n"
        "index\tIt takes three days.\tWhen does my parcel arrive?\n"
        "index\tWithin a week.\tHow can I send it back?\n"
        "query\tWithin a week.\tzebra\n"
    )
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        [FOLDER / "build.sh", table, tmp_path / "out"],
        check=True,
        capture_output=True,
        env={**os.environ, "PATH": path},
    )
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["faq.index", "faq.s2v"]
    wv = Sent2VecKeyedVectors.load(str(tmp_path / "out" / "faq.s2v"))
    assert "parcel" in wv and "three" in wv and not {"zebra", "index", "role"} & set(wv.index_to_key)
    index = SentenceIndex.load(str(tmp_path / "out" / "faq.index"), wv)
    assert index.most_similar("When does my parcel arrive?", topn=1, hybrid=0.5)[0][0] == "It takes three days."
