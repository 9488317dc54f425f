alter table import_chunks drop column plans;
