CREATE FUNCTION liveness_internal.liveness_dump_rows_of(member regclass)
RETURNS void AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION liveness_internal.liveness_dump_rows_of(regclass) IS 'Has pg_dump dump the rows of a table that belongs to the extension';
