"""Checks of corpus arguments, and streams of lines that can be read several times."""

import bz2
import gzip
import io
import lzma
import os
import sys
import threading
from itertools import islice
from pathlib import Path

import pytest
from gensim.models.word2vec import LineSentence
from gensim.test.utils import common_texts
from hypothesis import given
from hypothesis import strategies as st

from gensim_sent2vec._text.corpus import TextLines, TokenLines, check_corpus_file, check_sentences

# ---------------------------------------------------------------------------------------------------
# Checks


class Restartable:
    def __iter__(self):
        return iter(common_texts)


@pytest.mark.parametrize("sentences", [common_texts, tuple(common_texts), Restartable(), [], {}, {"a": 1}.values()])
def test_a_corpus_that_can_be_read_again_passes(sentences):
    check_sentences(sentences, passes=2)


def test_line_sentence_passes(lee_path):
    check_sentences(LineSentence(lee_path), passes=9)


@pytest.mark.parametrize("stream", [iter([]), (s for s in common_texts), map(list, common_texts), zip("ab")])
def test_an_iterator_is_accepted_only_if_one_pass_is_needed(stream):
    check_sentences(stream, passes=1)
    with pytest.raises(TypeError, match=f"^sentences: 6 passes are needed, but a {type(stream).__name__} can be"):
        check_sentences(stream, passes=6)


def test_an_open_file_is_an_iterator(lee_path):
    with open(lee_path) as lines, pytest.raises(TypeError, match="read only once"):
        check_sentences(lines, passes=2)


@pytest.mark.parametrize("sentences", ["a b c", b"a b c", ""])
def test_a_string_is_not_a_corpus(sentences):
    with pytest.raises(TypeError, match=r"^sentences: .* got the (str|bytes) .*corpus_file="):
        check_sentences(sentences, passes=1)


@pytest.mark.parametrize("sentences", [5, 1.5, object(), len])
def test_a_non_iterable_is_not_a_corpus(sentences):
    with pytest.raises(TypeError, match=f"^sentences: .* got {type(sentences).__name__}"):
        check_sentences(sentences, passes=1)


def test_a_text_file_passes(lee_path):
    check_corpus_file(lee_path)
    check_corpus_file(Path(lee_path))


@pytest.mark.parametrize("path", [common_texts, 5, b"corpus.txt", None, io.StringIO("a b")])
def test_only_a_path_is_accepted(path):
    with pytest.raises(TypeError, match=f"^corpus_file: expected a path, got {type(path).__name__}.*sentences="):
        check_corpus_file(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^corpus_file: .*nowhere\.txt"):
        check_corpus_file(tmp_path / "nowhere.txt")


def test_a_directory_is_refused_with_an_alternative(tmp_path):
    with pytest.raises(IsADirectoryError, match=r"^corpus_file: .* is a directory.*PathLineSentences"):
        check_corpus_file(tmp_path)


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz"])
def test_a_compressed_file_is_refused_with_an_alternative(tmp_path, ending):
    path = tmp_path / f"corpus.txt{ending}"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"^corpus_file: .* is compressed.*decompress it, or pass .*LineSentence"):
        check_corpus_file(str(path))


# ---------------------------------------------------------------------------------------------------
# Lines

TEXT = "one line\r\n\nzwei  Zeilen\n세 줄\u2028same line \x85 \n no newline at the end"
LINES = ["one line", "", "zwei  Zeilen", "세 줄\u2028same line \x85 ", " no newline at the end"]
OPENERS = {"": open, ".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


@pytest.fixture(params=OPENERS)
def text_path(request, tmp_path) -> Path:
    path = tmp_path / f"text.txt{request.param}"
    with OPENERS[request.param](path, "wb") as file:
        file.write(TEXT.encode())
    return path


def test_lines_can_be_read_again_and_again(text_path):
    lines = TextLines(text_path)
    assert list(lines) == LINES
    assert list(islice(lines, 2)) == LINES[:2]
    assert list(lines) == LINES


def test_two_readers_do_not_disturb_each_other(text_path):
    lines = TextLines(str(text_path))
    assert list(zip(lines, lines, strict=True)) == [(line, line) for line in LINES]


def test_token_lines(text_path):
    tokens = TokenLines(text_path)
    for _ in range(2):
        assert list(tokens) == [line.split() for line in LINES]
    check_sentences(tokens, passes=5)


def test_token_lines_equal_those_of_line_sentence(lee_path):
    assert list(TokenLines(lee_path)) == list(LineSentence(lee_path))


def test_only_uncompressed_files_have_a_plain_path(text_path):
    assert TextLines(text_path).plain_path == (str(text_path) if text_path.suffix == ".txt" else None)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"))))
def test_lines_end_at_newlines_only(tmp_path_factory, lines):
    path = tmp_path_factory.getbasetemp() / "lines.txt"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="")
    assert list(TextLines(path)) == lines


