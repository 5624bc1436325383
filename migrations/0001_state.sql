-- What was pushed to the service. The same text runs on SQLite and on PostgreSQL.

-- How often something of a kind was pushed for a market; a change takes its number in the same transaction.
CREATE TABLE versions (
    market TEXT NOT NULL,
    kind TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (market, kind)
);

-- The last word on each item, with the number of the change that brought it.
CREATE TABLE stock (
    market TEXT NOT NULL,
    item TEXT NOT NULL,
    in_stock BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (market, item)
);

CREATE INDEX stock_version ON stock (market, version);

-- What is replaced as a whole: a market's offers, and its rules. JSON.
CREATE TABLE documents (
    market TEXT NOT NULL,
    kind TEXT NOT NULL,
    version BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (market, kind)
);
