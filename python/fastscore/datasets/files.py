"""Records of JSONL, JSON, CSV, TSV and parquet files, plain or compressed.

The format is found by the file's name (``test.jsonl.gz``) and, where the name says nothing, by
its first bytes. Nothing here knows a benchmark; ``layouts`` gives the fields their meaning.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn

from fastscore.datasets.parquet import MAGIC as PARQUET_MAGIC
from fastscore.datasets.parquet import read_parquet
from fastscore.datasets.streams import (
    Place,
    compression_of,
    first_bytes,
    inner_name,
    read_lines,
)
from fastscore.errors import DataError

MAX_ROWS = 2_000_000
"""Most rows of one file: small rows take little room on disk, but not in memory."""

MAX_ARRAY_CHARACTERS = 2**28
"""Longest JSON array; unlike lines it is held in memory as a whole."""

Format = Literal["jsonl", "json", "csv", "tsv", "parquet", "text"]

_FORMATS: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".txt": "text",
}
_SPACE = re.compile(r"[ \t\r\n]*")


class Record(NamedTuple):
    """The fields of one row as the file has them, and where it stands."""

    place: Place
    fields: dict[str, Any]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read the rows of any JSONL, JSON, CSV, TSV or parquet file, fields as they stand.

    CSV and TSV need a header line, and their values are text. Plain, gzip, bzip2, zstd or xz.

    Raises DataError, naming the file and the line (of parquet: the row), for what cannot be read,
    and for a file without rows.
    """
    rows = [record.fields for record in read_records(path)]
    if not rows:
        raise DataError(f"{path} has no rows")
    return rows


def read_records(path: Path) -> Iterator[Record]:
    """Yield the records of a file in order, fields as they stand.

    Raises DataError like :func:`read_rows`, when the bad row is reached; an empty file yields
    nothing.
    """
    readers = {
        "jsonl": _read_jsonl,
        "json": _read_json,
        "csv": _read_csv,
        "tsv": _read_csv,
        "parquet": read_parquet,
        "text": _refuse_text,
    }
    for count, (place, fields) in enumerate(readers[format_of(path)](path), start=1):
        if count > MAX_ROWS:
            raise DataError(f"{place}: the file has more than {MAX_ROWS} rows, the limit")
        yield Record(place, fields)


def format_of(path: Path) -> Format:
    """Find the format of a file by its name, else by its first bytes.

    Raises DataError where neither tells.
    """
    name = Path(inner_name(path))
    if name.suffix.lower() in _FORMATS:
        return _FORMATS[name.suffix.lower()]
    if compression_of(path) is None and first_bytes(path, 4) == PARQUET_MAGIC:
        return "parquet"
    start = next((line.text.lstrip() for line in read_lines(path) if line.text.strip()), "")
    if start[:1] in ("[", "{"):
        return "json"
    raise DataError(
        f"{path}: neither name nor content tells the format; "
        "name it .jsonl, .json, .csv, .tsv or .parquet"
    )


def read_table(path: Path) -> Iterator[tuple[Place, list[str]]]:
    """Yield the cells of each record of a CSV or TSV file; blank lines are left out.

    A quoted cell may hold line ends; the place is the record's first line. Raises DataError for
    broken quoting and for a cell over 131,072 characters.
    """
    delimiter = "\t" if format_of(path) == "tsv" else ","
    texts = (line.text for line in read_lines(path))
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    while True:
        place = Place(path, reader.line_num + 1)
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise DataError(f"{place}: not valid CSV: {error}") from error
        if cells is None:
            return
        if cells:
            yield place, cells


def _read_csv(path: Path) -> Iterator[tuple[Place, dict[str, Any]]]:
    table = read_table(path)
    place, header = next(table, (Place(path, 1), []))
    repeated = {name for name in header if header.count(name) > 1}
    if repeated:
        raise DataError(f"{place}: the header has {min(repeated)!r} more than once")
    for place, cells in table:
        if len(cells) != len(header):
            raise DataError(
                f"{place}: {len(cells)} cells; the header has {len(header)}: {', '.join(header)}"
            )
        yield place, dict(zip(header, cells, strict=True))


