-- The same instance has the same transfer syntax and the same data set: what a cut-off STOW left in the archive is measured by both.
-- Empty of reservations that are older.
alter table pending add column transfer_syntax text;
