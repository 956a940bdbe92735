-- Limits that hold for all processes together, and what counts once. `who` and `digest` are keyed: no address and no
-- number of anybody is here. `full_us`: epoch microseconds at which the allowance is whole again; a row in the past says nothing.

create table allowance (
  name text not null,
  who text not null,
  full_us bigint not null,
  primary key (name, who)
);
create index allowance_by_end on allowance (full_us);

create table used_once (
  digest text primary key,
  until_ms bigint not null
);
create index used_once_by_end on used_once (until_ms);

-- Somebody without an account asks by the agency's own number.
create index leg_by_reference on leg (agency_reference) where agency_reference <> '';
