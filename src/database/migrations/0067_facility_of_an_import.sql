-- The URI of the facility that sent the list. It is part of the systems of identifiers that are unique only within a facility. Null for
-- imports of earlier versions, and for accounts without an issuer.
alter table imports add column facility text;
