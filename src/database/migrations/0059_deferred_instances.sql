-- Orthanc ids of instances that the watcher has read from the change feed but could not insert yet. The position moves past these instances,
-- so the next watcher needs their ids after a crash. The list is empty at first. A sweep finds instances that an earlier version missed.
alter table archive_cursor add column deferred text[] not null default '{}';
