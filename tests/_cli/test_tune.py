"""The command ``tune``."""

import json

import numpy as np
import pytest
from gensim.models import KeyedVectors

from gensim_sent2vec import Sent2VecKeyedVectors, SentenceIndex, SentenceWeighting
from gensim_sent2vec._cli.main import main
from gensim_sent2vec._service.faq import is_index

TOPICS = [f"{a}{b}o" for a in "bdfgklmn" for b in ("al", "em", "ir")]
NOISE = [f"zz{c}xy" for c in "abcdefghijklmnop"]


def rows(with_topics=True):
    rng = np.random.default_rng(1)
    found = []
    for label in range(20):
        for _ in range(4):
            topic = [TOPICS[label]] if with_topics else []
            text = " ".join(rng.permutation([*rng.choice(NOISE, 4, replace=False), *topic]))
            found.append((f"answer {label}", text))
    return found


@pytest.fixture
def model(tmp_path):
    kv = KeyedVectors(12)
    kv.add_vectors(TOPICS + NOISE, np.random.default_rng(3).standard_normal((40, 12)).astype(np.float32))
    kv.expandos["count"] = np.full(40, 100)
    wv = Sent2VecKeyedVectors.from_keyed_vectors(kv)
    wv.weighting = SentenceWeighting(lexical_dims=10).fit(wv, [text for _, text in rows()])
    wv.save(tmp_path / "m.s2v")
    return str(tmp_path / "m.s2v")


def table(path, pairs, header="answer\tquestion"):
    path.write_text("\n".join([header, *("\t".join(pair) for pair in pairs)]) + "\n", encoding="utf-8")
    return str(path)


def test_tune(model, tmp_path, capsys):
    faq, out, log = table(tmp_path / "faq.tsv", rows()), str(tmp_path / "out.s2v"), str(tmp_path / "log.tsv")
    main(["tune", model, faq, out, "--folds", "2", "--log", log])
    printed = capsys.readouterr().out
    assert "80 questions, 20 answers; 2-fold cross-validation over answers, 80 questions scored" in printed
    assert (
        "fold 2: P@1" in printed
        and "(first_half): 1\n" in printed
        and "gained most: " in printed
        and "zz" in printed.partition("lost most")[2]
    )
    before, after = (Sent2VecKeyedVectors.load(path).weighting for path in (model, out))
    assert after.tuning["after"]["P@1"] > after.tuning["before"]["P@1"]
    assert not np.allclose(after.weights, before.weights)
    lines = [line.split("\t") for line in (tmp_path / "log.tsv").read_text().splitlines()]
    names = lines[0]
    assert [json.loads(line[names.index("parameters")])["tune"] for line in lines[1:]] == ["before", "after"]
    assert float(lines[2][names.index("P@1")]) == pytest.approx(after.tuning["after"]["P@1"], abs=1e-4)


def test_for_searches_with_csls(model, tmp_path, capsys):
    faq, out, log = table(tmp_path / "faq.tsv", rows()), str(tmp_path / "out.s2v"), str(tmp_path / "log.tsv")
    main(["tune", model, faq, out, "--folds", "2", "--csls", "0.75", "--log", log])
    assert "hybrid 0.5, csls 0.75" in capsys.readouterr().out
    assert Sent2VecKeyedVectors.load(out).weighting.tuning["csls"] == 0.75
    parameters = [line.split("\t")[-1] for line in (tmp_path / "log.tsv").read_text().splitlines()[1:]]
    assert [json.loads(cell)["csls"] for cell in parameters] == [0.75, 0.75]
    assert "csls: must be between 0 and 100" in refused(capsys, "tune", model, faq, out, "--csls", "-1", "--force")


