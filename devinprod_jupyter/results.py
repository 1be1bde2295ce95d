"""How do rows become columns, exactly?

Two roads. Bulk results come columnar, by ADBC, never through a Python object per value. Everything else, and
every type that ADBC gets wrong (2-D arrays, money, oid, ranges ...), comes by psycopg. Both end in the same
columns and so in the same dtypes. What no dtype can hold (infinity, the year 12000, one month) stays the
server's text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from psycopg.abc import AdaptContext

__all__ = [
    "Column",
    "bulk_exact",
    "columns_from_arrow",
    "columns_from_rows",
    "exact_loaders",
    "to_arrow",
    "to_frame",
    "to_rows",
]

BOOL, BYTEA, NAME, INT8, INT2, INT4, TEXT, JSON = 16, 17, 19, 20, 21, 23, 25, 114
FLOAT4, FLOAT8, BPCHAR, VARCHAR, DATE, TIME = 700, 701, 1042, 1043, 1082, 1083
TIMESTAMP, TIMESTAMPTZ, INTERVAL, NUMERIC, UUID, JSONB = 1114, 1184, 1186, 1700, 2950, 3802

#: What ADBC returns exactly, with what is done here about numeric, infinity and enums.
BULK = frozenset(
    {BOOL, BYTEA, NAME, INT8, INT2, INT4, TEXT, FLOAT4, FLOAT8, BPCHAR, VARCHAR, DATE, TIMESTAMP, TIMESTAMPTZ}
    | {NUMERIC, UUID}
)

# How ADBC's arithmetic shifts PostgreSQL's infinities: values that no real date has.
INFINITE = {
    -2147472692: "infinity",
    -2147472691: "-infinity",
    -9222425352054775809: "infinity",
    -9222425352054775808: "-infinity",
}


@dataclass(frozen=True)
class Column:
    """A result's column as the server describes it, and its values once they are here."""

    name: str
    oid: int
    typmod: int = -1
    enum: bool = False
    values: Any = None  # a pyarrow Array, or a list of Python objects


def bulk_exact(columns: Iterable[Column]) -> bool:
    """Whether ADBC returns all of these types exactly."""
    return all(column.oid in BULK or column.enum for column in columns)


def exact_loaders(context: AdaptContext) -> None:
    """Make psycopg give the server's text for what its Python types cannot hold.

    Without this 'infinity' is an error and '1 mon' becomes 30 days.
    """
    from psycopg import errors as e
    from psycopg import pq
    from psycopg.abc import Buffer
    from psycopg.adapt import Loader

    def exact(oid: int) -> type[Loader]:
        assert context.adapters is not None
        inner: Any = context.adapters.get_loader(oid, pq.Format.TEXT)

        class Exact(Loader):
            def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
                super().__init__(oid, context)
                self._load = inner(oid, context).load

            def load(self, data: Buffer) -> Any:
                if oid == INTERVAL and any(unit in bytes(data) for unit in (b"mon", b"year")):
                    return bytes(data).decode()
                try:
                    return self._load(data)
                except (e.DataError, ValueError, OverflowError):
                    return bytes(data).decode()

        return Exact

    assert context.adapters is not None
    for oid in (DATE, TIME, TIMESTAMP, TIMESTAMPTZ, INTERVAL):
        context.adapters.register_loader(oid, exact(oid))


def columns_from_rows(described: Sequence[Column], rows: Sequence[Sequence[Any]]) -> list[Column]:
    """psycopg's rows as columns."""
    import pyarrow as pa

    turned: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [() for _ in described]
    columns = []
    for column, values in zip(described, turned, strict=True):
        listed: Any = list(values)
        kind = _arrow_type(column)
        if kind is not None and not any(isinstance(value, str) for value in listed if not _texty(column)):
            try:
                listed = pa.array(listed, kind, from_pandas=False)
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
                listed = list(values)  # NaN in a numeric, an overlong decimal
        columns.append(Column(column.name, column.oid, column.typmod, column.enum, listed))
    return columns


def columns_from_arrow(described: Sequence[Column], table: pa.Table) -> list[Column]:
    """ADBC's table as columns: numeric from its text, infinities and enums set right."""
    columns = []
    for column, chunked in zip(described, table.columns, strict=True):
        values = _arrow_exact(column, chunked.combine_chunks())
        columns.append(Column(column.name, column.oid, column.typmod, column.enum, values))
    return columns


