-- The numbers of the last changes of each kind. A database that was put back does not have those that were lost, and a
-- replica that knows one of them finds out, even if later changes have higher numbers.
CREATE TABLE lineage (
    market TEXT NOT NULL,
    kind TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (market, kind, version)
);

INSERT INTO lineage (market, kind, version) SELECT market, kind, version FROM versions;
