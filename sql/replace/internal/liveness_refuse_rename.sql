-- Functions in PL/pgSQL name the schema in their text.  Were it renamed, whoever made one
-- of the old name would have his functions called.  A superuser's, as the event trigger:
-- it runs as whoever alters a schema.
CREATE FUNCTION liveness_internal.liveness_refuse_rename()
RETURNS event_trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_extension e
		WHERE e.extname = 'liveness' AND (e.extnamespace IS DISTINCT FROM to_regnamespace('@extschema@')::oid
			OR NOT EXISTS (SELECT FROM pg_depend d
				WHERE d.classid = 'pg_namespace'::regclass AND d.objid = to_regnamespace('liveness_internal')
				AND d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid)))
	THEN
		RAISE EXCEPTION USING
			ERRCODE = 'feature_not_supported',
			MESSAGE = 'the schemas @extschema@ and liveness_internal cannot be renamed while the extension liveness is in them',
			HINT = 'To move the extension, dump the database, and restore it with the extension created in another schema.';
	END IF;
END
$$;
COMMENT ON FUNCTION liveness_internal.liveness_refuse_rename() IS 'Event trigger: the extension''s schema keeps its name (error 0A000)';
CREATE EVENT TRIGGER liveness_refuse_rename ON ddl_command_end WHEN TAG IN ('ALTER SCHEMA')
	EXECUTE FUNCTION liveness_internal.liveness_refuse_rename();
ALTER EVENT TRIGGER liveness_refuse_rename ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER liveness_refuse_rename IS 'The extension''s schema keeps its name';
DO LANGUAGE plpgsql $do$
DECLARE
	superuser CONSTANT pg_catalog.text := pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(10::pg_catalog.oid)::pg_catalog.text);
BEGIN
	EXECUTE pg_catalog.concat('ALTER FUNCTION liveness_internal.liveness_refuse_rename() OWNER TO ', superuser);
	EXECUTE pg_catalog.concat('ALTER EVENT TRIGGER liveness_refuse_rename OWNER TO ', superuser);
END
$do$;
