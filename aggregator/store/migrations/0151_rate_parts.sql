-- Which part of every agency's max_rps each process holds, in 720720ths of the whole: no two of them overlap. `beat`
-- moves whenever the worker looked, as long as it is not alone. The row '' is locked first by whoever changes any row.
create table rate_part (
  worker text primary key,
  low bigint not null,
  high bigint not null,
  beat bigint not null
);
insert into rate_part (worker, low, high, beat) values ('', 0, 0, 0);
-- One call a second (or every 1 / max_rps seconds) that lies across the parts of several processes: whose turn it is.
-- `next_us`: epoch microseconds by the database's clock, when it is free again.
create table rate_turn (
  agency text not null,
  unit bigint not null,
  next_us bigint not null,
  primary key (agency, unit)
);
