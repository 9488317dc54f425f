delete from memberships where external;
alter table memberships drop external;
drop index accounts_external;
alter table accounts drop external_issuer, drop external_subject, drop external_at;
