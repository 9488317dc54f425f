-- Two files are the same instance if they have the same transfer syntax and the same data set. This column is compared with the copy that
-- an interrupted STOW request left in the archive. Older reservations have null.
alter table pending add column transfer_syntax text;
