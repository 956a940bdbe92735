-- 1: a restore has forgotten how often this was sent; a refusal is the answer to one of those sends alone.
alter table operation add column sends_unknown bigint not null default 0;
