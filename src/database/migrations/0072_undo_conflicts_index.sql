-- Each progress answer lists the writes that an undo kept. Without this index, PostgreSQL reads all writes of the import for each answer.
create index import_writes_kept on import_writes (import_id, id) where undone = false;
