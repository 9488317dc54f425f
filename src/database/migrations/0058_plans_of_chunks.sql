-- The results of mapping the rows of a chunk, compressed and encrypted. The inspection stores them, and they are removed when the rows are
-- written. Each row is therefore mapped only once. If a chunk has no plans, its rows are mapped again.
alter table import_chunks add column plans bytea;
-- Encrypted bytes cannot be compressed.
alter table import_chunks alter column plans set storage external;