@pytest.mark.parametrize("bad", ["caf\xe9".encode("latin-1"), b"\xff\xfea\0", b"\xed\xa0\x80"])
@pytest.mark.parametrize("before", [0, 2, 1233])
def test_the_error_for_a_line_that_is_not_utf8_gives_its_number(tmp_path, bad, before):
    path = tmp_path / "text.txt"
    path.write_bytes(b"good\n" * before + bad + b"\ngood\n")
    read = []
    with pytest.raises(ValueError, match=rf"text\.txt', line {before + 1:,}: not UTF-8"):
        for line in TextLines(path):
            read.append(line)
    assert read == ["good"] * before


def test_a_missing_file_is_reported_at_once(tmp_path):
    for kind in (TextLines, TokenLines):
        with pytest.raises(FileNotFoundError, match=r"nowhere\.txt"):
            kind(tmp_path / "nowhere.txt")
        with pytest.raises(IsADirectoryError, match="is a directory"):
            kind(tmp_path)


@pytest.mark.parametrize("ending, compress", [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)])
@pytest.mark.parametrize(
    "damage", [lambda data: data[:-20], lambda data: TEXT.encode(), lambda data: data[:9] + b"?" * 99]
)
def test_an_error_names_the_damaged_compressed_file(ending, compress, damage, tmp_path):
    path = tmp_path / f"text{ending}"
    path.write_bytes(damage(compress(TEXT.encode() * 1000)))
    with pytest.raises(OSError, match=rf"text\{ending}': damaged, incomplete, or not compressed"):
        list(TextLines(path))


# ---------------------------------------------------------------------------------------------------
# Standard input


class Stdin:
    """Bytes that can be read once."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


@pytest.fixture
def stdin(monkeypatch):
    monkeypatch.setattr("sys.stdin", Stdin(TEXT.encode()))


def test_standard_input_can_be_read_again(stdin):
    lines = TextLines("-")
    assert list(islice(lines, 1)) == LINES[:1]
    assert list(lines) == LINES
    assert list(lines) == LINES


def test_the_copy_of_standard_input_is_deleted_when_it_is_no_longer_needed(stdin):
    lines = TextLines("-")
    copy = Path(lines.plain_path)
    assert copy.read_bytes() == TEXT.encode()
    assert lines.plain_path == str(copy)
    assert list(lines) == LINES
    del lines
    assert not copy.exists()


def test_standard_input_is_not_read_before_it_is_needed(stdin):
    TextLines("-")
    TokenLines("-")
    assert sys.stdin.buffer.tell() == 0


def test_tokens_of_standard_input(stdin):
    tokens = TokenLines("-")
    for _ in range(2):
        assert list(tokens) == [line.split() for line in LINES]


def test_a_large_compressed_file_is_read_as_a_stream(shared_data):
    for name in ("en.txt.xz", "ko.txt.xz"):
        tokens = TokenLines(shared_data(name))
        start = list(islice(tokens, 100))
        assert len(start) == 100
        assert any(start)
        assert list(islice(tokens, 100)) == start


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_fifo_can_be_read_again(tmp_path):
    fifo = str(tmp_path / "fifo")
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: Path(fifo).write_bytes(TEXT.encode()))
    writer.start()
    lines = TextLines(fifo)
    assert list(islice(lines, 1)) == LINES[:1]
    assert list(lines) == LINES
    assert Path(lines.plain_path).read_bytes() == TEXT.encode()
    writer.join()