def _arrow_exact(column: Column, array: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(array, pa.ChunkedArray):  # what combine_chunks gives for no rows at all
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if column.oid in (DATE, TIMESTAMP, TIMESTAMPTZ):
        numbers = array.cast(pa.int32()) if column.oid == DATE else array.view(pa.int64())
        bounds = (-719162, 2932896) if column.oid == DATE else (-62135596800000000, 253402300799999999)
        outside = pc.or_(pc.less(numbers, bounds[0]), pc.greater(numbers, bounds[1]))
        if pc.any(outside).as_py():
            return _datetimes(column, array, numbers)
        return array
    storage = array.storage if isinstance(array, pa.ExtensionArray) else array
    if column.oid == NUMERIC:
        kind = _arrow_type(column)
        if kind is not None:
            try:
                return storage.cast(kind)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                pass  # NaN
        from decimal import Decimal

        return [None if value is None else Decimal(value) for value in storage.to_pylist()]
    if column.oid == UUID:
        return array.to_pylist()
    if column.enum and pa.types.is_binary(storage.type):
        return storage.cast(pa.string())
    return storage


def _datetimes(column: Column, array: Any, numbers: Any) -> list[Any]:
    from datetime import UTC, date, datetime, timedelta

    out: list[Any] = []
    for value in numbers.to_pylist():
        if value is None:
            out.append(None)
        elif value in INFINITE:
            out.append(INFINITE[value])
        elif column.oid == DATE:
            out.append(
                date(1970, 1, 1) + timedelta(days=value)
                if -719162 <= value <= 2932896
                else _far(value * 86400)
            )
        elif -62135596800000000 <= value <= 253402300799999999:
            base = datetime(1970, 1, 1, tzinfo=UTC if column.oid == TIMESTAMPTZ else None)
            out.append(base + timedelta(microseconds=value))
        else:
            out.append(_far(value // 1_000_000, value % 1_000_000, column.oid == TIMESTAMPTZ))
    return out


def _far(seconds: int, micros: int | None = None, zone: bool = False) -> str:
    """A moment outside of Python's years, in the words of PostgreSQL."""
    days, rest = divmod(seconds, 86400)
    year, month, day = _civil(days)
    era = ""
    if year <= 0:
        year, era = 1 - year, " BC"
    text = f"{year:04d}-{month:02d}-{day:02d}"
    if micros is not None:
        fraction = f".{micros:06d}".rstrip("0") if micros else ""
        text += f" {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}{fraction}" + (
            "+00" if zone else ""
        )
    return text + era


def _civil(days: int) -> tuple[int, int, int]:
    # Days since 1970-01-01 as a date of the proleptic Gregorian calendar, for any year (numpy knows no BC
    # names).
    import numpy as np

    text = str(np.datetime64(days, "D"))
    sign = -1 if text.startswith("-") else 1
    year, month, day = text.lstrip("-").split("-")
    return sign * int(year), int(month), int(day)


def _texty(column: Column) -> bool:
    return column.enum or column.oid in (TEXT, VARCHAR, BPCHAR, NAME)


def _arrow_type(column: Column) -> Any:
    """The Arrow type that holds the column exactly, or None: then Python objects do."""
    import pyarrow as pa

    simple = {
        BOOL: pa.bool_(),
        INT2: pa.int16(),
        INT4: pa.int32(),
        INT8: pa.int64(),
        FLOAT4: pa.float32(),
        FLOAT8: pa.float64(),
        BYTEA: pa.binary(),
        DATE: pa.date32(),
        TIMESTAMP: pa.timestamp("us"),
        TIMESTAMPTZ: pa.timestamp("us", "UTC"),
    }
    if column.oid in simple:
        return simple[column.oid]
    if _texty(column):
        return pa.string()
    if column.oid == NUMERIC and column.typmod >= 4:
        # Precision and scale as numeric's typmod packs them; a negative or an overlong scale has no Arrow
        # type.
        precision, scale = ((column.typmod - 4) >> 16) & 0xFFFF, (column.typmod - 4) & 0x7FF
        if scale <= precision <= 38:
            return pa.decimal128(precision, scale)
    return None


def to_frame(columns: Sequence[Column]) -> pd.DataFrame:
    """The columns as a DataFrame: same names (twice, where they come twice), exact dtypes.

    Whole numbers and booleans are nullable only where NULLs are in them; numeric(p,s) and date are Arrow's,
    numeric without a precision is decimal.Decimal.
    """
    import pandas as pd

    if not columns:
        return pd.DataFrame()
    frame = pd.concat([_series(column) for column in columns], axis=1)
    frame.columns = pd.Index([column.name for column in columns], dtype="str")
    return frame


def _series(column: Column) -> pd.Series[Any]:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    if isinstance(column.values, pa.Array):
        return pd.Series(_extension_array(column.values), copy=False)
    # One by one, or numpy makes a table of values that are lists.
    objects = np.empty(len(column.values), dtype=object)
    for at, value in enumerate(column.values):
        objects[at] = value
    return pd.Series(objects, dtype=object)


def _extension_array(values: Any) -> Any:
    import pandas as pd
    import pyarrow as pa

    kind = values.type
    if pa.types.is_decimal(kind) or pa.types.is_date(kind):
        return pd.array(values, dtype=pd.ArrowDtype(kind))
    if pa.types.is_string(kind):
        text: Any = pd.StringDtype("pyarrow", na_value=float("nan"))
        return text.__from_arrow__(values)
    if values.null_count and (
        pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_floating(kind)
    ):
        nullable: dict[str, Any] = {
            "bool": pd.BooleanDtype(),
            "int16": pd.Int16Dtype(),
            "int32": pd.Int32Dtype(),
            "int64": pd.Int64Dtype(),
            "float": pd.Float32Dtype(),
            "double": pd.Float64Dtype(),
        }
        return nullable[str(kind)].__from_arrow__(values)
    return values.to_pandas(date_as_object=False).array


def to_arrow(columns: Sequence[Column]) -> pa.Table:
    """The columns as a pyarrow Table; what Arrow has no type for is text."""
    import pyarrow as pa

    arrays = [
        column.values
        if isinstance(column.values, pa.Array)
        else pa.array([None if v is None else str(v) for v in column.values], pa.string())
        for column in columns
    ]
    return pa.Table.from_arrays(arrays, names=[column.name for column in columns])


def to_rows(columns: Sequence[Column]) -> list[tuple[Any, ...]]:
    """The columns as tuples of Python values."""
    import pyarrow as pa

    lists = [
        column.values.to_pylist() if isinstance(column.values, pa.Array) else column.values
        for column in columns
    ]
    return list(zip(*lists, strict=True))
