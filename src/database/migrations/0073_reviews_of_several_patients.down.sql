-- Earlier versions reject these rows and do not know the chosen Patient.
delete from import_reviews where candidates is not null;
alter table import_reviews drop column chosen, drop column candidates;
