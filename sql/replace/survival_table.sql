CREATE FUNCTION survival_table(curve survival_curve, conf_level float8 DEFAULT 0.95, conf_type text DEFAULT 'log-log')
RETURNS TABLE ("time" float8, n_risk bigint, n_event bigint, n_censor bigint, survival float8, std_err float8, lower float8, upper float8)
AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 100;
COMMENT ON FUNCTION survival_table(survival_curve, float8, text) IS 'A row for each distinct time of a curve: at risk, events, censored, S and its bounds';
