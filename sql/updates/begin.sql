-- What the site itself has made of the tables is not to be taken for the extension's: it
-- is marked until dump_known.sql.  What the site took away stays known.
INSERT INTO liveness_internal.liveness_dump_known
	SELECT d.relation, 'site', d.rank, d.statement, d.undo
	FROM liveness_internal.liveness_table_details() d
	WHERE NOT EXISTS (SELECT FROM liveness_internal.liveness_dump_known k WHERE k.statement OPERATOR(pg_catalog.=) d.statement);
DELETE FROM liveness_internal.liveness_dump_known k
	USING liveness_internal.liveness_table_details() d
	WHERE k.statement OPERATOR(pg_catalog.=) d.statement AND k.phase OPERATOR(pg_catalog.<>) 'site';
