CREATE FUNCTION survival_table(curve survival_curve, conf_level float8 DEFAULT 0.95, conf_type text DEFAULT 'log-log')
RETURNS SETOF survival_table_row
AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 100;
COMMENT ON FUNCTION survival_table(survival_curve, float8, text) IS 'A row for each distinct time of a curve: at risk, events, censored, S and its bounds';
