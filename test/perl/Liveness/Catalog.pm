# What the catalogs of a database say, as lines to be compared.
package Liveness::Catalog;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(catalog_rows contents difference members);

# Every row of every catalog, but for what VACUUM and ANALYZE change
sub catalog_rows
{
	my ($node, $db) = @_;
	my $query = $node->safe_psql($db, q{
		SELECT string_agg(format('SELECT %1$L || '' '' || (to_jsonb(t) - ''{relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,datfrozenxid,datminmxid}''::text[]) FROM pg_catalog.%1$I t', relname), ' UNION ALL ')
		FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND relname NOT IN ('pg_statistic', 'pg_statistic_ext_data')});
	return $node->safe_psql($db, $query);
}

# Every member of the extension, with all that ALTER, GRANT and COMMENT can say of it
sub members
{
	my ($node, $db) = @_;
	return $node->safe_psql($db, q{
		WITH member AS (
			SELECT d.classid, d.objid FROM pg_depend d
			WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'liveness')
		), relation AS (
			SELECT c.* FROM member m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
		), line (about, says) AS (
			SELECT 'extension', to_jsonb(e) - '{oid,extowner,extnamespace,extconfig}'::text[]
				|| jsonb_build_object('schema', extnamespace::regnamespace, 'config', (SELECT jsonb_agg(c::regclass::text ORDER BY c::regclass::text) FROM unnest(extconfig) c), 'comment', obj_description(oid, 'pg_extension'))
			FROM pg_extension e WHERE extname = 'liveness'
			UNION ALL
			SELECT pg_describe_object(m.classid, m.objid, 0), jsonb_build_object('comment', obj_description(m.objid, m.classid::regclass::name),
				'privileges', i.initprivs::text) FROM member m LEFT JOIN pg_init_privs i ON i.classoid = m.classid AND i.objoid = m.objid AND i.objsubid = 0
			UNION ALL
			SELECT oid::regclass::text, jsonb_build_object('acl', relacl::text, 'owner', relowner::regrole, 'options', reloptions, 'persistence', relpersistence,
				-- without names of columns: parsed again, some that were implied are told, and a
				-- function's row has those that it had when parsed
				'view', CASE relkind WHEN 'v' THEN regexp_replace(pg_get_viewdef(oid), ' AS "?\w+"?|(?<=\) \w{1,20})\([a-z_0-9, ]+\)', '', 'g') END)
			FROM relation
			UNION ALL
			SELECT r.oid::regclass || '.' || a.attname, to_jsonb(a) - '{attrelid,atttypid,attcacheoff,attstattarget,attoptions,atthasmissing,attmissingval}'::text[]
				|| jsonb_build_object('type', format_type(a.atttypid, a.atttypmod), 'default', pg_get_expr(d.adbin, d.adrelid), 'comment', col_description(r.oid, a.attnum))
			FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
			UNION ALL
			SELECT i.indexrelid::regclass::text, jsonb_build_object('def', pg_get_indexdef(i.indexrelid), 'valid', i.indisvalid, 'comment', obj_description(i.indexrelid, 'pg_class'))
			FROM relation r JOIN pg_index i ON i.indrelid = r.oid
			UNION ALL
			SELECT k.conname, jsonb_build_object('def', pg_get_constraintdef(k.oid), 'comment', obj_description(k.oid, 'pg_constraint'))
			FROM relation r JOIN pg_constraint k ON k.conrelid = r.oid
			UNION ALL
			SELECT p.oid::regprocedure::text, to_jsonb(p) - '{oid,pronamespace,proowner,prorettype,proargtypes,proallargtypes,proargdefaults,prosqlbody,prolang}'::text[]
				|| jsonb_build_object('arguments', pg_get_function_arguments(p.oid), 'result', pg_get_function_result(p.oid),
					'body', regexp_replace(pg_get_function_sqlbody(p.oid), ' AS "?\w+"?|(?<=\) \w{1,20})\([a-z_0-9, ]+\)', '', 'g'), 'aggregate', (SELECT to_jsonb(a) - '{aggfnoid,aggtranstype}'::text[] FROM pg_aggregate a WHERE a.aggfnoid = p.oid))
			FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
			UNION ALL
			SELECT format_type(t.oid, NULL), to_jsonb(t) - '{oid,typnamespace,typowner,typrelid,typarray,typelem}'::text[]
				|| jsonb_build_object('attributes', (SELECT jsonb_agg(jsonb_build_array(a.attname, format_type(a.atttypid, a.atttypmod), col_description(a.attrelid, a.attnum)) ORDER BY a.attnum)
					FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'c' WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
			FROM member m JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid
		)
		SELECT about || ': ' || says FROM line});
}

# Every row that a dump keeps: of tables as they stand, and where sequences are.  The rows of an
# unlogged table are a cache.
sub contents
{
	my ($node, $db) = @_;
	my $query = $node->safe_psql($db, q{
		SELECT string_agg(format(CASE c.relkind WHEN 'S' THEN 'SELECT concat_ws('' '', %L, last_value, is_called) FROM %s' ELSE 'SELECT %L || '' '' || to_jsonb(t) FROM %s t' END,
			c.relname, c.oid::regclass), ' UNION ALL ')
		FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
		WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'liveness') AND c.relkind IN ('r', 'S') AND c.relpersistence = 'p'});
	return $node->safe_psql($db, $query);
}

# Lines of the one and not of the other, up to a score: none is ''
sub difference
{
	my ($before, $after) = @_;
	my %count;
	$count{$_}-- for split /\n/, $before;
	$count{$_}++ for split /\n/, $after;
	my @lines = map { ($count{$_} < 0 ? '- ' : '+ ') . $_ } grep { $count{$_} } sort keys %count;
	splice @lines, 20;
	return join "\n", @lines;
}

1;
