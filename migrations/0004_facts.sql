-- What is known of the database itself: `identity` is drawn when it is made, and goes with every copy of it.
CREATE TABLE facts (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
