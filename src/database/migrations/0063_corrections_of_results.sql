-- Whether an import may correct results on the FHIR server that have another value. Imports of earlier versions did not ask for it.
alter table imports add column corrections text not null default 'reject' check (corrections in ('reject', 'amend'));