def test_feedback_and_json(model, tmp_path, capsys):
    pairs = rows()
    faq = table(tmp_path / "faq.tsv", pairs[::2])
    clicks = table(tmp_path / "clicks.tsv", [("2026-01-01", *pair) for pair in pairs[1::2]], "date\tanswer\tquestion")
    main(["tune", model, faq, str(tmp_path / "o"), "--feedback", clicks, "--folds", "2", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["texts"] == 80 and report["words"][0][1] > report["words"][-1][1]


def test_where_it_does_not_help_the_weighting_stays(model, tmp_path, capsys):
    faq = table(tmp_path / "faq.tsv", rows(with_topics=False))
    main(["tune", model, faq, str(tmp_path / "out.s2v"), "--folds", "2"])
    captured = capsys.readouterr()
    assert "tuning does not help" in captured.err and "gained" not in captured.out
    before, after = (Sent2VecKeyedVectors.load(path).weighting for path in (model, tmp_path / "out.s2v"))
    assert after.tuning is None
    np.testing.assert_array_equal(after.weights, before.weights)


def refused(capsys, *argv):
    with pytest.raises(SystemExit) as exit_:
        main([*map(str, argv)])
    error = capsys.readouterr().err
    assert exit_.value.code == 2 and error.count("\n") == 1
    return error


def test_refuses(model, tmp_path, capsys):
    faq, out = table(tmp_path / "faq.tsv", rows()), tmp_path / "out.s2v"
    assert "the first line does not name the columns question and answer; if" in refused(
        capsys, "tune", model, table(tmp_path / "x.tsv", rows(), "a\tb"), out
    )
    assert "every answer has only one question (80 answers, 80 different questions)" in refused(
        capsys, "tune", model, table(tmp_path / "y.tsv", [(str(i), text) for i, (_, text) in enumerate(rows())]), out
    )
    assert "is an input" in refused(capsys, "tune", model, faq, faq)
    assert "hybrid" in refused(capsys, "tune", model, faq, out, "--hybrid", "2")
    wv = Sent2VecKeyedVectors.load(model)
    wv.weighting = None
    wv.save(tmp_path / "plain.s2v")
    assert "has no weighting to tune" in refused(capsys, "tune", tmp_path / "plain.s2v", faq, out)
    assert not out.exists()


KINDS_OF_FILES = {
    "answer and question": ("faq.tsv", "answer\tquestion\n{}", lambda a, q: f"{a}\t{q}\n", []),
    "with roles": ("faq.tsv", "role\tanswer\tquestion\n{}", lambda a, q: f"index\t{a}\t{q}\nquery\t{a}\t{q} x\n", []),
    "without a header": ("faq.tsv", "{}", lambda a, q: f"index\t{a}\t{q}\nquery\t{a}\t{q} x\n", []),
    "feedback": ("faq.tsv", "date\tanswer\tquestion\n{}", lambda a, q: f"2026-01-01\t{a}\t{q}\n", []),
    "other names": ("faq.csv", "id,Title,tag\n{}", lambda a, q: f"1,{q},{a}\n", ["--column", "title", "--key", "tag"]),
    "csv by number": ("faq.csv", "{}", lambda a, q: f"{q},{a}\n", ["--column", "1", "--key", "2"]),
    "json lines": ("faq.jsonl", "{}", lambda a, q: json.dumps({"question": q, "answer": a}) + "\n", []),
    "another suffix": ("faq.data", "question,answer\n{}", lambda a, q: f"{q},{a}\n", ["--format", "csv"]),
    "gaps": ("faq.csv", "question,answer\n,x\ny,\n{}", lambda a, q: f"{q},{a}\n", ["--skip-missing"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS_OF_FILES)
def test_tune_evaluate_and_index_take_the_same_files(kind, model, tmp_path, capsys):
    name, head, line, options = KINDS_OF_FILES[kind]
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / name
    path.write_text(head.format("".join(line(*pair) for pair in rows())), encoding="utf-8")
    main(["tune", model, str(path), str(tmp_path / "out.s2v"), "--folds", "2", *options])
    captured = capsys.readouterr()
    has_roles = "index" in line("a", "b")
    assert f"{160 if has_roles else 80} questions, 20 answers" in captured.out
    assert ("rows of both roles are used" in captured.err) is has_roles
    main(["evaluate", model, str(path), "--json", *options])
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result["n"] == 80 and 0 <= result["P@1"] <= 1
    main(["index", model, str(path), str(tmp_path / "out.index"), *(options or COLUMNS.get(kind, []))])
    wv = Sent2VecKeyedVectors.load(model)
    index = SentenceIndex.load(tmp_path / "out.index", wv)
    assert "answer 7" in index and len(index) == (160 if kind == "without a header" else 80)
    if "data" not in name:
        main(["tune", model, str(tmp_path / "in"), str(tmp_path / "out.s2v"), "--folds", "2", *options])


COLUMNS = {"without a header": ["--column", "3", "--key", "2"]}


def test_help_speaks_of_answers(capsys):
    for command in ("tune", "evaluate", "index", "serve"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert "label" not in capsys.readouterr().out


def test_korean_names_of_columns_are_known_to_all_commands(model, tmp_path, capsys):
    table = tmp_path / "faq.csv"
    table.write_text("번호,질문,답변\n" + "".join(f"1,{q},{a}\n" for a, q in rows()), encoding="utf-8-sig")
    main(["tune", model, str(table), str(tmp_path / "out.s2v"), "--folds", "2"])
    assert "80 questions, 20 answers" in capsys.readouterr().out
    main(["evaluate", model, str(table), "--json"])
    assert json.loads(capsys.readouterr().out)["n"] == 80
    main(["index", model, str(table), str(tmp_path / "out.index")])
    assert "answer 7" in SentenceIndex.load(tmp_path / "out.index", Sent2VecKeyedVectors.load(model))
    main(["similar", model, "--corpus", str(table), "balo", "-n", "1"])
    assert " -> answer " in capsys.readouterr().out
    assert not is_index(str(table))
