CREATE FUNCTION liveness_end_exclusion(id bigint, until timestamptz DEFAULT now())
RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	ended_at timestamptz := coalesce($2, now());
BEGIN
	IF NOT isfinite(ended_at) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'datetime_field_overflow',
			MESSAGE = format('an exclusion cannot end at %s', $2),
			HINT = 'Give the instant from which time counts again, for example now().';
	END IF;
	UPDATE @extschema@.provider_exclusions x
	SET until = ended_at
	WHERE x.id = $1 AND (x.until IS NULL OR x.until > ended_at);
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION liveness_end_exclusion(bigint, timestamptz) IS 'Ends an exclusion; false if there is none that goes on beyond that instant';
