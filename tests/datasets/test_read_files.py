"""Any file of rows: formats, compressions, encodings, and what is said of a bad one."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from fastscore.datasets import files, read_rows, streams
from fastscore.errors import DataError

ROWS: list[dict[str, Any]] = [
    {"question": "Wo liegt Köln?", "answer": "am Rhein", "n": 1},
    {"question": 'A "quoted",\ncomma and line end', "answer": "", "n": 2},
    {"question": "日本語 🙂", "answer": " spaces  kept ", "n": 3},
]


def zstd(data: bytes) -> bytes:
    return bytes(pyarrow.compress(data, codec="zstd", asbytes=True))


def plain(data: bytes) -> bytes:
    return data


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "": plain,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstd,
    ".xz": lzma.compress,
}
JSONL = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.Table.from_pylist(rows), sink)
    return bytes(sink.getvalue().to_pybytes())


def write(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize("suffix", COMPRESSIONS)
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("rows.jsonl", JSONL),
        ("rows.json", JSONL),
        ("rows.json", json.dumps(ROWS).encode()),
        ("rows.json", json.dumps(ROWS, indent=2).encode()),
        ("rows.parquet", as_parquet(ROWS)),
    ],
)
def test_every_format_in_every_compression(
    tmp_path: Path, suffix: str, name: str, data: bytes
) -> None:
    path = write(tmp_path / f"{name}{suffix}", COMPRESSIONS[suffix](data))
    assert read_rows(path) == ROWS


@pytest.mark.parametrize("suffix", COMPRESSIONS)
@pytest.mark.parametrize("data", [JSONL, json.dumps(ROWS).encode()])
def test_the_first_bytes_tell_where_the_name_does_not(
    tmp_path: Path, suffix: str, data: bytes
) -> None:
    assert read_rows(write(tmp_path / "blob", COMPRESSIONS[suffix](data))) == ROWS


def test_parquet_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    assert read_rows(write(tmp_path / "blob", as_parquet(ROWS))) == ROWS


@pytest.mark.parametrize(("name", "delimiter"), [("rows.csv", ","), ("rows.tsv", "\t")])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_values_are_text(tmp_path: Path, name: str, delimiter: str, end: str) -> None:
    lines = ["id,text", "1,plain", "", '2,"a ""word"", and', 'a second line"', "3,"]
    text = end.join(line.replace(",", delimiter) if "and" not in line else line for line in lines)
    if delimiter == "\t":
        text = text.replace("2,", "2\t")
    assert read_rows(write(tmp_path / name, text)) == [
        {"id": "1", "text": "plain"},
        {"id": "2", "text": f'a "word", and{end}a second line'},
        {"id": "3", "text": ""},
    ]


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.csv"])
def test_byte_order_mark_and_windows_line_ends(tmp_path: Path, name: str) -> None:
    text = "a,b\r\n1,2\r\n" if name.endswith("csv") else '{"a": "1", "b": "2"}\r\n\r\n'
    path = write(tmp_path / name, b"\xef\xbb\xbf" + text.encode())
    assert read_rows(path) == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.jsonl", '{"a": 1}\n{"a": }\n', "line 2: not valid JSON: Expecting value, column 7"),
        ("a.jsonl", '{"a": 1}\n{"a": \n', "line 2: not valid JSON: Expecting value, column 6"),
        ("a.jsonl", '{"a": 1}\n{"a": 1\r\n{"a": 1}\n', "line 2: not valid JSON: Expecting ',' del"),
        ("a.jsonl", '{"a": 1}\n\n{"a": 1} {}\n', "line 3: not valid JSON: Extra data"),
        (
            "a.jsonl",
            '{"a": 1}\n[1]\n',
            "line 2: a row must be a JSON object .* this is a list; .* is called .json",
        ),
        (
            "a.json",
            '{\n"data": []}',
            "line 1: not valid JSON: .* holds a list of rows, or a row a line",
        ),
        ("a.jsonl", '{"a": NaN}\n', "line 1: not valid JSON: NaN is not JSON"),
        ("a.jsonl", b'{"a": 1}\n{"a": "\xe9"}\n', r"line 2: byte 8 .* \(0xe9\) is not UTF-8"),
        ("a.jsonl", '{"a": "\\ud83d"}\n', "line 1: a text holds half a surrogate pair"),
        (
            "a.jsonl",
            '{"a": ' + "[" * 200_000 + "\n",
            "line 1: .*(nested too deeply|not valid JSON)",
        ),
        ("a.jsonl", '{"a": ' + "9" * 5000 + "}\n", "line 1: not valid JSON: Exceeds the limit"),
        ("a.jsonl", '{"a": 1}\n'.encode("utf-16"), "line 1: the file is UTF-16"),
        ("a.jsonl", "", "has no rows"),
        ("a.jsonl", "\n \r\n", "has no rows"),
        ("a.json", '[\n{"a": 1},\n{"a": \n}]', "line 4: not valid JSON"),
        ("a.json", '[{"a": 1},\n7]', "line 2: a row must be a JSON object .* int"),
        ("a.json", '[{"a": 1}\n{"a": 2}]', "line 2: expected ',' or ']' .* found '{'"),
        ("a.json", '[{"a": 1},', "line 1: not valid JSON"),
        ("a.json", '[{"a": 1}\n\n', "line 3: expected ',' or ']' .* found the end"),
        ("a.json", '[{"a": 1}]\nx', "text after the end of the array: 'x'"),
        ("a.json", "[]", "has no rows"),
        ("a.csv", "a,b\n1,2\n3\n", "line 3: 1 cells; the header has 2: a, b"),
        ("a.csv", "a,a\n1,2\n", "line 1: the header has 'a' more than once"),
        ("a.csv", 'a,b\n1,2\n3,"x\ny\n', "line 3: not valid CSV: unexpected end"),
        ("a.csv", 'a,b\n1,"x"y\n', "line 2: not valid CSV"),
        ("a.csv", "a\n" + "x" * 200_000, "line 2: not valid CSV: field larger"),
        ("a.csv", b"a,b\n\xff,2\n", "line 2: byte 1 .* not UTF-8"),
        ("a.parquet", b"PAR1 but no more", "row 1: not a whole parquet file"),
        ("a.parquet", as_parquet(ROWS)[:-5], "row 1: not a whole parquet file"),
        ("a.parquet", b"", "row 1: not a whole parquet file"),
        ("a.txt", "Some text.\n", "plain text holds no fields"),
        ("a.xyz", "Some text.\n", "neither name nor content tells the format"),
        ("a.gz", gzip.compress(b"Some text.\n"), "neither name nor content tells the format"),
        ("a.jsonl.gz", b'{"a": 1}\n', "line 1: the gzip data is damaged"),
        ("a.jsonl.zst", b'{"a": 1}\n', "line 1: the zstd data is damaged"),
    ],
)
def test_bad_files_are_named_by_file_and_line(
    tmp_path: Path, name: str, data: str | bytes, message: str
) -> None:
    path = write(tmp_path / name, data)
    with pytest.raises(DataError, match=message) as caught:
        read_rows(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", [suffix for suffix in COMPRESSIONS if suffix])
def test_a_truncated_stream_is_an_error_at_every_length(tmp_path: Path, suffix: str) -> None:
    data = COMPRESSIONS[suffix](JSONL * 50)
    for kept in (0, 1, 5, len(data) // 2, len(data) - 4, len(data) - 1):
        path = write(tmp_path / f"rows.jsonl{suffix}", data[:kept])
        with pytest.raises(DataError, match=r"damaged or breaks off|has no rows"):
            read_rows(path)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_several_streams_in_one_file_are_one_text(tmp_path: Path, suffix: str) -> None:
    compress = COMPRESSIONS[suffix]
    half = len(JSONL) // 2
    data = compress(JSONL[:half]) + compress(JSONL[half:])
    assert read_rows(write(tmp_path / f"rows.jsonl{suffix}", data)) == ROWS


def test_xz_may_be_padded_between_its_streams(tmp_path: Path) -> None:
    first, second = lzma.compress(JSONL), lzma.compress(JSONL)
    data = first + b"\x00" * 100_000 + second + b"\x00" * 8
    assert read_rows(write(tmp_path / "rows.jsonl.xz", data)) == ROWS * 2


def test_xz_may_not_ask_for_any_amount_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 2**26}]
    data = lzma.compress(JSONL, filters=filters)
    path = write(tmp_path / "rows.jsonl.xz", data)
    assert read_rows(path) == ROWS
    monkeypatch.setattr(streams, "XZ_MEMORY_BYTES", 2**25)
    with pytest.raises(DataError, match=r"xz data is damaged .*[Mm]emory"):
        read_rows(path)


def test_a_line_without_end_is_refused_before_it_is_whole(tmp_path: Path) -> None:
    bomb = gzip.compress(b'{"a": "' + b"x" * (streams.MAX_LINE_BYTES + 2**20))
    with pytest.raises(DataError, match=f"longer than {streams.MAX_LINE_BYTES} bytes"):
        read_rows(write(tmp_path / "bomb.jsonl.gz", bomb))


@pytest.mark.parametrize(
    "name", ["bomb.jsonl.gz", "bomb.json.gz", "bomb.csv.gz", "bomb.parquet.gz"]
)
def test_a_file_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_FILE_BYTES", 2**16)
    with pytest.raises(DataError, match="unpacks to more than 65536 bytes"):
        read_rows(write(tmp_path / name, gzip.compress(b"\n" * (2**16 + 1))))


def test_too_many_lines_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MAX_LINES", 10)
    with pytest.raises(DataError, match="line 11: the file has more than 10 lines"):
        read_rows(write(tmp_path / "a.jsonl", "\n" * 11))


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ROWS", 10)
    assert len(read_rows(write(tmp_path / "a.jsonl", "{}\n" * 10))) == 10
    with pytest.raises(DataError, match="line 11: the file has more than 10 rows"):
        read_rows(write(tmp_path / "a.jsonl", "{}\n" * 11))


def test_too_long_an_array_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_ARRAY_CHARACTERS", 20)
    with pytest.raises(DataError, match="a JSON array over 20 characters"):
        read_rows(write(tmp_path / "a.json", json.dumps([{}] * 20)))


def test_parquet_that_repeats_one_long_text_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A text is stored once, 500 rows of a few bits refer to it.
    path = tmp_path / "bomb.parquet"
    parquet.write_table(pyarrow.table({"text": ["x" * 2**17] * 500}), path)
    assert path.stat().st_size < 2**18
    monkeypatch.setattr(streams, "MAX_FILE_BYTES", 2**23)
    with pytest.raises(DataError, match=r"row \d\d: the file unpacks to more than"):
        read_rows(path)


def test_parquet_text_that_is_not_utf8(tmp_path: Path) -> None:
    # A column of bytes that only claims to be text, as a careless writer makes it.
    offsets = pyarrow.py_buffer(struct.pack("<iii", 0, 2, 3))
    column = pyarrow.StringArray.from_buffers(2, offsets, pyarrow.py_buffer(b"ok\xff"))
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"text": column}), path)
    with pytest.raises(DataError, match=r"row 1: not a whole parquet file .*UTF8"):
        read_rows(path)


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    for name in ("none.jsonl", "none.csv", "none.parquet", "none"):
        with pytest.raises(DataError, match=r"none.*(No such file|cannot be read)"):
            read_rows(tmp_path / name)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(rows=st.lists(st.dictionaries(st.text(), values, max_size=4), min_size=1, max_size=5))
def test_whatever_json_can_say_is_read_back(
    rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("json")
    for ascii_only in (True, False):
        lines = [json.dumps(row, ensure_ascii=ascii_only) for row in rows]
        jsonl = write(folder / "rows.jsonl", "\n".join(lines))
        array = write(folder / "rows.json", json.dumps(rows, ensure_ascii=ascii_only, indent=1))
        assert read_rows(jsonl) == rows
        assert read_rows(array) == rows
