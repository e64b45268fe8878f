"""Rows that several processes append to one table."""

import multiprocessing
import os

import pytest

from gensim_sent2vec._util.appending import TableFullError, append_rows

HEADER = b"a\tb\n"


def test_header_and_rows(tmp_path):
    path = str(tmp_path / "t.tsv")
    append_rows(path, HEADER, b"1\t2\n")
    append_rows(path, HEADER, b"3\t4\n")
    assert (tmp_path / "t.tsv").read_bytes() == b"a\tb\n1\t2\n3\t4\n"


def test_a_torn_row_is_ended(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_bytes(b"a\tb\n1\t")
    append_rows(str(path), HEADER, b"3\t4\n")
    assert path.read_bytes() == b"a\tb\n1\t\n3\t4\n"


def test_the_limit(tmp_path):
    path = str(tmp_path / "t.tsv")
    append_rows(path, HEADER, b"1\t2\n", most=8)
    with pytest.raises(TableFullError, match="limit of 8 bytes"):
        append_rows(path, HEADER, b"1\t2\n", most=8)
    assert os.path.getsize(path) == 8


def append_many(path, name):
    for i in range(200):
        append_rows(path, HEADER, f"{name}\t{name * 500}{i}\n".encode())


@pytest.mark.slow
def test_rows_of_processes_do_not_mix(tmp_path):
    path = tmp_path / "t.tsv"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=append_many, args=(str(path), name)) for name in "xyz"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    lines = path.read_text().splitlines()
    assert lines[0] == "a\tb" and len(lines) == 601
    for name in "xyz":
        assert [line for line in lines if line[0] == name] == [f"{name}\t{name * 500}{i}" for i in range(200)]
