alter table instances drop column irregular;
