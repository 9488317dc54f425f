alter table imports drop column sheet;
