drop table holds;
alter table rejections drop column purge_requested_by, drop column purge_requested_at, drop column purging_at;
