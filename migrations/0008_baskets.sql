-- Baskets that the shop pushed: of each id only the first counts. One that was cancelled stays as a row without
-- lines, so that it does not come back. `bought` and `received` are Unix seconds, `lines` is JSON, and
-- `hash` is that of the customer, as in `erased`; both are NULL for a basket without a customer.
CREATE TABLE baskets (
    market TEXT NOT NULL,
    id TEXT NOT NULL,
    customer TEXT,
    hash TEXT,
    bought BIGINT NOT NULL,
    cancelled BIGINT NOT NULL,
    received BIGINT NOT NULL,
    version BIGINT NOT NULL,
    lines TEXT NOT NULL,
    PRIMARY KEY (market, id)
);

CREATE INDEX baskets_version ON baskets (market, version);

CREATE INDEX baskets_bought ON baskets (market, bought);

CREATE INDEX baskets_hash ON baskets (market, hash);

-- Items that customers do not want to be shown, and when they last said so. As old as the events, and removed with them.
CREATE TABLE dismissals (
    market TEXT NOT NULL,
    customer TEXT NOT NULL,
    hash TEXT NOT NULL,
    item TEXT NOT NULL,
    received BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (market, customer, item)
);

CREATE INDEX dismissals_version ON dismissals (market, version);

CREATE INDEX dismissals_hash ON dismissals (market, hash);

CREATE INDEX dismissals_received ON dismissals (received);
