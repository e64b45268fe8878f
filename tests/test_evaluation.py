"""Correlations and precisions, compared with scipy and plain loops; files and logs."""

import gzip
import threading
import warnings
from pathlib import Path

import numpy as np
import paths
import pytest
from gensim.models import FastText, KeyedVectors
from gensim.test.utils import common_texts
from scipy import sparse, stats

from gensim_sent2vec import Sent2VecKeyedVectors, SentenceIndex, TextTable, evaluation
from gensim_sent2vec._search.tuning import tune
from gensim_sent2vec.evaluation import (
    LOG_COLUMNS,
    append_to_log,
    check_log,
    evaluate_file,
    evaluate_retrieval,
    evaluate_sts,
    file_kind,
)
from gensim_sent2vec.lexical import LexicalScores

DATA = paths.DATA
PAIRS, FAQ = DATA / "pairs.tsv", DATA / "faq.tsv"
VECTORS = {"cat": (1, 0, 0), "dog": (0.6, 0.8, 0), "bird": (0, 0.2, 1), "Cat": (0, 0, -1)}


@pytest.fixture
def plain() -> KeyedVectors:
    """Vectors with simple cosines."""
    wv = KeyedVectors(3)
    wv.add_vectors(list(VECTORS), np.array(list(VECTORS.values()), dtype=np.float32))
    return wv


@pytest.fixture
def animals(plain) -> Sent2VecKeyedVectors:
    return Sent2VecKeyedVectors.from_keyed_vectors(plain)


def mean(text: str) -> np.ndarray:
    known = [VECTORS[word] for word in text.split() if word in VECTORS]
    return np.mean(known, axis=0) if known else np.zeros(3)


def cosine(a: str, b: str) -> float:
    va, vb = mean(a), mean(b)
    norms = np.linalg.norm(va) * np.linalg.norm(vb)
    return float(va @ vb / norms) if norms else 0.0


def rows_of(path) -> list[list[str]]:
    return [line.split("\t") for line in Path(path).read_text(encoding="utf-8").splitlines()[1:]]


@pytest.fixture
def write(tmp_path):
    def make(text: str, name: str = "file.tsv") -> str:
        path = tmp_path / name
        path.write_bytes(text.encode("utf-8"))
        return str(path)

    return make


# ---------------------------------------------------------------------------------------------------
# Pairs


def test_correlations_are_those_of_scipy(animals):
    found = evaluate_sts(animals, PAIRS)
    cosines = [cosine(a, b) for _, a, b in rows_of(PAIRS)]
    scores = [float(score) for score, _, _ in rows_of(PAIRS)]
    assert found.pearson == pytest.approx(stats.pearsonr(cosines, scores).statistic, abs=1e-6)
    assert found.spearman == pytest.approx(stats.spearmanr(cosines, scores).statistic, abs=1e-6)
    assert found.n == 4 and found.coverage == pytest.approx(13 / 14)


def test_results_are_accessed_by_name_key_and_position(animals):
    found = evaluate_sts(animals, PAIRS)
    pearson, spearman, n, coverage = found
    assert (found.pearson, found["spearman"], found["n"], found[3]) == (pearson, spearman, n, coverage)
    assert found[:2] == (pearson, spearman)
    with pytest.raises((KeyError, TypeError)):
        found["kendall"]


def test_any_gensim_word_vectors_can_be_evaluated(plain, animals):
    assert evaluate_sts(plain, PAIRS) == evaluate_sts(animals, PAIRS)
    assert evaluate_retrieval(plain, FAQ) == evaluate_retrieval(animals, FAQ)
    fasttext = FastText(common_texts, min_count=1, vector_size=5, bucket=10, epochs=1).wv
    with pytest.raises(ValueError, match="0% of the tokens are in the vocabulary"):
        evaluate_sts(fasttext, PAIRS)
    with pytest.raises(TypeError, match=r"pass its \.wv"):
        evaluate_sts(FastText, PAIRS)


