-- docs/reference.md, as the catalogs have it, for a database with the extension and
-- nothing else of ours, in a server that preloads it.  Run by scripts/reference.
-- Variable: details, the path of docs/functions.md.

\set ON_ERROR_STOP 1
\pset tuples_only on
\pset format unaligned
SET client_min_messages = warning;
BEGIN;

-- Who may do what is asked of roles that have what the grant functions give
CREATE ROLE "readers";
CREATE ROLE "writers";
CREATE ROLE "operators";
SELECT liveness_grant_reader('readers'), liveness_grant_writer('writers'), liveness_grant_operator('operators') \gset _

CREATE TEMP VIEW member AS
	SELECT d.classid, d.objid
	FROM pg_depend d
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'liveness'
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e';
CREATE TEMP VIEW role AS
	SELECT r.role, r.n FROM unnest('{readers,writers,operators}'::name[]) WITH ORDINALITY r (role, n);

-- What an aggregate or a type is made of is not for people to call
CREATE TEMP VIEW routine AS
	SELECT p.*, p.pronamespace = 'liveness_internal'::regnamespace AS internal, CASE p.prokind WHEN 'a' THEN 'Aggregate' WHEN 'p' THEN 'Procedure' ELSE 'Function' END AS kind
	FROM member m
	JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
	WHERE NOT p.proargtypes::oid[] && '{internal,cstring}'::regtype[]::oid[]
	AND NOT p.prorettype = ANY ('{internal,cstring}'::regtype[])
	AND NOT EXISTS (SELECT FROM pg_aggregate a WHERE p.oid IN (a.aggtransfn, a.aggcombinefn, a.aggfinalfn))
	AND NOT EXISTS (SELECT FROM pg_type t WHERE p.oid IN (t.typreceive, t.typsend));

CREATE FUNCTION pg_temp.cell(text) RETURNS text LANGUAGE sql AS $$SELECT replace(coalesce($1, ''), '|', '\|')$$;
CREATE FUNCTION pg_temp.code(text) RETURNS text LANGUAGE sql AS $$SELECT '`' || $1 || '`'$$;

\echo '# Reference'
\echo
\echo 'Written by `scripts/reference` from the comments in `sql/`, the catalogs and'
\echo '[functions.md](functions.md): change those, and run it again. *Everybody* is PUBLIC; readers, writers and operators are roles that'
\echo '`liveness_grant_reader`, `_writer` and `_operator` were called for; what is for none of them is for'
\echo 'the extension''s owner. Names stand in the schema of the extension. What stands in the schema'
\echo '`liveness_internal` is not for people, and may change in any version. The functions of the'
\echo 'extension `liveness_report` are in [report.md](report.md).'
\echo
\echo '## Functions'

-- Types by their short names, as the script has them; a default without its type
CREATE FUNCTION pg_temp.terse(text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(replace(replace($1, 'timestamp with time zone', 'timestamptz'), 'double precision', 'float8'),
		'\mIN (?=\w+ \w)|(?<=DEFAULT NULL)::[a-z0-9 ]+|(?<='')::[a-z0-9 ]+', '', 'g')
$$;
-- A line an argument or a column, where they make a long one
CREATE FUNCTION pg_temp.folded(text, at int) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN at + length($1) <= 96 THEN $1
		ELSE regexp_replace(regexp_replace(replace($1, ', ', E',\n        '), '\(', E'(\n        '), '\)$', E'\n    )') END
$$;
CREATE FUNCTION pg_temp.sentence(text) RETURNS text LANGUAGE sql AS $$SELECT regexp_replace($1, '([^.?!])$', '\1.')$$;

-- A section of functions.md for each function that a sentence does not explain
\set details `cat :'details'`
CREATE TEMP VIEW detail AS
	SELECT split_part(s.section, E'\n', 1) AS name, btrim(substr(s.section, strpos(s.section, E'\n')), E'\n') AS text
	FROM regexp_split_to_table(:'details', E'\n## ') WITH ORDINALITY s (section, n)
	WHERE s.n > 1;
SELECT format(E'\n### %s\n\n    %s%s\n\n%s; %s. For %s.\n\n%s%s',
		s.heading,
		pg_temp.folded(CASE WHEN r.internal THEN 'liveness_internal.' ELSE '' END || r.proname || '(' || s.arguments || ')', 4),
		coalesce(E'\n    -> ' || pg_temp.folded(s.result, 7), ''),
		r.kind,
		concat_ws(', ',
			CASE WHEN r.prokind = 'f' THEN CASE r.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END END,
			CASE WHEN r.prokind <> 'p' THEN CASE r.proparallel WHEN 's' THEN 'parallel safe' WHEN 'r' THEN 'parallel restricted' ELSE 'parallel unsafe' END END,
			CASE WHEN r.proisstrict THEN 'strict' END,
			CASE WHEN r.prokind = 'p' THEN 'not in a transaction block' END),
		CASE WHEN has_function_privilege('public', r.oid, 'EXECUTE') THEN 'everybody' ELSE coalesce(
			(SELECT string_agg(k.role, ', ' ORDER BY k.n) FROM role k WHERE has_function_privilege(k.role, r.oid, 'EXECUTE')), 'the owner') END,
		pg_temp.sentence(obj_description(r.oid, 'pg_proc')),
		(SELECT E'\n\n' || k.text FROM detail k WHERE k.name = s.heading))
FROM routine r
CROSS JOIN LATERAL (
	SELECT pg_temp.terse(pg_get_function_arguments(r.oid)) AS arguments, pg_temp.terse(pg_get_function_result(r.oid)) AS result,
		CASE WHEN r.internal AND EXISTS (SELECT FROM routine o WHERE o.proname = r.proname AND NOT o.internal) THEN 'liveness_internal.' || r.proname
			WHEN (SELECT count(*) FROM routine o WHERE o.proname = r.proname AND o.internal = r.internal) > 1 THEN r.proname || ' (' || r.pronargs || ' arguments)'
			ELSE r.proname END AS heading
) s
ORDER BY r.proname COLLATE "C", r.internal, r.pronargs, r.oid::regprocedure::text COLLATE "C";

-- Relations and types of columns
CREATE TEMP VIEW relation AS
	SELECT c.oid, CASE WHEN c.relnamespace = 'liveness_internal'::regnamespace THEN 'Internal, in liveness_internal. ' ELSE '' END AS place, c.relname, c.relkind,
		coalesce((
			SELECT string_agg(format('%s: %s', k.role, p.privileges), '; ' ORDER BY k.n)
			FROM role k
			CROSS JOIN LATERAL (
				SELECT string_agg(p.privilege, ', ' ORDER BY p.n) AS privileges
				FROM unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) WITH ORDINALITY p (privilege, n)
				WHERE has_table_privilege(k.role, c.oid, p.privilege)
			) p
			WHERE p.privileges IS NOT NULL), 'the owner only') AS granted,
		(SELECT string_agg(format(E'| %s | %s | %s |', pg_temp.code(a.attname),
				pg_temp.cell(pg_temp.terse(format_type(a.atttypid, a.atttypmod)
					|| CASE WHEN c.relkind = 'r' AND a.attnotnull THEN ' NOT NULL' ELSE '' END
					|| coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), ''))),
				pg_temp.cell(col_description(c.oid, a.attnum))), E'\n' ORDER BY a.attnum)
			FROM pg_attribute a
			LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
			WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
		(SELECT string_agg(format('- %s %s%s', pg_temp.code(i.indexrelid::regclass::text),
				substring(pg_get_indexdef(i.indexrelid) FROM ' USING (.*)'),
				coalesce(': ' || coalesce(obj_description(i.indexrelid, 'pg_class'), obj_description(k.oid, 'pg_constraint')), CASE WHEN i.indisprimary THEN ': the key' END)),
				E'\n' ORDER BY i.indisprimary DESC, i.indexrelid::regclass::text COLLATE "C")
			FROM pg_index i
			LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype = 'p'
			WHERE i.indrelid = c.oid) AS indexes
	FROM member m
	JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid;

