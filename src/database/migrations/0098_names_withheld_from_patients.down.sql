drop trigger keep_name_withheld on accounts;
drop function keep_name_withheld();
drop table withheld_names;
alter table accounts drop column name_withheld;
alter table accounts drop column organisation;
