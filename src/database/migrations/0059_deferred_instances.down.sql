alter table archive_cursor drop column deferred;
