-- Under which event of the log a look's line is, so that a report of a breach can prove each line it shows.

alter table access_record add column event_seq bigint not null default 0;
create index access_record_by_event on access_record (event_seq);
