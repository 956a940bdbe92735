-- Under whose key the sealed columns of a case, its operations and a document are: the name the row has for its citizen,
-- or that of a key of its own where nobody is named. Empty: under the vault's, as before; `aggregator reseal` ends that.

alter table cases add column sealed_for text not null default '';
alter table operation add column sealed_for text not null default '';
alter table document add column sealed_for text not null default '';
update cases set sealed_for = citizen_id;
update operation set sealed_for = coalesce((select c.sealed_for from cases c where c.id = operation.case_id), '');
update document set sealed_for = citizen_id;