@pytest.mark.parametrize("make_matrix", [np.array, sparse.csr_matrix, sparse.coo_array])
def test_any_function_from_texts_to_vectors_can_be_evaluated(animals, make_matrix):
    def encode(texts):
        return make_matrix(np.stack([mean(text) for text in texts]))

    by_function, by_vectors = evaluate_sts(encode, PAIRS), evaluate_sts(animals, PAIRS)
    assert by_function[:3] == pytest.approx(by_vectors[:3]) and np.isnan(by_function.coverage)
    for hybrid in (0, 0.5):
        assert evaluate_retrieval(encode, FAQ, hybrid) == evaluate_retrieval(animals, FAQ, hybrid)
    with pytest.raises(TypeError, match="weighting, tokenizer: not allowed with a function"):
        evaluate_sts(encode, PAIRS, tokenizer="simple")


def test_a_function_that_returns_equal_vectors(write):
    with pytest.raises(ValueError, match=r"all pairs have the cosine 0$"):
        evaluate_sts(lambda texts: np.zeros((len(texts), 2)), write("1\ta\tb\n2\tc\td\n"))


def test_another_tokenizer_than_that_of_the_vectors(animals, write):
    path = write("5\tCAT dog!\tcat, dog\n0\tcat\tBird\n1\tdog\tbird\n")
    found = evaluate_sts(animals, path, tokenizer="words")
    assert found.coverage == pytest.approx(8 / 10)  # not "!" and ","
    assert found.pearson > evaluate_sts(animals, path).pearson
    animals.tokenizer = "words"
    assert evaluate_sts(animals, path) == found


def test_a_pair_without_known_words_has_cosine_0(animals, write):
    scores, cosines = [5, 0, 2], [1.0, 0.0, 0.0]
    found = evaluate_sts(animals, write("5\tcat\tcat\n0\tzebra\tzebra\n2\t\tcat\n"))
    assert found.pearson == pytest.approx(stats.pearsonr(cosines, scores).statistic)


def test_headers_blank_lines_line_ends_and_compression(animals, write, tmp_path):
    expected = evaluate_sts(animals, PAIRS)
    text = PAIRS.read_text()
    body = text.split("\n", 1)[1]
    wide = "genre\tScore\tid\tsentence1\tsentence2\n" + "".join(
        f"news\t{score}\t{i}\t{a}\t{b}\n" for i, (score, a, b) in enumerate(rows_of(PAIRS))
    )
    for variant in (body, "\n\n" + text + "\n  \n", text.replace("\n", "\r\n"), "\ufeff" + text, wide):
        assert evaluate_sts(animals, write(variant)) == expected
    with gzip.open(tmp_path / "pairs.tsv.gz", "wt") as file:
        file.write(text)
    assert evaluate_sts(animals, tmp_path / "pairs.tsv.gz") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("score\tsentence1\tsentence2\n5\tcat\n", r"file\.tsv', line 2: expected 3 tab-separated columns, got 2"),
        ("5\tcat\tdog\n\n4\tcat\tdog\tbird\n", r"line 3: expected 3 tab-separated columns, got 4"),
        ("5\tcat\tdog\nnan\tcat\tdog\n", r"line 2: score: must be a finite number, got 'nan'"),
        ("nan\tcat\tdog\n", "line 1: score: must be a finite number"),
        ("5\tcat\tdog\ninf\tcat\tdog\n", "line 2: score: must be a finite"),
        ("5\tcat\tdog\nfive\tcat\tdog\n", "line 2: score: must be a finite number, got 'five'"),
        ("2\tcat\tdog\n2.0\tcat\tbird\n", r"file\.tsv': score: expected at least two different values, got 2 pairs"),
        ("5\tcat\tcat\n4\tdog\tdog\n", "all pairs have the cosine 1; 100% of the tokens are in the vocabulary: check"),
        ("5\tzebra\tcat\n4\tgnu\tdog\n", "all pairs have the cosine 0; 50% of the tokens"),
        ("score\tsentence1\tsentence2\n", "got 0 pairs"),
        ("", "the first line has neither the columns"),
        ("gold\ta\tb\n", "the first line has neither the columns score, sentence1, sentence2"),
        ("index\tmoney\tcat\n", r"expected sentence pairs \(columns score, sentence1, sentence2\), got questions"),
    ],
)
def test_invalid_files_of_pairs(animals, write, text, message):
    with pytest.raises(ValueError, match=message):
        evaluate_sts(animals, write(text))


