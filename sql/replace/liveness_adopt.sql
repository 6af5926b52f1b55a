-- A type may be another where PostgreSQL turns it into ours by itself and whatever
-- the settings: int and varchar, but not timestamp, which the time zone would bend.
CREATE FUNCTION liveness_adopt(sessions regclass, heartbeats regclass, exclusions regclass DEFAULT NULL)
RETURNS SETOF liveness_adopt_row
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET row_security = off
AS $$
DECLARE
	adopted regclass;
	source regclass;
	copied bigint;
	wrong record;
	others text;
	ours text;
	is_filled boolean;
	last_id bigint;
BEGIN
	FOR adopted, source IN
		VALUES ('@extschema@.provider_sessions'::regclass, sessions), ('@extschema@.provider_heartbeats'::regclass, heartbeats),
			('@extschema@.provider_exclusions'::regclass, exclusions)
	LOOP
		CONTINUE WHEN source IS NULL;
		EXECUTE format('LOCK TABLE %s IN SHARE MODE', source);
		EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', adopted);
		EXECUTE format('SELECT EXISTS (SELECT FROM %s)', adopted) INTO is_filled;
		IF is_filled THEN
			RAISE EXCEPTION USING
				ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('table %s is not empty', adopted),
				DETAIL = 'Ids of rows that were written since could be those of rows to be adopted.',
				HINT = 'Create the extension and call liveness_adopt() in one transaction.';
		END IF;

		SELECT t.attname AS name, format_type(t.atttypid, t.atttypmod) AS type, format_type(s.atttypid, s.atttypmod) AS found
		INTO wrong
		FROM pg_attribute t
		LEFT JOIN pg_attribute s ON s.attrelid = source AND s.attname = t.attname AND s.attnum > 0
		WHERE t.attrelid = adopted AND t.attnum > 0 AND NOT t.attisdropped
		AND s.atttypid IS DISTINCT FROM t.atttypid
		AND NOT EXISTS (
			SELECT FROM pg_cast c LEFT JOIN pg_proc p ON p.oid = c.castfunc
			WHERE c.castsource = s.atttypid AND c.casttarget = t.atttypid AND c.castcontext = 'i'
			AND (c.castmethod = 'b' OR p.provolatile = 'i'))
		ORDER BY t.attnum
		LIMIT 1;
		IF FOUND AND wrong.found IS NULL THEN
			RAISE EXCEPTION USING
				ERRCODE = 'undefined_column',
				MESSAGE = format('%s has no column %I, which is of type %s in %s', source, wrong.name, wrong.type, adopted),
				HINT = format('Add it with ALTER TABLE %s ADD COLUMN, or name a view that has it.', source);
		ELSIF FOUND THEN
			RAISE EXCEPTION USING
				ERRCODE = 'datatype_mismatch',
				MESSAGE = format('column %I of %s is of type %s, not %s', wrong.name, source, wrong.found, wrong.type),
				HINT = format('Change it with ALTER TABLE %s ALTER COLUMN %I TYPE %s USING ..., or name a view that casts it.', source, wrong.name, wrong.type);
		END IF;

		SELECT string_agg(quote_ident(t.attname), ', ' ORDER BY t.attnum) INTO ours
		FROM pg_attribute t
		WHERE t.attrelid = adopted AND t.attnum > 0 AND NOT t.attisdropped;
		SELECT string_agg(quote_ident(s.attname), ', ' ORDER BY s.attnum) INTO others
		FROM pg_attribute s
		WHERE s.attrelid = source AND s.attnum > 0 AND NOT s.attisdropped
		AND NOT EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = adopted AND t.attname = s.attname);
		IF others IS NOT NULL THEN
			RAISE NOTICE 'columns of % that are not adopted: %', source, others;
		END IF;

		EXECUTE format('INSERT INTO %s (%s) SELECT %2$s FROM %3$s', adopted, ours, source);
		GET DIAGNOSTICS copied = ROW_COUNT;
		EXECUTE format('SELECT max(id) FROM %s', adopted) INTO last_id;
		PERFORM setval(pg_get_serial_sequence(adopted::text, 'id'), greatest(last_id, 1), last_id IS NOT NULL);
		RETURN NEXT ROW(adopted, copied)::@extschema@.liveness_adopt_row;
	END LOOP;
END
$$;
COMMENT ON FUNCTION liveness_adopt(regclass, regclass, regclass) IS 'Copies the rows of tables that a coordinator made before into ours, which must be empty';
