-- The last word on each item in a store, as far as it is newer than that on the item in the whole market.
CREATE TABLE store_stock (
    market TEXT NOT NULL,
    item TEXT NOT NULL,
    store TEXT NOT NULL,
    in_stock BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (market, item, store)
);

CREATE INDEX store_stock_version ON store_stock (market, version);

-- How often customers took one item in the place of another, and how often they refused it.
CREATE TABLE replacements (
    market TEXT NOT NULL,
    item TEXT NOT NULL,
    replacement TEXT NOT NULL,
    accepted BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (market, item, replacement)
);

CREATE INDEX replacements_version ON replacements (market, version);

-- Of which answers it is counted already: each counts once for a pair. As old as the events, and removed with them.
CREATE TABLE replacement_answers (
    market TEXT NOT NULL,
    recommendation TEXT NOT NULL,
    item TEXT NOT NULL,
    replacement TEXT NOT NULL,
    received BIGINT NOT NULL,
    PRIMARY KEY (market, recommendation, item, replacement)
);

CREATE INDEX replacement_answers_received ON replacement_answers (received);
