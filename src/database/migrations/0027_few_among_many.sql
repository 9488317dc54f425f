-- With these indexes, PostgreSQL finds a few visible studies, and the few grants of one account, without reading whole tables.
create index studies_image_modalities on studies (image_modalities);
drop index memberships_account;
create index memberships_account on memberships (account_id) include (group_id);
drop index grants_group;
create index grants_group on grants (group_id)
  include (until, rights, scope_kind, study_uid, issuer, patient_id, institution, modality);
