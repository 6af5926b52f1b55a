-- A provider without a session is most likely a name written wrong, but maintenance may be
-- noted before a new machine connects.
CREATE FUNCTION liveness_exclude(provider_id text, since timestamptz, until timestamptz DEFAULT NULL, reason text DEFAULT '')
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	new_id bigint;
BEGIN
	IF $2 IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'not_null_violation',
			MESSAGE = 'since must not be NULL',
			HINT = 'Give the instant from which time is excluded, for example now(), or -infinity for the beginning.';
	END IF;
	IF $2 = 'infinity' OR $3 <= $2 THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('from %s until %s there is no time to exclude', $2, coalesce($3, 'infinity')),
			HINT = 'Give an until later than since, or NULL for an exclusion that goes on.';
	END IF;
	IF $1 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM @extschema@.provider_sessions s WHERE s.provider_id = $1) THEN
		RAISE NOTICE 'provider % has no session yet', quote_literal($1);
	END IF;
	INSERT INTO @extschema@.provider_exclusions AS x (provider_id, since, until, reason)
	VALUES ($1, $2, $3, coalesce($4, ''))
	RETURNING x.id INTO new_id;
	RETURN new_id;
END
$$;
COMMENT ON FUNCTION liveness_exclude(text, timestamptz, timestamptz, text) IS 'Notes time that counts neither as up nor as down, and returns the id of the exclusion';
