alter table imports drop column corrections;
