CREATE FUNCTION survival_plot(curve survival_curve, width int DEFAULT 72, height int DEFAULT 16, horizon float8 DEFAULT NULL)
RETURNS SETOF text AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 18;
COMMENT ON FUNCTION survival_plot(survival_curve, int, int, float8) IS 'The curve at a glance, drawn in characters';
