drop table waiting_words, terms, import_events, import_writes, import_rows, import_chunks, imports, mappings;