\echo
\echo '## Tables'
SELECT format(E'\n### %s\n\n%s %s.\n\n| column | type | meaning |\n| --- | --- | --- |\n%s\n\nIndexes:\n\n%s',
	r.relname, r.place || pg_temp.sentence(obj_description(r.oid, 'pg_class')), upper(left(r.granted, 1)) || substr(r.granted, 2), r.columns, r.indexes)
FROM relation r
WHERE r.relkind = 'r'
ORDER BY r.relname COLLATE "C";

\echo
\echo '## Views'
SELECT format(E'\n### %s\n\n%s %s.\n\n| column | type | meaning |\n| --- | --- | --- |\n%s',
	r.relname, r.place || pg_temp.sentence(obj_description(r.oid, 'pg_class')), upper(left(r.granted, 1)) || substr(r.granted, 2), r.columns)
FROM relation r
WHERE r.relkind = 'v'
ORDER BY r.relname COLLATE "C";

\echo
\echo '## Types'
SELECT format(E'\n### %s\n\n%s%s', t.typname,
	CASE WHEN t.typnamespace = 'liveness_internal'::regnamespace THEN 'Internal, in liveness_internal. ' ELSE '' END || pg_temp.sentence(obj_description(t.oid, 'pg_type')),
	(SELECT E'\n\n| attribute | type | meaning |\n| --- | --- | --- |\n' || string_agg(format('| %s | %s | %s |', pg_temp.code(a.attname),
			pg_temp.cell(pg_temp.terse(format_type(a.atttypid, a.atttypmod))), pg_temp.cell(col_description(a.attrelid, a.attnum))), E'\n' ORDER BY a.attnum)
	FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0))
FROM member m
JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE t.typelem = 0 AND (t.typtype <> 'c' OR c.relkind = 'c')
ORDER BY t.typname COLLATE "C";

\echo
\echo '## Settings'
\echo
\echo '*Reload*: in postgresql.conf or by ALTER SYSTEM, then pg_reload_conf(). *Restart*: the same, then a'
\echo 'restart. *Superuser*: also by SET, ALTER ROLE and ALTER DATABASE, for superusers.'
\echo
\echo '| setting | default | range | takes | meaning |'
\echo '| --- | --- | --- | --- | --- |'
SELECT format('| %s | %s | %s | %s | %s |', pg_temp.code(s.name),
	CASE current_setting(s.name) WHEN '' THEN 'empty' ELSE pg_temp.code(current_setting(s.name)) END,
	CASE s.vartype WHEN 'enum' THEN array_to_string(s.enumvals, ', ') WHEN 'string' THEN 'any text'
		ELSE CASE WHEN s.max_val = '2147483647' THEN 'from ' || s.min_val ELSE s.min_val || ' to ' || s.max_val END || coalesce(' ' || s.unit, '') END,
	CASE s.context WHEN 'postmaster' THEN 'restart' WHEN 'sighup' THEN 'reload' ELSE s.context END,
	pg_temp.cell(concat_ws(' ', s.short_desc, s.extra_desc)))
FROM pg_settings s
WHERE s.name ~ '^liveness\.'
ORDER BY s.name COLLATE "C";

ROLLBACK;
