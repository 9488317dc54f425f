alter table rebuilds drop column refreshed;
drop table archive_listing;
drop table sweep;
alter table instances drop column file_uuid;