def test_files_that_cannot_be_read(animals, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        evaluate_sts(animals, tmp_path / "nowhere.tsv")
    (tmp_path / "latin.tsv").write_bytes(b"5\tcat\tdog\n4\tcaf\xe9\tdog\n")
    with pytest.raises(ValueError, match=r"latin\.tsv', line 2: not UTF-8"):
        evaluate_sts(animals, tmp_path / "latin.tsv")


# ---------------------------------------------------------------------------------------------------
# Questions


def precisions(score) -> dict[int, float]:
    """P@k by loops over all pairs; `score(query, question)`."""
    index = [row[1:] for row in rows_of(FAQ) if row[0] == "index"]
    queries = [row[1:] for row in rows_of(FAQ) if row[0] == "query"]
    result = {}
    for k in (1, 3, 5):
        hits = 0
        for answer, query in queries:
            best = sorted(index, key=lambda row: -score(query, row[1]))[:k]
            hits += answer in [found for found, _ in best]
        result[k] = hits / len(queries)
    return result


def test_precisions_are_those_of_plain_loops(animals):
    found = evaluate_retrieval(animals, FAQ)
    assert found == precisions(cosine) and found[1] < found[3]
    assert found.n == 3 and found.coverage == pytest.approx(12 / 15)


@pytest.mark.parametrize("hybrid", [0.3, 1.0])
def test_hybrid_mixes_in_the_lexical_score(animals, hybrid):
    questions = [row[2] for row in rows_of(FAQ) if row[0] == "index"]
    lexical = LexicalScores.fit(questions)

    def score(query: str, question: str) -> float:
        return (1 - hybrid) * cosine(query, question) + hybrid * lexical.scores(query)[questions.index(question)]

    assert evaluate_retrieval(animals, FAQ, hybrid=hybrid) == precisions(score)


@pytest.mark.parametrize(("hybrid", "csls"), [(0.0, 0.5), (0.5, 0.5), (0.5, 3.0), (1.0, 1.0)])
def test_csls_ranks_as_searches_with_it_do(write, hybrid, csls):
    rng = np.random.default_rng(2)
    words = [f"{a}{b}" for a in "bdfgk" for b in ("al", "em", "ir")]
    kv = KeyedVectors(6)
    kv.add_vectors(words, rng.standard_normal((15, 6)).astype(np.float32))
    wv = Sent2VecKeyedVectors.from_keyed_vectors(kv)
    rows = [(i % 12, " ".join(rng.choice(words, 4))) for i in range(80)]
    index, queries = rows[:50], rows[50:]
    lines = [
        "\t".join((role, str(answer), text))
        for role, of in (("index", index), ("query", queries))
        for answer, text in of
    ]
    path = write("role\tanswer\tquestion\n" + "\n".join(lines) + "\n")
    found = SentenceIndex.build(wv, [text for _, text in index], keys=[answer for answer, _ in index]).search(
        [text for _, text in queries], topn=5, hybrid=hybrid, csls=csls
    )
    expected = {
        k: np.mean([answer in [key for key, _ in hits[:k]] for (answer, _), hits in zip(queries, found)])
        for k in (1, 3, 5)
    }
    assert evaluate_retrieval(wv, path, hybrid=hybrid, csls=csls) == pytest.approx(expected)
    assert evaluate_retrieval(wv, path, hybrid=hybrid) != pytest.approx(expected)
    of_file = evaluate_file(wv, path, hybrid=hybrid, csls=csls)
    assert [of_file[f"P@{k}"] for k in (1, 3, 5)] == pytest.approx(list(expected.values()))


def test_csls_is_checked(animals):
    with pytest.raises(ValueError, match=r"^csls: must be between 0 and 100, got -1"):
        evaluate_retrieval(animals, FAQ, csls=-1)
    with pytest.raises(TypeError, match=r"^csls: expected a function that returns an array, got a sparse matrix"):
        evaluate_retrieval(lambda texts: sparse.eye(len(texts), format="csr"), FAQ, csls=0.5)


def test_ties_keep_the_order_of_the_file_and_missing_answers_are_logged(animals, write, caplog):
    head = "role\tanswer\tquestion\n"
    both = "index\tA\tcat\nindex\tB\tcat\n"
    assert evaluate_retrieval(animals, write(head + both + "query\tB\tcat\n"))[1] == 0
    assert evaluate_retrieval(animals, write(head + both + "query\tA\tcat\n"))[1] == 1
    assert not caplog.records
    assert evaluate_retrieval(animals, write(head + both + "query\tC\tcat\n")) == {1: 0, 3: 0, 5: 0}
    assert "no index question has: C" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("index\tA\tcat\nqeury\tA\tdog\n", "line 2: role: must be index or query, got 'qeury'"),
        ("index\tA\tcat\nquery\tA\n", "line 2: expected 3 tab-separated columns, got 2"),
        ("index\tA\tcat\n", "no line has the role 'query'"),
        ("query\tA\tcat\n", "no line has the role 'index'"),
        ("5\tcat\tdog\n", r"expected questions \(columns question, answer, and possibly role\), got sentence pairs"),
    ],
)
def test_invalid_files_of_questions(animals, write, text, message):
    with pytest.raises(ValueError, match=message):
        evaluate_retrieval(animals, write(text))


