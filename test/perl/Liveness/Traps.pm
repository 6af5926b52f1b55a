# Hostile objects: functions, aggregates, operators, types, tables and views that take
# the place of others wherever a name is looked up by a path that somebody else can
# write to.  Whichever of them is used counts that, which no rollback undoes, and fails.
package Liveness::Traps;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(trap_maker_sql own_signatures_sql);

# Procedures in schema lair that set traps, as whoever runs this.  A function that is
# called with other types than its own is not the best match any more once there is
# one of these types; so there is one of each, with the result that the call expects.
sub trap_maker_sql
{
	return <<'SQL';
CREATE SEQUENCE lair.trapped;
GRANT USAGE ON SCHEMA lair TO PUBLIC;
GRANT ALL ON lair.trapped TO PUBLIC;

CREATE FUNCTION lair.trap(what text) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_catalog.nextval('lair.trapped'::pg_catalog.regclass);
	RAISE EXCEPTION 'trapped by %', what;
END $$;

-- false if it stands there already, or cannot be, as with a type that only C knows;
-- callers count
CREATE FUNCTION lair.try(statement text) RETURNS boolean LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET check_function_bodies = off AS $$
BEGIN
	EXECUTE statement;
	RETURN true;
EXCEPTION WHEN OTHERS THEN
	RETURN false;
END $$;

CREATE FUNCTION lair.set(kind text, name text, args text, result text) RETURNS boolean LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
	SELECT lair.try(format('CREATE %s %s(%s) %s LANGUAGE plpgsql AS %L', kind, name, args,
		CASE kind WHEN 'FUNCTION' THEN 'RETURNS ' || result ELSE '' END,
		format('BEGIN PERFORM lair.trap(%L); END', name || '(' || args || ')')))
$$;
CREATE FUNCTION lair.set_aggregate(schema text, name text, args text, result text) RETURNS boolean LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
	SELECT lair.set('FUNCTION', format('%I.%I', schema, 'transfn of ' || name), concat_ws(', ', result, nullif(args, '')), result)
		AND lair.try(format('CREATE AGGREGATE %I.%I(%s) (SFUNC = %I.%I, STYPE = %s)', schema, name, coalesce(nullif(args, ''), '*'), schema, 'transfn of ' || name, result))
$$;
CREATE FUNCTION lair.set_operator(schema text, name text, l text, r text, result text) RETURNS boolean LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
	SELECT lair.set('FUNCTION', format('%I.%I', schema, 'operator ' || name), concat_ws(', ', l, r), result)
		AND lair.try(format('CREATE OPERATOR %I.%s (%s FUNCTION = %I.%I)', schema, name,
			coalesce('LEFTARG = ' || l || ', ', '') || 'RIGHTARG = ' || r || ',', schema, 'operator ' || name))
$$;

CREATE FUNCTION lair.type_of(expression text) RETURNS text LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	type regtype;
BEGIN
	EXECUTE 'SELECT pg_typeof(' || expression || ')' INTO type;
	RETURN type;
EXCEPTION WHEN OTHERS THEN
	RETURN NULL;
END $$;

-- All that pg_catalog has, with its own arguments: for whoever has the schema before it
CREATE FUNCTION lair.copy_catalog(schema text) RETURNS TABLE (what text, n bigint) LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
	SELECT 'functions', count(*) FROM pg_proc p
	WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind IN ('f', 'w')
	AND lair.set('FUNCTION', format('%I.%I', schema, p.proname), array_to_string(ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY a (t, n) ORDER BY n), ', '),
		CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END || format_type(p.prorettype, NULL))
	UNION ALL SELECT 'aggregates', count(*) FROM pg_proc p
	WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'a'
	AND lair.set_aggregate(schema, p.proname, array_to_string(ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY a (t, n) ORDER BY n), ', '), format_type(p.prorettype, NULL))
	UNION ALL SELECT 'operators', count(*) FROM pg_operator o
	WHERE o.oprnamespace = 'pg_catalog'::regnamespace
	AND lair.set_operator(schema, o.oprname, CASE WHEN o.oprleft <> 0 THEN format_type(o.oprleft, NULL) END, format_type(o.oprright, NULL), format_type(o.oprresult, NULL))
	UNION ALL SELECT 'types', count(*) FROM unnest(ARRAY['bool', 'bytea', 'float4', 'float8', 'int4', 'int8', 'interval', 'jsonb', 'name', 'numeric', 'oid', 'regclass', 'regnamespace', 'regrole', 'text', 'timestamptz']) t
	WHERE lair.try(format('CREATE DOMAIN %I.%I AS %s CHECK (lair.trap(%L) IS NULL)', schema, t, 'pg_catalog.' || t, 'type ' || t))
	UNION ALL SELECT 'relations', count(*) FROM pg_class c
	WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind IN ('r', 'v')
	AND lair.try(format('CREATE VIEW %I.%I AS SELECT c.* FROM pg_catalog.%I c WHERE lair.trap(%L) IS NULL', schema, c.relname, c.relname, c.relname))
