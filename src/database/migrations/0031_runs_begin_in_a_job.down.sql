alter table imports drop column again;