@pytest.mark.parametrize("hybrid", [-0.1, 1.1, float("nan")])
def test_hybrid_out_of_range(animals, hybrid):
    with pytest.raises(ValueError, match="hybrid: must be between 0 and 1"):
        evaluate_retrieval(animals, FAQ, hybrid=hybrid)


def test_file_kinds(write):
    assert (file_kind(PAIRS), file_kind(FAQ)) == ("sts", "retrieval")
    assert file_kind(write("query\t1\tcat\n")) == "retrieval"
    assert file_kind(write("0.5\tcat\tdog\n")) == "sts"


# ---------------------------------------------------------------------------------------------------
# Logs


def test_a_log_grows_by_dated_rows(animals, tmp_path):
    log = str(tmp_path / "results.tsv")
    check_log(log)
    for _ in range(2):
        append_to_log(log, "m", [evaluate_file(animals, str(path)) for path in (PAIRS, FAQ)], {"epochs": 5, "a": "ㄱ"})
        check_log(log)
    lines = [line.split("\t") for line in Path(log).read_text(encoding="utf-8").splitlines()]
    assert lines[0] == list(LOG_COLUMNS) and len(lines) == 5
    rows = [dict(zip(LOG_COLUMNS, line)) for line in lines[1:]]
    assert [row["file"] for row in rows] == ["pairs.tsv", "faq.tsv"] * 2
    assert float(rows[0]["pearson"]) == pytest.approx(evaluate_sts(animals, PAIRS).pearson, abs=1e-4)
    assert rows[0]["P@1"] == "" and float(rows[1]["P@1"]) == pytest.approx(
        evaluate_retrieval(animals, FAQ)[1], abs=1e-4
    )
    assert rows[0]["parameters"] == '{"epochs": 5, "a": "ㄱ"}'
    assert rows[0]["date"][:2] == "20" and rows[0]["date"][10] == "T"


