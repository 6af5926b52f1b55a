-- Tables that a coordinator made before us are not ours to take over silently.
DO LANGUAGE plpgsql $do$
DECLARE
	existing pg_catalog.text;
BEGIN
	SELECT pg_catalog.string_agg(c.relname::pg_catalog.text, ', ' ORDER BY c.relname)
	INTO existing
	FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
	WHERE pg_catalog.quote_ident(n.nspname::pg_catalog.text) OPERATOR(pg_catalog.=) '@extschema@'::pg_catalog.text
	AND c.relname OPERATOR(pg_catalog.=) ANY (ARRAY['provider_heartbeats', 'provider_heartbeats_hourly',
		'provider_sessions', 'provider_reliability_features', 'provider_exclusions', 'provider_groups']::pg_catalog.name[]);
	IF existing IS NOT NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'duplicate_table',
			MESSAGE = pg_catalog.concat('schema @extschema@ already holds ', existing),
			HINT = 'To adopt existing tables, move them to another schema, create the extension, and have their rows copied by liveness_adopt(): see "Adopting existing tables" in docs/install.md. Or create the extension in another schema.';
	END IF;
END
$do$;
