-- Whether the hash of a customer is keyed with a secret that is not in the database. One that is not is keyed when it is read.
ALTER TABLE erased ADD COLUMN keyed BIGINT NOT NULL DEFAULT 0;
