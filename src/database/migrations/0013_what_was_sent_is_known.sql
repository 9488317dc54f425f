-- What of the bundle under way was about to be sent when the process was last heard of: per row what is created (by its key) and what is
-- updated (from which version), so that it is told as this import's work, and can be undone, though the answer was lost.
alter table import_chunks add column sent jsonb not null default '{}';
update import_chunks set sent = (select jsonb_object_agg(row, '[{"kind": "Patient"}]'::jsonb) from unnest(creating) row)
  where creating <> '{}';
alter table import_chunks drop column creating;
