CREATE AGGREGATE liveness_internal.liveness_running_since(connected_at timestamptz, disconnected_at timestamptz, disconnect_reason text, as_of timestamptz,
	known_at timestamptz, spell_since timestamptz, spell_until timestamptz, spell_failed boolean, fingerprint bigint) (
	SFUNC = liveness_internal.liveness_running_since_transfn,
	STYPE = internal,
	FINALFUNC = liveness_internal.liveness_running_since_final,
	SSPACE = 256,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE liveness_internal.liveness_running_since(timestamptz, timestamptz, text, timestamptz, timestamptz, timestamptz, timestamptz, boolean, bigint) IS 'When the spell of a provider began that goes on as of an instant';
