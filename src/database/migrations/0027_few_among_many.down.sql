drop index studies_image_modalities;
drop index memberships_account;
create index memberships_account on memberships (account_id);
drop index grants_group;
create index grants_group on grants (group_id);
