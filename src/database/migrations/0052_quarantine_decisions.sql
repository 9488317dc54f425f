-- Decisions about groups of quarantined instances. A decision is committed before the gateway changes the archive. After a crash, any
-- gateway can therefore finish it, and no transaction is open during a call to Orthanc.
create table quarantine_decisions (
  id uuid primary key default gen_random_uuid(),
  -- No foreign key, because the group is deleted together with its last instance, and the decision is kept.
  quarantine uuid not null,
  decision text not null check (decision in ('accept', 'discard', 're-identify')),
  new_patient_id text,
  new_issuer text,
  new_uids boolean not null default false,
  state text not null default 'open' check (state in ('open', 'done', 'refused')),
  instances integer not null default 0,
  -- `holder` is the process that applies the decision. It must extend `held_until` before this time is reached. Otherwise another process
  -- takes over the remaining instances.
  holder uuid not null,
  held_until timestamptz not null,
  decided_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz
);
-- If two people decide at the same time, only the first decision is accepted.
create unique index quarantine_decisions_open on quarantine_decisions (quarantine) where state = 'open';

-- The open decision about an instance. Until it has ended, the instance is not shown and gets no other decision.
alter table quarantined add column decision uuid references quarantine_decisions;
create index quarantined_decision on quarantined (decision, orthanc_id) where decision is not null;
