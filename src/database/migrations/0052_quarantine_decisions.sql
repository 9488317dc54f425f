-- What somebody decided about a group of quarantined instances. The decision is committed before the archive is asked to do
-- anything, so that whoever finds it after a crash can finish it, and no transaction is open while the archive works.
create table quarantine_decisions (
  id uuid primary key default gen_random_uuid(),
  -- No reference: the group goes when its last instance does, the record of the decision stays.
  quarantine uuid not null,
  decision text not null check (decision in ('accept', 'discard', 're-identify')),
  new_patient_id text,
  new_issuer text,
  new_uids boolean not null default false,
  state text not null default 'open' check (state in ('open', 'done', 'refused')),
  instances integer not null default 0,
  -- Which process carries it out, until when unless it says so again; another takes over what is left after that.
  holder uuid not null,
  held_until timestamptz not null,
  decided_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz
);
-- Of two people who decide at once, one wins.
create unique index quarantine_decisions_open on quarantine_decisions (quarantine) where state = 'open';

-- The open decision about an instance: it is neither shown by itself nor decided about again until that has ended.
alter table quarantined add column decision uuid references quarantine_decisions;
create index quarantined_decision on quarantined (decision, orthanc_id) where decision is not null;
