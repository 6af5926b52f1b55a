-- Last of all
INSERT INTO liveness_internal.liveness_dump_known SELECT d.relation, d.phase, d.rank, d.statement, d.undo FROM liveness_internal.liveness_table_details() d;