def test_evaluations_may_append_to_a_log_at_the_same_time(tmp_path):
    log = str(tmp_path / "results.tsv")
    result = {"file": "f", "n": 1, "coverage": 1.0}
    threads = [threading.Thread(target=append_to_log, args=(log, f"m{i}", [result] * 20, {"i": i})) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = Path(log).read_text().splitlines()
    assert lines[0].split("\t") == list(LOG_COLUMNS) and lines.count(lines[0]) == 1 and len(lines) == 161
    assert all(line.count("\t") == len(LOG_COLUMNS) - 1 for line in lines)


def test_other_files_are_not_logs(write):
    with pytest.raises(ValueError, match="is not an evaluation log"):
        check_log(write("a\tb\n1\t2\n"))


# ---------------------------------------------------------------------------------------------------
# Questions without roles, tables in memory, other names of columns

ANIMALS = [("A", "cat cat"), ("A", "cat"), ("B", "bird bird"), ("B", "cat dog"), ("C", "dog"), ("A", "cat cat bird")]


def among_the_others(score, rows=ANIMALS) -> dict[int, float]:
    """P@k of questions whose answer another one has, each searched for among all others, by loops."""
    result = {}
    queries = [i for i, (answer, _) in enumerate(rows) if sum(other == answer for other, _ in rows) > 1]
    for k in (1, 3, 5):
        hits = 0
        for i in queries:
            others = [j for j in range(len(rows)) if j != i]
            best = sorted(others, key=lambda j: -score(rows[i][1], rows[j][1]))[:k]
            hits += rows[i][0] in [rows[j][0] for j in best]
        result[k] = hits / len(queries)
    return result


def test_without_roles_each_question_is_searched_for_among_the_others(animals, write):
    text = "answer\tquestion\n" + "".join(f"{answer}\t{question}\n" for answer, question in ANIMALS)
    found = evaluate_retrieval(animals, write(text))
    assert found == among_the_others(cosine) and found.n == 5 and 0 < found[1] < 1
    repeated = text + "A\tcat\nA\tcat  \nA\tdog dog\nB\tdog dog\n"  # the latter two contradict each other
    with pytest.warns(UserWarning, match=r"1 question has more than one answer and is left out: it is 'dog dog'"):
        assert evaluate_retrieval(animals, write(repeated)) == found
    assert file_kind(write(text)) == "retrieval"
    of_file = evaluate_file(animals, write("date\t" + text.replace("\n", "\n2026\t").removesuffix("2026\t")))
    assert of_file["P@1"] == found[1] and of_file["n"] == 5


@pytest.mark.parametrize(("hybrid", "csls"), [(0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 2.0)])
def test_without_roles_the_scores_are_those_of_tune_before_tuning(wv, lee_path, hybrid, csls):
    texts = [" ".join(line.split()[:12]) for line in Path(lee_path).read_text(encoding="latin-1").splitlines()]
    texts = [text for line in texts[:60] for text in (line, " ".join(line.split()[2:9]))]
    answers = [i // 2 for i in range(len(texts))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = tune(
            wv.weighting._parameters, wv.weighting._fitted, wv, texts, answers, hybrid, 2, (1.0,), csls=csls, steps=1
        ).report["before"]
        found = evaluate_retrieval(wv, list(zip(texts, map(str, answers))), hybrid, csls=csls)
    assert {f"P@{k}": value for k, value in found.items()} == pytest.approx(before, abs=0.02)


def test_queries_in_several_blocks(animals, monkeypatch):
    expected = evaluate_retrieval(animals, FAQ, hybrid=0.5)
    alone = evaluate_retrieval(animals, [(question, answer) for answer, question in ANIMALS])
    monkeypatch.setattr(evaluation, "QUERIES", 2)
    assert evaluate_retrieval(animals, FAQ, hybrid=0.5) == expected
    assert evaluate_retrieval(animals, [(question, answer) for answer, question in ANIMALS]) == alone


def tables_of_pairs():
    """The pairs of `PAIRS` as objects."""
    rows = [(a, b, float(score)) for score, a, b in rows_of(PAIRS)]
    columns = {"sentence1": [r[0] for r in rows], "sentence2": [r[1] for r in rows], "score": [r[2] for r in rows]}
    yield rows
    yield [(score, a, b) for a, b, score in rows]
    yield [(a, b, str(score)) for a, b, score in rows]
    yield [list(row) for row in rows]
    yield iter(rows)
    yield columns
    yield {"Score": np.array(columns["score"]), "Sentence1": columns["sentence1"], "SENTENCE2": columns["sentence2"]}
    yield [dict(zip(columns, row)) for row in rows]


@pytest.mark.parametrize(("evaluate", "path"), [(evaluate_sts, PAIRS), (evaluate_retrieval, FAQ)])
def test_an_unknown_treatment_of_missing_values_is_refused(animals, evaluate, path):
    with pytest.raises(ValueError, match=r'^missing: expected "error" or "skip", got \'drop\''):
        evaluate(animals, path, missing="drop")


def test_evaluate_file_takes_paths_only(animals):
    with pytest.raises(TypeError, match=r"^path: expected a path, got list; evaluate_sts and evaluate_retrieval take"):
        evaluate_file(animals, [("a", "b", 1.0)])


@pytest.mark.parametrize("n", range(8))
def test_pairs_in_memory(animals, n):
    assert evaluate_sts(animals, list(tables_of_pairs())[n]) == evaluate_sts(animals, PAIRS)


def test_data_frames(animals):
    pandas = pytest.importorskip("pandas")
    rows = rows_of(PAIRS)
    frame = pandas.DataFrame(rows, columns=["score", "sentence1", "sentence2"], index=range(7, 7 + len(rows)))
    frame["score"] = frame["score"].astype(float)
    assert evaluate_sts(animals, frame) == evaluate_sts(animals, PAIRS)
    gap = pandas.concat([frame, pandas.DataFrame([{"score": 3.0, "sentence1": None, "sentence2": "cat"}])])
    with pytest.raises(ValueError, match=r"^path: row 4: sentence1: is missing.*; .*missing=\"skip\""):
        evaluate_sts(animals, gap)
    assert evaluate_sts(animals, gap, missing="skip") == evaluate_sts(animals, PAIRS)
    faq = pandas.DataFrame(rows_of(FAQ), columns=["role", "answer", "question"])
    assert evaluate_retrieval(animals, faq) == evaluate_retrieval(animals, FAQ)
    renamed = faq.rename(columns={"question": "Frage", "answer": "Antwort"})
    assert evaluate_retrieval(animals, renamed, text="frage", key="Antwort") == evaluate_retrieval(animals, FAQ)
    assert file_kind(faq) == "retrieval" and file_kind(frame) == "sts"


def test_questions_in_memory(animals, write):
    by_file = evaluate_retrieval(animals, FAQ)
    assert evaluate_retrieval(animals, [tuple(row) for row in rows_of(FAQ)]) == by_file
    assert evaluate_retrieval(animals, TextTable(FAQ, key="answer", text="question")) != by_file  # without roles
    assert evaluate_retrieval(animals, TextTable(FAQ)) == by_file
    alone = evaluate_retrieval(animals, [(question, answer) for answer, question in ANIMALS])
    assert alone == among_the_others(cosine)
    table = write("titel,id\n" + "".join(f"{question},{answer}\n" for answer, question in ANIMALS), "faq.csv")
    assert evaluate_retrieval(animals, TextTable(table, "titel", "id")) == alone
    assert evaluate_retrieval(animals, table, text="titel", key="id") == alone
    bare = write("".join(f"{question},{answer}\n" for answer, question in ANIMALS), "bare.csv")
    assert evaluate_retrieval(animals, bare, text=1, key="2") == alone


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (3, "path: expected a path, a list of (sentence1, sentence2, score), or a table .*, got int"),
        (None, "got NoneType"),
        ([], "path: expected a path, .*, got nothing"),
        (["a.tsv", "b.tsv"], "path: row 0: expected a path, a list of .*, got 'a.tsv'"),
        ([("a", "b")], r"row 0: expected .*, got \('a', 'b'\)"),
        ([("a", "b", "c")], r"row 0: expected .*, got \('a', 'b', 'c'\)"),
        ([("a", "b", 1), ("a", "b")], r"row 1: expected .*, got \('a', 'b'\)"),
        ([("a", "b", 1.0), ("a", "b", float("nan"))], "row 1: score: is missing"),
        ({"a": ["x"], "b": ["y"]}, "path: the table has neither the columns score"),
        ({"score": [1], "sentence1": ["x"], "sentence2": []}, "path: the columns have different lengths: 1, 1, 0"),
        (np.zeros((3, 2)), "path: row 0: expected"),
    ],
)
def test_other_objects_are_refused(animals, source, message):
    pattern = message.replace("(sentence1, sentence2, score)", r"\(sentence1, sentence2, score\)")
    with pytest.raises((TypeError, ValueError), match=pattern):
        evaluate_sts(animals, source)


def test_text_tables_that_are_no_evaluation_files(animals, write):
    with pytest.raises(TypeError, match="path: a TextTable has one column of texts, but pairs have two"):
        evaluate_sts(animals, TextTable(PAIRS, text="sentence1"))
    with pytest.raises(TypeError, match="path: the TextTable has no keys; pass the column with the answers"):
        evaluate_retrieval(animals, TextTable(write("text\ncat\n", "a.csv")))


def test_incomplete_rows_of_questions(animals, write, caplog):
    text = "answer\tquestion\n" + "".join(f"{answer}\t{question}\n" for answer, question in ANIMALS)
    for row, name in (("\tcat\n", "answer"), ("A\t\n", "question"), ("A\t  \n", "question")):
        with pytest.raises(ValueError, match=rf"line 8: the {name} is missing; complete the row, or pass missing="):
            evaluate_retrieval(animals, write(text + row))
        assert evaluate_retrieval(animals, write(text + row), missing="skip") == among_the_others(cosine)
        assert "skipped 1 of 7 rows" in caplog.text
    with pytest.raises(ValueError, match=r"^answers: every answer has only one question \(2 answers, 2 different q"):
        evaluate_retrieval(animals, [("cat", "A"), ("dog", "B")])
