-- When the sealed rows of an old import were removed; what became of them, and what was written, stays.
alter table imports add column forgotten_at timestamptz;
