#!/usr/bin/env python3
"""Creates the table of weekly offers, offers.parquet, from promotions.parquet of The Complete Journey.

    pip install pyarrow
    python scripts/complete_journey_offers.py FOLDER

One row per week and product on that week's mailer, with numbers for the strength of the promotion: in how many stores
it is on the mailer, on its front page, on its back page, and on a display.
"""

import datetime
import pathlib
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FRONT, BACK = ["D", "H", "Z"], ["F", "L"]


def main(folder: pathlib.Path) -> None:
    columns = ["product_id", "week", "mailer_location", "display_location"]
    promotions = pq.read_table(folder / "promotions.parquet", columns=columns)
    mailer = promotions["mailer_location"]
    count = lambda condition: pc.cast(condition, pa.int32())
    table = pa.table({
        "product_id": pc.cast(promotions["product_id"], pa.int64()),
        "week": pc.cast(promotions["week"], pa.int32()),
        "mailer_stores": count(pc.not_equal(mailer, "0")),
        "front_page_stores": count(pc.is_in(mailer, pa.array(FRONT))),
        "back_page_stores": count(pc.is_in(mailer, pa.array(BACK))),
        "display_stores": count(pc.not_equal(promotions["display_location"], "0")),
    })
    numbers = table.column_names[2:]
    offers = table.group_by(["week", "product_id"]).aggregate([(name, "sum") for name in numbers])
    offers = offers.filter(pc.greater(offers["mailer_stores_sum"], 0)).sort_by([("week", "ascending"), ("product_id", "ascending")])
    # Week 1 ends on Monday 2 January 2017 at 5 in the morning; each further week has seven days.
    end = [datetime.datetime(2017, 1, 2, 5) + datetime.timedelta(weeks=week - 1) for week in offers["week"].to_pylist()]
    begin = [time - datetime.timedelta(weeks=1) for time in end]
    ids = [f"{week:02}-{product}" for week, product in zip(offers["week"].to_pylist(), offers["product_id"].to_pylist())]
    made = pa.table({
        "offer_id": ids,
        "item_id": offers["product_id"],
        "valid_from": pa.array(begin, pa.timestamp("ms")),
        "valid_to": pa.array(end, pa.timestamp("ms")),
        **{name: pc.cast(offers[f"{name}_sum"], pa.int32()) for name in numbers},
    })
    path = folder / "offers.parquet"
    pq.write_table(made, path, compression="zstd")
    print(f"{path}: {made.num_rows:,} rows, {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
