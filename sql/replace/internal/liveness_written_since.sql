-- A node that is not named was added since, so that all of its rows are new there.
CREATE FUNCTION liveness_internal.liveness_written_since(written_by xid, seen jsonb)
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION liveness_internal.liveness_written_since(xid, jsonb) IS 'Is the transaction that wrote a row none of those before the one seen on this node?';
