"""Write data/SCHEMA.md from the schema in the code: `python data/make_schema.py`."""

from pathlib import Path

from coupon_rec.market.schema import OPTIONAL_TABLES, REFERENCES, SCHEMAS

SCHEMA_MD = Path(__file__).parent / "SCHEMA.md"
INTRODUCTION = """\
# The schema of a market

This page is generated from the schema in `coupon_rec/market` by `python data/make_schema.py`.

A market is a folder with one file a table: `<table>.parquet` or `<table>.csv`.
`coupon_rec.load_market(folder)` reads it, makes it exact and validates it; it also takes a URI
that the engine reads (`s3://...`), or a mapping of names to Ibis tables. Tests read `file://`
and `memory://` addresses; `s3://` takes DuckDB's extension httpfs and has not been tried. Anything
that breaks a rule below raises a `MarketError` that names the table, the column and the number of
rows, shows up to five of them, and says how to fix it. All problems are reported at once.
The folder `data/sample` is a small example. A folder of schema 1 loads as it is, and
[UPGRADING.md](UPGRADING.md) says what is read differently.

- Columns may be in any order.
- Columns of your own are kept, and go into the offers table under their names, if they are named
  `user_...` in `users` or `coupon_...` in `coupons` and hold numbers, true or false, text, or
  lists of numbers. In a CSV file a column is what all of its values are: numbers, true and false,
  lists such as `"[0.5, 1]"`, or else text. Any other column is ignored, with a warning. A model
  reads those of the offers table unless told otherwise: give no label such a name.
- Other Parquet or CSV files in the folder are an error.
- All offers of a mailing have one `mailing_propensity`, and propensities allow for as many offers
  as there are.
- Identifiers are whole numbers from 0 to 2^53 - 1, or text: each of them the one or the other in
  all tables. Where one number is negative or larger, as a hash of 64 bits may be, all of its kind
  are taken for text, since a reader of JSON, such as a client of the service, would lose digits.
- Text is numbered, so that all that follows has whole numbers; `Market.identifiers` holds the
  numbers, and `Market.named` gives a frame its text back. `Market.write` stores both, in
  `identifiers.parquet`. The numbers change when a user is added, so files of offers, of scores and
  of choices, as the commands `features`, `score` and `allocate` write them, have the text.
- A value is converted to the type of its column where that loses nothing
  (1.0 to 1, the text "2017-03-01" to a date); anything else is an error.
  A time of day is cut from a date. A time with a time zone or an offset is refused: write
  local time.
- CSV files are UTF-8 text, separated by commas, with the names in the first line; dates and times
  are written as 2017-03-01 and 2017-03-01 18:30:00; an empty field is a missing value.
- A missing value is filled with the default of its column, where the column has one, and is an
  error where it has none. A column that is marked optional may be left out altogether; if it has
  no default, values may be missing as well, and nothing is put in their place.
- Text with a default is read without the blanks around it; where nothing is left, it is missing.
- Money is in one currency throughout, the one that the results will be in.
- A file without rows is an error; leave out an optional table that would have none.

## What decisions count with

The offers table says for each offer, in columns that no model reads:

- `discount`, what a redemption takes off: the first that is known of `offers.face_value` or
  `offers.depth`, `coupons.face_value`, and `coupons.depth`. A depth is taken of the mean list
  price of the items that the coupon covers on the campaign's first day: `prices.list_price`, else
  what tills took in the last 56 days before discounts.
- Where no term is known, history: the mean of all earlier purchase lines with a coupon
  (`purchases.coupon_discount`) on the coupon's items, shrunk to that of its main
  `items.category`, of its main `items.department`, and of all lines; 1.00 where there is no line.
- `discount_from`, which of these it was, and `discount_error`, how far a line with a coupon is from
  the mean of all such lines, in the mean; 0 for terms.
- `spend_per_line`, what one purchase of the coupon's items brings: `purchases.amount` a line of the
  last 56 days, else the list price; `coupons.minimum` at least.
- `margin` of these items, from `prices.unit_cost`, and `coupons.shop_share`. Where they are
  missing, `Economics` says what to assume, and the commands' `--margin` and `--retailer-match`.
"""


def schema_markdown() -> str:
    """The whole page."""
    sections = [INTRODUCTION]
    for name, schema in SCHEMAS.items():
        optional = " (optional)" if name in OPTIONAL_TABLES else ""
        key = f"Key, unique: {', '.join(schema.unique)}." if schema.unique else "No key."
        lines = [f"## {name}{optional}", "", f"{schema.description} {key}", ""]
        lines += [
            "| column | type | meaning | default | checked |",
            "| --- | --- | --- | --- | --- |",
        ]
        for column, wanted in schema.columns.items():
            default = "" if wanted.default is None else f"`{wanted.default}`, "
            default += "" if wanted.required else "optional"
            dtype = "int64 or text" if column.endswith("_id") else wanted.dtype
            rules = [check.name for check in wanted.checks]
            rules += [
                f"in `{rule.target}`"
                + (f" with {' and '.join(rule.columns[:-1])}" if rule.columns[1:] else "")
                for rule in REFERENCES
                if rule.table == name and rule.columns[-1] == column
            ]
            if (name, column) == ("redemptions", "date"):
                rules.append("within the campaign's first and last day")
            if (name, column) == ("holdouts", "user_id"):
                rules.append("not offered the same")
            rest = (wanted.description, default.removesuffix(", "), "; ".join(rules))
            cells = (column, dtype, *rest)
            lines.append("| " + " | ".join(map(str, cells)) + " |")
        lines += [f"\nRefused: {check.title}." for check in schema.checks]
        sections.append("\n".join(lines) + "\n")
    return "\n".join(sections)


if __name__ == "__main__":
    SCHEMA_MD.write_text(schema_markdown(), encoding="utf-8")
