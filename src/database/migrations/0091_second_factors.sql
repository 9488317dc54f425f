-- Second factors of people: TOTP secrets (encrypted under MASTER_KEY) and passkeys. A row without confirmed_at is an enrolment in progress.
create table second_factors (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references accounts on delete cascade,
  kind text not null check (kind in ('totp', 'passkey')),
  name text not null,
  created_at timestamptz not null default now(),
  confirmed_at timestamptz,
  last_used_at timestamptz,
  secret_sealed bytea,
  -- The last accepted time step. A code of this step or an earlier one is refused.
  last_step bigint,
  -- The challenge of a passkey registration in progress.
  registration_challenge text,
  credential_id text unique,
  public_key bytea,
  sign_count bigint not null default 0,
  transports text[] not null default '{}',
  check (kind <> 'totp' or secret_sealed is not null),
  check (kind <> 'passkey' or confirmed_at is null or (credential_id is not null and public_key is not null))
);
create index second_factors_account on second_factors (account_id);
create index second_factors_in_progress on second_factors (created_at) where confirmed_at is null;

create table recovery_codes (
  account_id uuid not null references accounts on delete cascade,
  code_hash bytea not null,
  used_at timestamptz,
  primary key (account_id, code_hash)
);

-- Sign-ins that have the right password and wait for the second factor.
create table sign_in_challenges (
  token_hash bytea primary key,
  account_id uuid not null references accounts on delete cascade,
  -- The SHA-256 of the stored password hash that the password matched. A change of the password ends the challenge.
  password_mark bytea not null,
  -- A challenge with this flag can only enrol the first factor.
  enrols boolean not null,
  -- Whether the sign-in opens a browser session.
  session boolean not null,
  passkey_challenge text,
  -- The factor that the sign-in enrols.
  enrolment_id uuid references second_factors on delete set null,
  attempts integer not null default 0,
  created_at timestamptz not null default now()
);
create index sign_in_challenges_account on sign_in_challenges (account_id, created_at);
create index sign_in_challenges_age on sign_in_challenges (created_at);

alter table groups add requires_second_factor boolean not null default false;
alter table sessions add signed_in_by text not null default 'password'
  check (signed_in_by in ('password', 'second-factor', 'external'));
alter table token_families add signed_in_by text not null default 'password'
  check (signed_in_by in ('password', 'second-factor', 'external'));
update sessions set signed_in_by = 'external' from accounts a
  where a.id = account_id and a.external_subject is not null and a.password_hash is null;
