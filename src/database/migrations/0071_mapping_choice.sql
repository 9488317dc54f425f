-- An upload need not name its mapping. The inspection of the file then chooses the mapping, or a person does. `mapping` is null until then.
alter table imports alter column mapping drop not null;
alter table imports
  -- Who chose the mapping: the upload (`named`), the columns of the file, an earlier list with the same columns, or a person. `open` means
  -- that nobody has chosen yet. In earlier versions, each upload had a mapping.
  add column mapping_choice text not null default 'named'
    check (mapping_choice in ('named', 'open', 'columns', 'earlier', 'person')),
  -- The proposed mapping and the preview, encrypted. They are set only while the status is needs_mapping. Every gateway can read them here.
  -- The file itself is on the disk of only one gateway.
  add column proposal bytea,
  add column proposed_at timestamptz,
  add constraint imports_mapping_chosen check (mapping is not null or mapping_choice = 'open'),
  add constraint imports_proposal_state check ((status = 'needs_mapping') = (proposal is not null)),
  drop constraint imports_status_check,
  add constraint imports_status_check check (status in
    ('inspecting', 'needs_mapping', 'rehearsed', 'queued', 'running', 'completed', 'completed_with_errors', 'cancelled', 'failed', 'undone'));
-- The same file is found again, whichever mapping was chosen.
create index imports_sha256 on imports (sha256);
create index imports_proposed on imports (proposed_at) where status = 'needs_mapping';
