CREATE FUNCTION liveness_internal.liveness_in_transaction_block()
RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION liveness_internal.liveness_in_transaction_block() IS 'Is this session inside a transaction block, where a procedure cannot COMMIT?';
