-- The number that the shop gave to what is replaced as a whole; NULL if it never gave one.
ALTER TABLE documents ADD COLUMN sequence BIGINT;