def _read_jsonl(path: Path) -> Iterator[tuple[Place, dict[str, Any]]]:
    for place, text in read_lines(path):
        if text.strip():
            yield place, _object(_parsed(text, 0, place)[0], place)


def _read_json(path: Path) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Read an array of objects; or one object a line, as many ``.json`` files have it."""
    start = next((line.text.lstrip() for line in read_lines(path) if line.text.strip()), "")
    if not start.startswith("["):
        try:
            yield from _read_jsonl(path)
        except DataError as error:
            raise DataError(
                f"{error}; a .json file holds a list of rows, or a row a line"
            ) from error
        return
    pieces = []
    length = 0
    for place, text in read_lines(path):
        length += len(text)
        if length > MAX_ARRAY_CHARACTERS:
            raise DataError(
                f"{place}: a JSON array over {MAX_ARRAY_CHARACTERS} characters, the limit; "
                "write one object a line (.jsonl) instead"
            )
        pieces.append(text)
    yield from _array_elements("".join(pieces), path)


def _array_elements(text: str, path: Path) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Decode the array element by element, so that each has its line."""
    at = _skip_space(text, text.index("[") + 1)
    place = Place(path, 1 + text.count("\n", 0, at))
    if text[at : at + 1] == "]":
        end = at + 1
    else:
        while True:
            value, end = _parsed(text, at, place)
            yield place, _object(value, place)
            end = _skip_space(text, end)
            place = Place(path, place.number + text.count("\n", at, end))
            mark, end = text[end : end + 1], end + 1
            if mark == "]":
                break
            if mark != ",":
                found = repr(mark) if mark else "the end of the file"
                raise DataError(f"{place}: expected ',' or ']' after an element, found {found}")
            at = _skip_space(text, end)
            place = Place(path, place.number + text.count("\n", end, at))
    rest = _skip_space(text, end)
    if rest != len(text):
        raise DataError(f"{place}: text after the end of the array: {text[rest : rest + 40]!r}")


def _skip_space(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    assert match is not None
    return match.end()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _parsed(text: str, start: int, place: Place) -> tuple[Any, int]:
    """Decode one JSON value and give the index after it; a whole line must hold nothing else."""
    try:
        if start == 0:
            # Without the line's own end: a row cut short is not to be blamed on the next line.
            value, end = _DECODER.decode(text.rstrip(" \t\r\n")), len(text)
        else:
            value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        place = place._replace(number=place.number + text.count("\n", start, error.pos))
        raise DataError(f"{place}: not valid JSON: {error.msg}, column {error.colno}") from error
    except ValueError as error:
        raise DataError(f"{place}: not valid JSON: {error}") from error
    except RecursionError as error:
        raise DataError(f"{place}: the JSON is nested too deeply") from error
    if "\\ud" in text[start:end].lower():
        _check_surrogates(value, place)
    return value, end


def _check_surrogates(value: Any, place: Place) -> None:
    r"""Refuse half of a surrogate pair (``\ud83d`` alone): it is no text and has no UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise DataError(f"{place}: a text holds half a surrogate pair: {error}") from error


def _object(value: Any, place: Place) -> dict[str, Any]:
    if not isinstance(value, dict):
        kind = type(value).__name__
        advice = "; a file that is one list of rows is called .json" if kind == "list" else ""
        raise DataError(
            f"{place}: a row must be a JSON object with fields, this is a {kind}{advice}"
        )
    return value


def _refuse_text(path: Path) -> NoReturn:
    raise DataError(
        f"{path}: plain text holds no fields (only HellaSwag has a text layout); "
        "give .jsonl, .json, .csv, .tsv or .parquet"
    )
