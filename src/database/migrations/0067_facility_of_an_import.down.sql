alter table imports drop column facility;
