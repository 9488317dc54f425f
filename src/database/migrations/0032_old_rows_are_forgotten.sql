-- When the encrypted rows of an old import were removed. The outcomes of the rows and the list of written resources are kept.
alter table imports add column forgotten_at timestamptz;
