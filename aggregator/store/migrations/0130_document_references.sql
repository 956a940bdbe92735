-- A document may come from the authority that issued it: which one, under which reference (it tells of a person: sealed),
-- by which request of ours, and by whose leave. Empty for an upload.

alter table document add column issuer text not null default '';
alter table document add column reference_sealed text not null default '';
alter table document add column request_reference text not null default '';
alter table document add column consent_id text not null default '';
