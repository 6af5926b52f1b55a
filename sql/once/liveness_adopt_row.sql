CREATE TYPE liveness_adopt_row AS (
	adopted regclass,
	rows bigint
);
COMMENT ON TYPE liveness_adopt_row IS 'Row of liveness_adopt';
COMMENT ON COLUMN liveness_adopt_row.adopted IS 'Table that got rows';
COMMENT ON COLUMN liveness_adopt_row.rows IS 'Number of rows that were copied, 0 or more';
