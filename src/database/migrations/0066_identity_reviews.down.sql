alter table import_rows drop column person;
drop table import_review_rows;
drop table import_reviews;
