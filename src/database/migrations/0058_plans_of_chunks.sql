-- What the inspection made of the rows of a chunk, compressed and sealed, until the rows are written: each row is mapped once. A chunk
-- without plans is mapped again from its rows.
alter table import_chunks add column plans bytea;
-- Sealed bytes cannot be compressed.
alter table import_chunks alter column plans set storage external;
