-- Last of all
INSERT INTO liveness_internal.liveness_dump_known
	SELECT d.relation, d.phase, d.rank, d.statement, d.undo
	FROM liveness_internal.liveness_table_details() d
	WHERE NOT EXISTS (SELECT FROM liveness_internal.liveness_dump_known k WHERE k.statement OPERATOR(pg_catalog.=) d.statement);
DELETE FROM liveness_internal.liveness_dump_known WHERE phase OPERATOR(pg_catalog.=) 'site';
