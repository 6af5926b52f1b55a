CREATE TYPE survival_table_row AS (
	"time" float8,
	n_risk bigint,
	n_event bigint,
	n_censor bigint,
	survival float8,
	std_err float8,
	lower float8,
	upper float8
);
COMMENT ON TYPE survival_table_row IS 'Row of survival_table';
COMMENT ON COLUMN survival_table_row."time" IS 'Time, in the unit of the durations, 0 or more';
COMMENT ON COLUMN survival_table_row.n_risk IS 'Number at risk just before, 0 or more';
COMMENT ON COLUMN survival_table_row.n_event IS 'Events at this time, 0 or more';
COMMENT ON COLUMN survival_table_row.n_censor IS 'Observations censored at this time, 0 or more';
COMMENT ON COLUMN survival_table_row.survival IS 'S: share that lasts longer, 0 to 1';
COMMENT ON COLUMN survival_table_row.std_err IS 'Standard error of S (Greenwood), 0 or more; NULL: S is 0';
COMMENT ON COLUMN survival_table_row.lower IS 'Lower bound of S, 0 to 1; NULL: there is none';
COMMENT ON COLUMN survival_table_row.upper IS 'Upper bound of S, 0 to 1; NULL: there is none';
