-- A gateway that streams the progress of an import (src/imports/import.events.ts) reads the table when an event was added, and not on a timer.
create function notify_import_event() returns trigger language plpgsql as $$
begin
  perform pg_notify('import_event', new.import_id::text);
  return null;
end $$;

create trigger notify_import_event after insert on import_events
  for each row execute function notify_import_event();
