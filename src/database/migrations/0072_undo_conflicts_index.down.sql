drop index import_writes_kept;
