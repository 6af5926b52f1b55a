-- pg_dump dumps the rows of these tables and their privileges, as CREATE EXTENSION makes
-- the rest.  What that was is kept here.
CREATE TABLE liveness_internal.liveness_dump_known (
	relation text NOT NULL,
	phase text NOT NULL,
	rank int NOT NULL,
	statement text NOT NULL,
	undo text NOT NULL
);
COMMENT ON TABLE liveness_internal.liveness_dump_known IS 'What CREATE EXTENSION has made of the tables, as liveness_table_details() tells it: for liveness_dump_extras()';
COMMENT ON COLUMN liveness_internal.liveness_dump_known.relation IS 'The table';
COMMENT ON COLUMN liveness_internal.liveness_dump_known.phase IS 'pre-data: COPY needs it; post-data: the rest';
COMMENT ON COLUMN liveness_internal.liveness_dump_known.rank IS 'Order: a lower one first, 1 or more';
COMMENT ON COLUMN liveness_internal.liveness_dump_known.statement IS 'Makes it';
COMMENT ON COLUMN liveness_internal.liveness_dump_known.undo IS 'Takes it away';
