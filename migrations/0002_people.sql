-- Clicks and purchases that name a recommendation: of each only the first counts, by the client's own id.
CREATE TABLE events (
    market TEXT NOT NULL,
    id TEXT NOT NULL,
    recommendation TEXT NOT NULL,
    kind TEXT NOT NULL,
    item TEXT NOT NULL,
    received BIGINT NOT NULL,
    PRIMARY KEY (market, id)
);

CREATE INDEX events_received ON events (received);

-- Customers who are not to be known any more, by the BLAKE3 hash of their IDs.
CREATE TABLE erased (
    market TEXT NOT NULL,
    customer TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (market, customer)
);
