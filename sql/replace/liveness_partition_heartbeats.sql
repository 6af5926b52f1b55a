-- A table cannot become partitioned: a new one takes its place and its name, and it
-- becomes the first partition.  Views and functions in SQL are made again over it.
-- The first and the last partition are open to the past and to the future.  A DEFAULT
-- partition would keep the planner from reading partitions in the order of their time.
CREATE FUNCTION liveness_partition_heartbeats(width interval DEFAULT '1 day', since timestamptz DEFAULT NULL,
	until timestamptz DEFAULT now() + interval '7 days')
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET row_security = off
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
	monday CONSTANT timestamptz := '2001-01-01 00:00+00';
	relation regclass := '@extschema@.provider_heartbeats';
	ahead regclass;
	partition regclass;
	statements text[];
	statement text;
	obstacle text;
	start timestamptz;
	lower timestamptz;
	upper timestamptz;
	before_until timestamptz;
	is_filled boolean;
	made bigint := 0;
BEGIN
	IF width IS NULL OR until IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'null_value_not_allowed',
			MESSAGE = format('%s must not be NULL', CASE WHEN width IS NULL THEN 'width' ELSE 'until' END),
			HINT = 'Leave the argument out for its default.';
	END IF;
	IF width < interval '1 hour' OR extract(month FROM width) <> 0 OR extract(year FROM width) <> 0
		OR date_bin('1 hour', monday + width, monday) <> monday + width THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('width %s is not a number of whole hours', width),
			HINT = 'Give for example ''1 day'' or ''7 days''; months have no fixed length.';
	END IF;
	IF NOT (isfinite(coalesce(since, now())) AND isfinite(until)) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'datetime_field_overflow',
			MESSAGE = format('partitions from %s to %s would have no end', since, until),
			HINT = 'Give finite instants, for example now() + interval ''7 days''.';
	END IF;
	start := date_bin(width, coalesce(since, now()), monday);
	IF extract(epoch FROM until) - extract(epoch FROM start) > 500 * extract(epoch FROM width) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'program_limit_exceeded',
			MESSAGE = format('more than 500 partitions of %s would reach from %s to %s', width, start, until),
			HINT = 'Make them wider, or fewer.';
	END IF;
	IF (SELECT t.is_hypertable FROM liveness_internal.liveness_hypertable() t) THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('%s is a hypertable of TimescaleDB', relation),
			HINT = 'TimescaleDB makes its chunks itself, and the retention drops them.';
	END IF;
	IF liveness_internal.liveness_distributed() THEN
		RAISE EXCEPTION USING
			ERRCODE = 'object_not_in_prerequisite_state',
			MESSAGE = format('%s is distributed by Citus', relation),
			HINT = 'Choose: partitions, or Citus. Citus divides the work of the retention among the nodes.';
	END IF;
	PERFORM liveness_internal.liveness_lock_job('retention'::text, true);

	IF (SELECT c.relkind = 'r' FROM pg_class c WHERE c.oid = relation) THEN
		EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', relation);
		SELECT string_agg(DISTINCT o.name, ', ') INTO obstacle
		FROM (
			SELECT format('trigger %I', t.tgname) FROM pg_trigger t WHERE t.tgrelid = relation AND NOT t.tgisinternal
			UNION ALL
			SELECT format('policy %I', y.polname) FROM pg_policy y WHERE y.polrelid = relation
			UNION ALL
			SELECT 'row-level security' FROM pg_class c WHERE c.oid = relation AND (c.relrowsecurity OR c.relforcerowsecurity)
			UNION ALL
			SELECT format('rule %I', r.rulename) FROM pg_rewrite r WHERE r.ev_class = relation
			UNION ALL
			-- FOR ALL TABLES as well, whose subscribers do not have the partitions
			SELECT format('publication %I', t.pubname)
			FROM pg_publication_tables t JOIN pg_namespace n ON n.nspname = t.schemaname JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
			WHERE c.oid = relation
			UNION ALL
			SELECT format('subscription %I', u.subname) FROM pg_subscription_rel l JOIN pg_subscription u ON u.oid = l.srsubid WHERE l.srrelid = relation
			UNION ALL
			SELECT format('constraint %I', k.conname) FROM pg_constraint k
			WHERE (k.conrelid = relation AND k.contype IN ('f', 'u', 'x')) OR k.confrelid = relation
			UNION ALL
			SELECT format('statistics object %I', x.stxname) FROM pg_statistic_ext x WHERE x.stxrelid = relation
			UNION ALL
			SELECT format('security label of %s', l.provider) FROM pg_seclabel l WHERE l.classoid = 'pg_class'::regclass AND l.objoid = relation
			UNION ALL
			SELECT format('generated column %I', a.attname) FROM pg_attribute a
			WHERE a.attrelid = relation AND (a.attgenerated <> '' OR a.attidentity <> '') AND NOT a.attisdropped
			UNION ALL
			SELECT CASE v.setting WHEN 'n' THEN 'REPLICA IDENTITY NOTHING' WHEN 'f' THEN 'REPLICA IDENTITY FULL' WHEN 'i' THEN 'REPLICA IDENTITY USING INDEX'
				WHEN 'u' THEN 'UNLOGGED' ELSE 'a type of its own' END
			FROM pg_class c CROSS JOIN LATERAL (VALUES (nullif(c.relreplident::text, 'd')), (nullif(c.relpersistence::text, 'p')), (nullif(c.reloftype, 0)::text)) v (setting)
			WHERE c.oid = relation AND v.setting IS NOT NULL
			UNION ALL
			SELECT format('%s of index %I', CASE WHEN c.reltablespace <> 0 THEN 'tablespace' ELSE 'storage parameters' END, c.relname)
			FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
			WHERE i.indrelid = relation AND (c.reltablespace <> 0 OR (i.indisprimary AND c.reloptions IS NOT NULL))
			UNION ALL
			SELECT format('parent table %s', i.inhparent::regclass) FROM pg_inherits i WHERE i.inhrelid = relation
			UNION ALL
			-- what goes by the table's oid or its type, and is not made again below
			SELECT pg_describe_object(d.classid, d.objid, d.objsubid)
			FROM pg_depend d
			JOIN pg_type y ON y.typrelid = relation
			WHERE (d.refclassid = 'pg_type'::regclass AND d.refobjid IN (y.oid, y.typarray) AND d.deptype <> 'i')
			OR (d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND (
				d.classid NOT IN ('pg_class'::regclass, 'pg_type'::regclass, 'pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_trigger'::regclass,
					'pg_policy'::regclass, 'pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_statistic_ext'::regclass, 'pg_publication_rel'::regclass)
				OR EXISTS (SELECT FROM pg_policy y WHERE d.classid = 'pg_policy'::regclass AND y.oid = d.objid AND y.polrelid <> relation)))
			UNION ALL
			SELECT format('table %s', i.inhrelid::regclass) FROM pg_inherits i WHERE i.inhparent = relation
			UNION ALL
			SELECT format('materialized view %s', c.oid::regclass)
			FROM pg_depend d JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid JOIN pg_class c ON c.oid = r.ev_class
			WHERE d.refobjid = relation AND c.relkind = 'm'
		) o (name);
		IF obstacle IS NOT NULL THEN
			RAISE EXCEPTION USING
				ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('%s cannot be partitioned with %s', relation, obstacle),
				HINT = 'Drop them, or set them back to the default, and make them again afterwards.';
		END IF;

		SELECT array_agg(DISTINCT s.statement) INTO statements
		FROM (
			SELECT format('CREATE OR REPLACE VIEW %s%s AS %s', c.oid::regclass,
				' WITH (' || array_to_string(c.reloptions, ', ') || ')', pg_get_viewdef(c.oid)) AS statement
			FROM pg_depend d
			JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
			JOIN pg_class c ON c.oid = r.ev_class
			WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND c.relkind = 'v'
			UNION ALL
			SELECT pg_get_functiondef(d.objid)
			FROM pg_depend d
			WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND d.classid = 'pg_proc'::regclass
		) s;
		-- granted only once the table is the extension's: else a dump would leave them out
		statements := array_cat(array_prepend('ALTER EXTENSION liveness ADD TABLE @extschema@.provider_heartbeats', statements), (
			SELECT array_agg(format('GRANT %s%s ON %s TO %s%s', g.privilege_type, g.columns, relation,
				CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END, CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' END))
			FROM (
				SELECT a.privilege_type, '' AS columns, a.grantee, a.is_grantable
				FROM pg_class c CROSS JOIN aclexplode(c.relacl) a
				WHERE c.oid = relation AND a.grantee <> c.relowner
				UNION ALL
				SELECT a.privilege_type, format(' (%I)', t.attname), a.grantee, a.is_grantable
				FROM pg_attribute t CROSS JOIN aclexplode(t.attacl) a
				WHERE t.attrelid = relation
			) g));
		statements := array_cat(statements, (
			SELECT array_agg(format('COMMENT ON INDEX %s IS %L', i.indexrelid::regclass, obj_description(i.indexrelid, 'pg_class')))
			FROM pg_index i
			WHERE i.indrelid = relation AND obj_description(i.indexrelid, 'pg_class') IS NOT NULL));
		statements := statements || format('COMMENT ON CONSTRAINT idx_provider_heartbeats_provider_at ON %s IS %L', relation, (
				SELECT obj_description(k.oid, 'pg_constraint') FROM pg_constraint k WHERE k.conrelid = relation AND k.contype = 'p'))
			|| format('COMMENT ON TABLE %s IS %L', relation, obj_description(relation, 'pg_class'));
		-- an index takes its old name with it
		SELECT array_agg(format('ALTER INDEX %s RENAME TO %I', i.indexrelid::regclass, 'before_' || c.relname))
			|| array_agg(CASE WHEN i.indisprimary
				THEN 'ALTER TABLE @extschema@.provider_heartbeats ADD CONSTRAINT idx_provider_heartbeats_provider_at PRIMARY KEY (provider_id, at, id)'
				ELSE pg_get_indexdef(c.oid) END)
			|| statements
		INTO statements
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		WHERE i.indrelid = relation;
		statements := ARRAY['ALTER TABLE @extschema@.provider_heartbeats RENAME TO provider_heartbeats_before',
			'SELECT liveness_internal.liveness_make_like(''@extschema@.provider_heartbeats_before'', ''@extschema@.provider_heartbeats'', true)',
			'ALTER SEQUENCE @extschema@.provider_heartbeats_id_seq OWNED BY @extschema@.provider_heartbeats.id',
			'SELECT liveness_internal.liveness_make_like(''@extschema@.provider_heartbeats_before'', ''@extschema@.provider_heartbeats_after'', false)',
			'ALTER EXTENSION liveness ADD TABLE @extschema@.provider_heartbeats_after',
			'SELECT liveness_internal.liveness_dump_rows_of(''@extschema@.provider_heartbeats_after'')'] || statements;
		FOREACH statement IN ARRAY statements
		LOOP
			EXECUTE statement;
		END LOOP;

		-- unless it is to be moved to partitions of its own, or a clock ahead of the time wrote it
		IF since IS NULL THEN
			start := start + width;
		END IF;
		before_until := start;
		lower := start;
		ahead := '@extschema@.provider_heartbeats_after';
		-- the watermark goes on: the ids are those of the same sequence
		UPDATE liveness_internal.liveness_job_state s
		SET watermark_of = replace(s.watermark_of, format('/%s/', relation::oid), format('/%s/', '@extschema@.provider_heartbeats'::regclass::oid))
		WHERE s.job = 'hourly';
	END IF;

	relation := '@extschema@.provider_heartbeats';
	IF ahead IS NULL THEN
		SELECT r.partition, r.since INTO ahead, lower
		FROM liveness_internal.liveness_heartbeat_partitions() r
		JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.partition AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
		WHERE r.until = 'infinity' AND isfinite(r.since);
		IF ahead IS NULL THEN
			RAISE EXCEPTION USING
				ERRCODE = 'object_not_in_prerequisite_state',
				MESSAGE = format('%s was not partitioned by liveness_partition_heartbeats()', relation),
				HINT = 'Let whatever made its partitions make the others too.';
		END IF;
		IF lower >= until THEN
			RETURN 0;
		END IF;
		EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', relation);
		EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', relation, ahead);
	END IF;

	-- the first new partition fills what lies between
	upper := greatest(start, date_bin(width, lower, monday));
	upper := CASE WHEN upper > lower THEN upper ELSE upper + width END;
	WHILE lower < until
	LOOP
		-- which would run with the rights of the owner, whoever made it
		IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = ahead AND NOT t.tgisinternal) THEN
			EXECUTE format('SELECT EXISTS (SELECT FROM %s h WHERE h.at >= $1 AND h.at < $2)', ahead) INTO is_filled USING lower, upper;
			IF is_filled THEN
				RAISE WARNING 'no partition was made from % to %, because a trigger would run for each heartbeat that is to be moved there', lower, upper
					USING HINT = format('Drop the triggers of %s, or delete these heartbeats.', ahead);
				EXIT;
			END IF;
		END IF;
		statement := '@extschema@.provider_heartbeats_' || to_char(lower,
			CASE WHEN date_trunc('day', lower) = lower AND date_trunc('day', upper) = upper THEN 'YYYYMMDD' ELSE 'YYYYMMDD_HH24' END);
		partition := liveness_internal.liveness_make_like(ahead, statement, false);
		EXECUTE format('WITH moved AS (DELETE FROM %s h WHERE h.at >= $1 AND h.at < $2 RETURNING h.*) INSERT INTO %s SELECT * FROM moved',
			ahead, partition) USING lower, upper;
		EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', relation, partition, lower, upper);
		EXECUTE format('ALTER EXTENSION liveness ADD TABLE %s', partition);
		PERFORM liveness_internal.liveness_dump_rows_of(partition);
		made := made + 1;
		lower := upper;
		upper := upper + width;
	END LOOP;
	EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (MAXVALUE)', relation, ahead, lower);
	IF before_until IS NOT NULL THEN
		EXECUTE 'WITH later AS (DELETE FROM @extschema@.provider_heartbeats_before h WHERE h.at >= $1 RETURNING h.*)'
			' INSERT INTO @extschema@.provider_heartbeats SELECT * FROM later' USING before_until;
		EXECUTE 'ALTER TABLE @extschema@.provider_heartbeats ATTACH PARTITION @extschema@.provider_heartbeats_before'
			' FOR VALUES FROM (MINVALUE) TO (' || quote_literal(before_until) || ')';
	END IF;
	RETURN made;
END
$$;
COMMENT ON FUNCTION liveness_partition_heartbeats(interval, timestamptz, timestamptz) IS 'Partitions provider_heartbeats by range of at, and makes the partitions of a span';
