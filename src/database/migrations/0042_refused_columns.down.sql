alter table imports drop column failure_columns;