$$;

-- What would fit better than pg_catalog's: for the functions that are named, and operators
CREATE TABLE lair.better (aggregate boolean, name text, l text, r text, result text);
CREATE FUNCTION lair.find_better(names text[]) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
	WITH types AS (
		SELECT t::text FROM unnest(ARRAY['bool', 'float4', 'float8', 'float8[]', 'int4', 'int8', 'int8[]', 'interval', 'jsonb', 'name', 'numeric', 'text', 'text[]', 'timestamptz']::regtype[]) t
	), arguments AS (
		SELECT t AS l, NULL AS r, t AS args, 'NULL::' || t AS nulls FROM types
		UNION ALL SELECT a.t, b.t, a.t || ', ' || b.t, 'NULL::' || a.t || ', NULL::' || b.t FROM types a, types b
	)
	INSERT INTO lair.better
	SELECT p.aggregate, p.proname, a.l, a.r, lair.type_of(format('%I(%s)', p.proname, a.nulls))
	FROM (SELECT DISTINCT proname, prokind = 'a' AS aggregate FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY (names)) p, arguments a
	WHERE to_regprocedure(format('pg_catalog.%I(%s)', p.proname, a.args)) IS NULL
	UNION ALL
	SELECT NULL, o, a.t, b.t, lair.type_of(format('NULL::%s %s NULL::%s', a.t, o, b.t))
	FROM unnest(ARRAY['=', '<>', '<', '<=', '>', '>=', '||', '+', '-', '*', '/', '%', '^']) o, types a, types b
	WHERE to_regoperator(format('pg_catalog.%s(%s, %s)', o, a.t, b.t)) IS NULL;
	DELETE FROM lair.better WHERE result IS NULL;
$$;
CREATE FUNCTION lair.set_better(schema text) RETURNS bigint LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
	SELECT count(*) FROM lair.better b
	WHERE CASE WHEN b.aggregate THEN lair.set_aggregate(schema, b.name, concat_ws(', ', b.l, b.r), b.result)
		WHEN NOT b.aggregate THEN lair.set('FUNCTION', format('%I.%I', schema, b.name), concat_ws(', ', b.l, b.r), b.result)
		ELSE lair.set_operator(schema, b.name, b.l, b.r, b.result) END
$$;

-- The same for functions and procedures of given signatures; "name/arg;arg/result/kind"
CREATE FUNCTION lair.overload(schema text, signatures text[]) RETURNS bigint LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
	WITH given AS (
		SELECT split_part(s, '/', 1) AS name, string_to_array(split_part(s, '/', 2), ';') AS args, split_part(s, '/', 3) AS result, split_part(s, '/', 4) AS kind
		FROM unnest(signatures) s
	), other (type, than) AS (
		VALUES ('integer', 'double precision'), ('bigint', 'double precision'), ('numeric', 'double precision'), ('real', 'double precision'),
			('integer', 'bigint'), ('bigint', 'integer'), ('text', 'integer'), ('double precision', 'real'), ('text', 'interval'),
			('text', 'timestamp with time zone'), ('date', 'timestamp with time zone'), ('name', 'text'), ('character varying', 'text'), ('text', 'regrole')
	)
	SELECT count(*) FROM given g, other o
	WHERE o.than = ANY (g.args) AND lair.set(g.kind, format('%I.%I', schema, g.name), array_to_string(array_replace(g.args, o.than, o.type), ', '), g.result)
$$;

-- In this session: relations, and so types
CREATE FUNCTION lair.fill_temp(names text[]) RETURNS bigint LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
	SELECT count(*) FROM unnest(names) r WHERE lair.try(format('CREATE TEMP VIEW %I AS SELECT lair.trap(%L) AS job', r, 'pg_temp.' || r))
$$;
SQL
}

# The extension's functions and procedures, as lair.overload takes them
sub own_signatures_sql
{
	return <<'SQL';
SELECT p.proname || '/' || (SELECT string_agg(format_type(t, NULL), ';' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY a (t, n))
	|| '/' || CASE WHEN p.prorettype IN ('int4'::regtype, 'int8'::regtype, 'float8'::regtype, 'text'::regtype, 'interval'::regtype, 'timestamptz'::regtype, 'void'::regtype)
		AND NOT p.proretset THEN format_type(p.prorettype, NULL) ELSE 'SETOF record' END
	|| '/' || CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END
FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'liveness') AND p.prokind IN ('f', 'p')
AND NOT p.proargtypes::oid[] && ARRAY['internal'::regtype, 'cstring'::regtype]::oid[]
AND NOT (p.proargtypes::oid[] || p.prorettype) && ARRAY(SELECT t.oid FROM pg_type t WHERE t.typname = 'survival_curve')
ORDER BY 1
SQL
}

1;
