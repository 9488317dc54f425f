drop index import_rows_about;
alter table import_rows drop column about, drop column decided;
update imports set status = 'undone', finished_at = null where undoing is not null;
alter table imports drop column undoing;
