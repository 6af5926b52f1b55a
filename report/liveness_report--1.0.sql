/* liveness_report--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION liveness_report" to load this file. \quit

-- How the parts work together:
-- Three PL/pgSQL functions read objects of liveness.  They look up its schema when they
-- run, so nothing here depends on a function, view, table or type of liveness, and an
-- upgrade of liveness may change any of them.
-- SQL functions make HTML of what these three return.  They call each other, bound when
-- they are created.
--
-- Nothing that stands in the extension's schema may take the place of a function or an
-- operator of PostgreSQL.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

------------------------------------------------------------------------------
-- Reading liveness
------------------------------------------------------------------------------

-- The functions that call this one name the columns and their types.
CREATE FUNCTION @extschema@.liveness_report_rows(query text, VARIADIC arguments text[] DEFAULT '{}')
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1
SET jit = off
AS $$
BEGIN
	RETURN QUERY EXECUTE replace(query, '@liveness@', (
		SELECT e.extnamespace::regnamespace::text FROM pg_extension e WHERE e.extname = 'liveness')) USING arguments;
END
$$;
COMMENT ON FUNCTION @extschema@.liveness_report_rows(text, text[]) IS
	'Runs a query in which @liveness@ is the schema of extension liveness, and $1 the array of arguments';

CREATE FUNCTION @extschema@.liveness_report_counters()
RETURNS TABLE (name text, value float8, help text)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT c.name::text, c.value::float8, c.help::text FROM %s.liveness_stats c', (
		SELECT e.extnamespace::regnamespace FROM pg_extension e WHERE e.extname = 'liveness'));
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	RETURN;
END
$$;
COMMENT ON FUNCTION @extschema@.liveness_report_counters() IS 'The rows of liveness_stats; none where the library is not preloaded';

CREATE FUNCTION @extschema@.liveness_report_candidate_rows(job interval, max_rows int)
RETURNS TABLE (provider_id text, probability float8, lower float8, upper float8, age_seconds float8,
	own_sessions float8, liveness_score float8, missing text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT c.provider_id::text, c.probability::float8, c.lower::float8, c.upper::float8,
			c.age_seconds::float8, c.own_sessions::float8, c.liveness_score::float8, NULL::text
		FROM %s.liveness_candidates($1, 0.5::float8, $2) c', (
		SELECT e.extnamespace::regnamespace FROM pg_extension e WHERE e.extname = 'liveness'))
	USING job, max_rows;
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	missing := SQLERRM;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION @extschema@.liveness_report_candidate_rows(interval, int) IS
	'The rows of liveness_candidates; where it says 55000, as before the first rollup, a row of its message';

CREATE FUNCTION @extschema@.liveness_report_at_risk_rows(max_rows int)
RETURNS TABLE (provider_id text, group_name text, age_seconds float8, probability float8)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT r.provider_id::text, r.group_name::text, r.age_seconds::float8, r.probability::float8
		FROM %s.liveness_at_risk(interval ''1 hour'', 0.5::float8) r LIMIT $1', (
		SELECT e.extnamespace::regnamespace FROM pg_extension e WHERE e.extname = 'liveness'))
	USING max_rows;
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	RETURN;
END
$$;
COMMENT ON FUNCTION @extschema@.liveness_report_at_risk_rows(int) IS
	'The first rows of liveness_at_risk; none where it says 55000, as before the first rollup';

------------------------------------------------------------------------------
-- Texts and figures
------------------------------------------------------------------------------

-- A value may be corrupt: written before a check existed, or by a cast of one's own.
-- Its ASCII is shown then, and NULL stands for each other byte.
CREATE FUNCTION @extschema@.liveness_report_characters(value text, max_chars int)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bytes bytea := replace(value, E'\\', E'\\\\')::bytea;
	chars int;
BEGIN
	IF max_chars < 1 THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('max_chars must be at least 1, and is %s', max_chars),
			HINT = 'Give the number of characters to keep, or NULL for all.';
	END IF;
	chars := length(bytes, getdatabaseencoding());		-- which fails if the value is corrupt
	RETURN string_to_array(left(value, coalesce(max_chars, chars)), NULL)
		|| CASE WHEN chars > max_chars THEN '{...}' ELSE '{}' END::text[];
EXCEPTION WHEN character_not_in_repertoire THEN
	RETURN (
		SELECT array_agg(CASE WHEN i = max_chars THEN '...' WHEN get_byte(bytes, i) BETWEEN 1 AND 127 THEN chr(get_byte(bytes, i)) END ORDER BY i)
		FROM generate_series(0, least(length(bytes) - 1, max_chars)) i);
END
$$;
COMMENT ON FUNCTION @extschema@.liveness_report_characters(text, int) IS
	'The first max_chars characters (NULL: all), and three dots if there are more; max_chars below 1 is error 22023';

-- What is beyond ASCII goes by its number: a page means the same in every encoding of
-- database, client and file.
CREATE FUNCTION @extschema@.liveness_report_character(value text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	bytes bytea := E'\\xefbfbd';		-- U+FFFD
	code int;
BEGIN
	IF value = '...' THEN
		RETURN '&#8230;';
	END IF;
	BEGIN
		bytes := coalesce(convert_to(value, 'UTF8'), bytes);
	EXCEPTION WHEN untranslatable_character OR character_not_in_repertoire OR undefined_function THEN
		NULL;	-- not a character of Unicode, or SQL_ASCII, which does not say what its upper half means
	END;
	code := CASE length(bytes)
		WHEN 1 THEN get_byte(bytes, 0)
		WHEN 2 THEN (get_byte(bytes, 0) & 31) * 64 + (get_byte(bytes, 1) & 63)
		WHEN 3 THEN (get_byte(bytes, 0) & 15) * 4096 + (get_byte(bytes, 1) & 63) * 64 + (get_byte(bytes, 2) & 63)
		ELSE (get_byte(bytes, 0) & 7) * 262144 + (get_byte(bytes, 1) & 63) * 4096 + (get_byte(bytes, 2) & 63) * 64 + (get_byte(bytes, 3) & 63) END;
	RETURN CASE
		WHEN code = 38 THEN '&amp;'
		WHEN code = 60 THEN '&lt;'
		WHEN code = 62 THEN '&gt;'
		WHEN code = 34 THEN '&quot;'
		WHEN code = 39 THEN '&#39;'
		WHEN code BETWEEN 32 AND 126 THEN chr(code)
		-- Nobody sees these, or they turn others around, or HTML forbids them: controls, soft hyphen,
		-- Arabic letter mark, Mongolian vowel separator, zero width space (the joiners that follow are
		-- parts of words), marks of direction, separators and embeddings, isolates, byte order mark,
		-- annotations, tags; and noncharacters, of which each plane has its last two.
		WHEN code <@ '{[0,31],[127,159],[173,173],[1564,1564],[6158,6158],[8203,8203],[8206,8207],[8232,8238],[8288,8303],[64976,65007],[65279,65279],[65529,65531],[917504,917631]}'::int4multirange
			OR (code & 65534) = 65534
			THEN CASE WHEN code > 65535 THEN E'\\U' || lpad(upper(to_hex(code)), 8, '0') ELSE E'\\u' || lpad(upper(to_hex(code)), 4, '0') END
		ELSE '&#' || code || ';' END;
END
$$;
COMMENT ON FUNCTION @extschema@.liveness_report_character(text) IS 'A character for HTML, in ASCII; U+FFFD for NULL and for what is none of Unicode';

-- All that is not a constant of ours goes through here, or is a number.
CREATE FUNCTION @extschema@.liveness_report_escape(value text, max_chars int DEFAULT NULL)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE
		WHEN value IS NULL THEN NULL
		-- nothing but printable ASCII; a regular expression alone would overlook a corrupt byte
		WHEN octet_length(value) <= COALESCE(max_chars, octet_length(value)) AND value COLLATE "C" ~ '^[ -~]*$'
			AND encode(replace(value, E'\\', E'\\\\')::bytea, 'escape') = replace(value, E'\\', E'\\\\')
			THEN replace(replace(replace(replace(replace(value, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;')
		ELSE (
			SELECT string_agg(@extschema@.liveness_report_character(c.value), '' ORDER BY c.n)
			FROM unnest(@extschema@.liveness_report_characters(liveness_report_escape.value, max_chars)) WITH ORDINALITY c (value, n))
		END;
END;
COMMENT ON FUNCTION @extschema@.liveness_report_escape(text, int) IS 'A text for an element of HTML or a quoted attribute, in ASCII, clipped after max_chars characters';

CREATE FUNCTION @extschema@.liveness_report_number(value float8, decimals int DEFAULT 0)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN abs(value) < 1e15::float8
		THEN to_char(round(value::numeric, least(greatest(decimals, 0), 9)),
			'FM999,999,999,999,990' || CASE WHEN decimals > 0 THEN '.' || repeat('0', least(decimals, 9)) ELSE '' END)
		ELSE value::text END;
END;
COMMENT ON FUNCTION @extschema@.liveness_report_number(float8, int) IS 'A number to read, in groups of three digits, with 0 to 9 decimals, whatever the locale';

-- Who is nearly always there is not shown as one who is always there.
CREATE FUNCTION @extschema@.liveness_report_share(share float8, whole int DEFAULT 100, decimals int DEFAULT 1)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT @extschema@.liveness_report_number(CASE WHEN share < 1::float8
		THEN least(round((whole::float8 * share)::numeric, decimals), whole::numeric - power(10::numeric, -decimals::numeric))::float8
		ELSE whole::float8 * share END, decimals);
END;
COMMENT ON FUNCTION @extschema@.liveness_report_share(float8, int, int) IS 'A share of the whole to read; one below 1 is never rounded up to the whole';

CREATE FUNCTION @extschema@.liveness_report_span(seconds float8)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE
		WHEN abs(seconds) < 1::float8 THEN @extschema@.liveness_report_number(1000::float8 * seconds, 0) || ' ms'
		WHEN abs(seconds) < 100::float8 THEN @extschema@.liveness_report_number(seconds, 0) || ' s'
		WHEN abs(seconds) < 6000::float8 THEN @extschema@.liveness_report_number(seconds / 60::float8, 0) || ' min'
		WHEN abs(seconds) < 360000::float8 THEN @extschema@.liveness_report_number(seconds / 3600::float8, 1) || ' h'
		ELSE @extschema@.liveness_report_number(seconds / 86400::float8, 0) || ' d' END;
END;
COMMENT ON FUNCTION @extschema@.liveness_report_span(float8) IS 'A length of time to read: ms below 1 s, s below 100, min below 100, h below 100, then d';

CREATE FUNCTION @extschema@.liveness_report_time(at timestamptz)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN isfinite(at)
		THEN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
		ELSE at::text END;
END;
COMMENT ON FUNCTION @extschema@.liveness_report_time(timestamptz) IS 'An instant to read, to the minute, in UTC';

-- Cells are escaped here, and nowhere else: none can be forgotten.
CREATE FUNCTION @extschema@.liveness_report_table(caption text, columns text[], cells text[], left_columns int[] DEFAULT '{1}', bars float8[] DEFAULT NULL, max_chars int DEFAULT 200)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH head AS (
		SELECT string_agg('<th scope="col"' || CASE WHEN h.n = ANY (left_columns) THEN ' class="l"' ELSE '' END || '>'
				|| @extschema@.liveness_report_escape(h.name, 200) || '</th>', '' ORDER BY h.n) AS html,
			'<caption>' || COALESCE(@extschema@.liveness_report_escape(caption, 200), '') || '</caption>' AS title
		FROM unnest(columns) WITH ORDINALITY h (name, n)
	), cell AS (
		SELECT c.n, (c.n - 1) / nullif(cardinality(columns), 0) AS line, (c.n - 1) % nullif(cardinality(columns), 0) + 1 AS col,
			CASE WHEN c.value IS NULL THEN '<i>&#8211;</i>' WHEN c.value = '' THEN '<i>(empty)</i>'
				ELSE @extschema@.liveness_report_escape(c.value, max_chars) END AS html
		FROM unnest(cells) WITH ORDINALITY c (value, n)
	), line AS (
		SELECT c.line, string_agg(
				CASE WHEN c.col = 1 THEN '<th scope="row"><bdi>' || c.html || '</bdi></th>'
					WHEN c.col = ANY (left_columns) THEN '<td class="l"><bdi>' || c.html || '</bdi></td>'
					ELSE '<td>' || c.html || '</td>' END, '' ORDER BY c.col) AS html
		FROM cell c
		GROUP BY c.line
	)
	SELECT '<div class="scroll" role="region" tabindex="0" aria-label="' || COALESCE(@extschema@.liveness_report_escape(caption, 200), '') || '"><table>'
		|| h.title || '<thead><tr>' || h.html || CASE WHEN bars IS NULL THEN '' ELSE '<td></td>' END || '</tr></thead><tbody>'
		|| COALESCE(string_agg('<tr>' || l.html || CASE WHEN bars IS NULL THEN '' ELSE '<td class="bar"><div style="width:'
				|| round(100 * least(greatest(COALESCE(bars[l.line + 1], 0), 0), 1)::numeric, 1) || '%"></div></td>' END || E'</tr>\n', '' ORDER BY l.line),
			'<tr><td class="l" colspan="' || cardinality(columns) || '"><i>none</i></td></tr>')
		|| E'</tbody></table></div>\n'
	FROM head h
	LEFT JOIN line l ON true
	GROUP BY h.html, h.title;
END;
COMMENT ON FUNCTION @extschema@.liveness_report_table(text, text[], text[], int[], float8[], int) IS 'A table of HTML, its cells given row by row; all are escaped, and cells clipped after max_chars characters';

------------------------------------------------------------------------------
-- Images
------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.liveness_report_heatmap(matrix jsonb, title text DEFAULT 'Availability by hour of the week')
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH cell AS (
		SELECT (c.n - 1) / 24 AS day, (c.n - 1) % 24 AS hour,
			CASE WHEN jsonb_typeof(c.share) = 'number' THEN least(greatest(c.share::numeric, 0), 1) END AS share
		FROM jsonb_array_elements(CASE WHEN jsonb_typeof(matrix) = 'array'
			THEN CASE WHEN jsonb_array_length(matrix) = 168 THEN matrix ELSE '[]' END
			ELSE '[]' END) WITH ORDINALITY c (share, n)
	), shade AS (
		SELECT ceil(10 * c.share)::int AS level,
			string_agg(CASE WHEN c.share IS NULL THEN 'M' || 31.5 + 13 * c.hour || ' ' || 16.5 + 13 * c.day || 'h11v11h-11z'
				ELSE 'M' || 31 + 13 * c.hour || ' ' || 16 + 13 * c.day || 'h12v12h-12z' END, '' ORDER BY c.day, c.hour) AS squares
		FROM cell c
		GROUP BY level
	), named AS (
		SELECT c.share, (ARRAY['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'])[c.day + 1] || ' ' || c.hour || ' h' AS hour,
			row_number() OVER (ORDER BY c.share, c.day, c.hour) AS n_low, row_number() OVER (ORDER BY c.share DESC, c.day, c.hour) AS n_high
		FROM cell c
		WHERE c.share IS NOT NULL
	)
	SELECT '<svg xmlns="http://www.w3.org/2000/svg" class="heatmap" viewBox="0 0 344 108" role="img" aria-label="'
		|| @extschema@.liveness_report_escape(COALESCE(title, ''), 200) || '" font-family="system-ui, sans-serif" font-size="11" fill="currentColor"><title>'
		|| @extschema@.liveness_report_escape(COALESCE(title, ''), 200) || '</title><desc>'
		|| COALESCE((SELECT 'Mean ' || @extschema@.liveness_report_share(avg(n.share)::float8) || ' %. Lowest '
				|| string_agg(n.hour || ', ' || @extschema@.liveness_report_share(n.share::float8) || ' %', '') FILTER (WHERE n.n_low = 1) || '; highest '
				|| string_agg(n.hour || ', ' || @extschema@.liveness_report_share(n.share::float8) || ' %', '') FILTER (WHERE n.n_high = 1) || '.'
			FROM named n), 'No hour is known.')
		|| '</desc>'
		|| (SELECT string_agg('<text x="' || 31 + 13 * h || '" y="11">' || h || '</text>', '' ORDER BY h) FROM generate_series(0, 21, 3) h)
		|| (SELECT string_agg('<text x="0" y="' || 26 + 13 * (d.n - 1) || '">' || d.name || '</text>', '' ORDER BY d.n)
			FROM unnest(ARRAY['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']) WITH ORDINALITY d (name, n))
		|| string_agg(CASE WHEN s.level IS NULL THEN '<path fill="none" stroke="currentColor" stroke-opacity=".3"'
				WHEN s.level = 0 THEN '<path fill-opacity=".07"'
				ELSE '<path class="accent" fill="#1f5f99" fill-opacity="' || round(s.level / 10.0, 1) || '"' END
			|| ' d="' || s.squares || '"/>', '' ORDER BY s.level)
		|| '</svg>'
	FROM shade s
	HAVING count(*) > 0;
END;
COMMENT ON FUNCTION @extschema@.liveness_report_heatmap(jsonb, text) IS 'hourly_availability as an image (SVG): a row a day from Sunday, a square an hour, UTC, in ten shades';

CREATE FUNCTION @extschema@.liveness_report_legend()
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT '<svg xmlns="http://www.w3.org/2000/svg" class="legend" viewBox="0 0 380 14" role="img" aria-label="Legend: share of the hour online" font-family="system-ui, sans-serif" font-size="11" fill="currentColor">'
		'<text x="0" y="11">0 %</text><path fill-opacity=".07" d="M31 1h12v12h-12z"/>'
		|| string_agg('<path class="accent" fill="#1f5f99" fill-opacity="' || round(l / 10.0, 1) || '" d="M' || 31 + 13 * l || ' 1h12v12h-12z"/>', '' ORDER BY l)
		|| '<text x="178" y="11">100 %</text><path fill="none" stroke="currentColor" stroke-opacity=".3" d="M231.5 1.5h11v11h-11z"/><text x="249" y="11">not in the window</text></svg>'
	FROM generate_series(1, 10) l;
END;
COMMENT ON FUNCTION @extschema@.liveness_report_legend() IS 'The shades of liveness_report_heatmap, as an image (SVG)';

CREATE FUNCTION @extschema@.liveness_report_survival_arguments(hour float8, hours int)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF hour IS NULL OR hour NOT BETWEEN 1e-9 AND 1e15 OR hours NOT BETWEEN 1 AND 8760 OR hours IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('hour must be from 1e-9 to 1e15 and hours from 1 to 8760, and they are %s and %s', coalesce(hour::text, 'NULL'), coalesce(hours::text, 'NULL')),
			HINT = 'hour is an hour in the unit of the curve (3600 if that is seconds), hours the length of the axis.';
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION @extschema@.liveness_report_survival_arguments(float8, int) IS 'True, once the arguments of liveness_report_survival have been checked; else error 22023';

-- A step to the pixel is enough: the curve may have thousands.  It is handed over as text,
-- for a type of liveness as an argument would tie this function to it.
CREATE FUNCTION @extschema@.liveness_report_survival(curve text, hour float8 DEFAULT 3600, hours int DEFAULT 48,
	title text DEFAULT 'Survival of sessions')
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH point AS MATERIALIZED (
		SELECT p.time / liveness_report_survival.hour AS hours, p.survival, COALESCE(p.lower, p.survival) AS lower,
			COALESCE(p.upper, p.survival) AS upper, p.n_event, p.s4, p.s8, p.median / liveness_report_survival.hour AS median
		FROM @extschema@.liveness_report_rows(
			'SELECT t.time::float8, t.survival::float8, t.lower::float8, t.upper::float8, t.n_event::float8,
				@liveness@.survival_at(c.curve, 4 * c.hour)::float8, @liveness@.survival_at(c.curve, 8 * c.hour)::float8, @liveness@.survival_quantile(c.curve, 0.5)::float8
			FROM (SELECT $1[1]::@liveness@.survival_curve AS curve, $1[2]::float8 AS hour) c
			CROSS JOIN LATERAL @liveness@.survival_table(c.curve) t',
			liveness_report_survival.curve, liveness_report_survival.hour::text)
			p (time float8, survival float8, lower float8, upper float8, n_event float8, s4 float8, s8 float8, median float8)
		WHERE @extschema@.liveness_report_survival_arguments(liveness_report_survival.hour, liveness_report_survival.hours)
	), step AS MATERIALIZED (
		SELECT DISTINCT ON (x) round((44 + 500 * p.hours / liveness_report_survival.hours)::numeric, 0) AS x,
			round((250 - 214 * p.survival)::numeric, 1) AS y,
			round((250 - 214 * p.lower)::numeric, 1) AS y_lower,
			round((250 - 214 * p.upper)::numeric, 1) AS y_upper
		FROM point p
		WHERE p.n_event > 0 AND p.hours >= 0 AND p.hours <= liveness_report_survival.hours
		ORDER BY x, p.hours DESC
	), reach AS (
		-- after the last event too, for as long as anybody was watched
		SELECT round((44 + 500 * least(greatest(max(p.hours), 0), liveness_report_survival.hours) / liveness_report_survival.hours)::numeric, 0) AS x,
			max(p.s4) AS s4, max(p.s8) AS s8, max(p.median) AS median
		FROM point p
	), path AS (
		SELECT 'M44 36' || COALESCE(string_agg(format('H%sV%s', s.x, s.y), '' ORDER BY s.x), '') || format('H%s', (SELECT r.x FROM reach r)) AS line,
			'M44 36' || COALESCE(string_agg(format('H%sV%s', s.x, s.y_upper), '' ORDER BY s.x), '') || format('H%s', (SELECT r.x FROM reach r))
				|| COALESCE(string_agg(format('V%sH%s', s.y_lower, s.x), '' ORDER BY s.x DESC), '') || 'V36Z' AS band
		FROM step s
	), mark AS (
		SELECT m.h, m.survival, 44 + 500 * m.h / liveness_report_survival.hours::numeric AS x, round((250 - 214 * m.survival)::numeric, 1) AS y,
			-- the label of the earlier stands above that of the later
			least(round((250 - 214 * m.survival)::numeric, 1) - 8, lead(round((250 - 214 * m.survival)::numeric, 1) - 8 - 19) OVER (ORDER BY m.h)) AS label_y
		FROM (SELECT v.h, v.survival FROM reach r CROSS JOIN LATERAL (VALUES (4, r.s4), (8, r.s8)) v (h, survival)) m
		WHERE m.h <= liveness_report_survival.hours AND m.survival IS NOT NULL
	)
	SELECT concat('<svg xmlns="http://www.w3.org/2000/svg" class="survival" viewBox="0 0 560 296" role="img" aria-label="',
			@extschema@.liveness_report_escape(COALESCE(liveness_report_survival.title, ''), 200), '" font-family="system-ui, sans-serif" font-size="12" fill="currentColor"><title>',
			@extschema@.liveness_report_escape(COALESCE(liveness_report_survival.title, ''), 200), '</title><desc>',
			COALESCE((SELECT string_agg(format('Longer than %s h last %s %%. ', m.h, @extschema@.liveness_report_share(m.survival)), '' ORDER BY m.h) FROM mark m), ''),
			COALESCE(format('Half of them last longer than %s h.', @extschema@.liveness_report_number((SELECT r.median FROM reach r), 1)),
				'The median is not reached.'), '</desc>',
			-- the axes
			(SELECT string_agg(format('<path stroke="currentColor" stroke-opacity=".18" d="M44 %sH544"/><text x="38" y="%s" text-anchor="end">%s</text>',
				y, y + 4, share), '' ORDER BY share) FROM generate_series(0, 100, 25) share CROSS JOIN LATERAL (SELECT 250 - 2.14 * share AS y) at),
			(SELECT string_agg(format('<text x="%s" y="268" text-anchor="middle">%s</text>', trim_scale(round(44 + 62.5 * k, 1)), trim_scale(round(liveness_report_survival.hours * k / 8.0, 2))), '' ORDER BY k)
				FROM generate_series(0, 8) k),
			'<text x="294" y="290" text-anchor="middle">hours since it connected</text>',
			'<path class="accent" fill="#1f5f99" fill-opacity=".18" d="', p.band, '"/>',
			'<path class="accent line" fill="none" stroke="#1f5f99" stroke-width="2" d="', p.line, '"/>',
			(SELECT string_agg(format('<path stroke="currentColor" stroke-opacity=".5" stroke-dasharray="2 3" d="M%1$s 250V%2$s"/>'
				'<circle class="accent" fill="#1f5f99" cx="%1$s" cy="%2$s" r="4"/><text class="mark" x="%3$s" y="%4$s">%5$s h: %6$s %%</text>',
				trim_scale(round(m.x, 1)), m.y, trim_scale(round(m.x + 6, 1)), m.label_y, m.h, @extschema@.liveness_report_share(m.survival)), '' ORDER BY m.h) FROM mark m),
			'</svg>')
	FROM path p
	WHERE @extschema@.liveness_report_survival_arguments(liveness_report_survival.hour, liveness_report_survival.hours)
	AND liveness_report_survival.curve IS NOT NULL;
END;
COMMENT ON FUNCTION @extschema@.liveness_report_survival(text, float8, int, text) IS 'A survival_curve, cast to text, as an image (SVG); hour is an hour in its unit, hours the length of the axis';

CREATE FUNCTION @extschema@.liveness_report_mean_matrix()
RETURNS jsonb
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT m.matrix
	FROM @extschema@.liveness_report_rows(
		'SELECT @liveness@.liveness_mean_matrix(f.hourly_availability)
		FROM @liveness@.provider_reliability_features f
		WHERE f.sessions_count > 0') m (matrix jsonb);
END;
COMMENT ON FUNCTION @extschema@.liveness_report_mean_matrix() IS 'The mean of hourly_availability over the providers with a session in the window, in the same form';

------------------------------------------------------------------------------
-- The page
------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.liveness_report_style()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '
:root { color-scheme: light dark; --page: #fff; --ink: #1b2530; --quiet: #5a6672; --line: #d9dfe5; --accent: #1f5f99 }
@media (prefers-color-scheme: dark) { :root { --page: #13171c; --ink: #dde3e9; --quiet: #98a4af; --line: #2e363f; --accent: #6fb2ea } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 74rem; padding: 1rem 1.25rem 2rem; background: var(--page); color: var(--ink);
	font: .875rem/1.45 system-ui, sans-serif; overflow-wrap: anywhere; font-variant-numeric: tabular-nums }
h1 { margin: 0; font-size: 1.375rem; line-height: 1.25 }
h2 { margin: 1.75rem 0 .5rem; border-top: 1px solid var(--line); padding-top: .75rem; font-size: 1.0625rem }
p { margin: .25rem 0 .5rem; max-width: 46rem }
.quiet, dt, i, caption small, figcaption, footer { color: var(--quiet); font-style: normal }
bdi { white-space: pre-wrap }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.75rem, 1fr)); gap: .75rem 1rem; margin: 1rem 0 }
dd { margin: 0; font-size: 1.375rem; line-height: 1.3 }
dd small { font-size: .8125rem; color: var(--quiet) }
ul { margin: .75rem 0; border-left: 3px solid var(--accent); padding: 0 0 0 .75rem; list-style: none }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); gap: 1rem 2.5rem; align-items: start }
.maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1.25rem 2rem }
.grid > *, .maps > * { min-width: 0 }
figure { margin: 0 }
figcaption { margin-bottom: .25rem }
figcaption b, caption { font-weight: 600; color: var(--ink) }
svg { display: block; width: 100%; height: auto }
svg .accent { fill: var(--accent) }
svg .line { fill: none; stroke: var(--accent) }
svg.heatmap { max-width: 28rem }
svg.legend { max-width: 23.75rem; margin: .25rem 0 .75rem }
svg .mark { paint-order: stroke; stroke: var(--page); stroke-width: 4px; font-weight: 600 }
.scroll { overflow-x: auto }
.scroll + .scroll, svg + .scroll { margin-top: 1rem }
.grid > .scroll { margin-top: 0 }
.grid + .grid { margin-top: 1.25rem }
table { border-collapse: collapse; width: 100%; line-height: 1.3 }
caption { padding: 0 0 .25rem; text-align: left }
th, td { border-bottom: 1px solid var(--line); padding: .25rem 0 .25rem .625rem; text-align: right; vertical-align: top; white-space: nowrap; font-weight: 400 }
thead th { color: var(--quiet); vertical-align: bottom; white-space: normal; overflow-wrap: normal }
th:first-child, td:first-child { padding-left: 0; text-align: left }
tbody th { min-width: 6.75rem; white-space: normal }
.l { text-align: left; white-space: normal }
td.l { min-width: 9rem }
td.bar { width: 35%; min-width: 5rem; vertical-align: middle }
td.bar div { height: .7em; background: var(--accent) }
footer { margin-top: 2rem }
@media (max-width: 40rem) {
	body { padding: .75rem; font-size: .8125rem }
	th, td { padding-left: .375rem }
	tbody th { min-width: 5.5rem }
	svg.survival { font-size: 18px }
}
@media print { figure, tr { break-inside: avoid } }
';
COMMENT ON FUNCTION @extschema@.liveness_report_style() IS 'The style sheet of liveness_report';

CREATE FUNCTION @extschema@.liveness_report_arguments(title text, max_rows int, heatmaps int)
RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF title IS NULL THEN
		RAISE EXCEPTION USING
			ERRCODE = 'null_value_not_allowed',
			MESSAGE = 'title must not be NULL',
			HINT = 'Give the heading of the page, or leave the argument out.';
	ELSIF max_rows IS NULL OR max_rows NOT BETWEEN 1 AND 500 THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('max_rows must be from 1 to 500, and is %s', coalesce(max_rows::text, 'NULL')),
			HINT = 'Give the number of rows of each table, or leave the argument out.';
	ELSIF heatmaps IS NULL OR heatmaps NOT BETWEEN 0 AND 500 THEN
		RAISE EXCEPTION USING
			ERRCODE = 'invalid_parameter_value',
			MESSAGE = format('heatmaps must be from 0 to 500, and is %s', coalesce(heatmaps::text, 'NULL')),
			HINT = 'Give the number of providers to draw the heatmap of, or leave the argument out.';
	END IF;
	RETURN true;
END
$$;
COMMENT ON FUNCTION @extschema@.liveness_report_arguments(text, int, int) IS 'True, once the arguments of liveness_report have been checked; else error 22004 or 22023';

-- What the header, the remarks and the figures need of the fleet comes with a single look.
CREATE FUNCTION @extschema@.liveness_report_remarks(network jsonb, counters text[])
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH remark AS (
		SELECT 1 AS n, 'There was no rollup of the features yet: uptime, ranking, heatmaps and reasons come with the first.' AS remark
		WHERE network ->> 'updated_at' IS NULL
		UNION ALL
		SELECT 2, format('The last rollup of the features is %s old.', @extschema@.liveness_report_span(date_part('epoch', now()) - date_part('epoch', (network ->> 'updated_at')::timestamptz)))
		WHERE (network ->> 'updated_at')::timestamptz < now() - '1 hour'::interval
		UNION ALL
		SELECT 3, format('The job %s failed when it ran last: %s', j.job, j.last_error)
		FROM @extschema@.liveness_report_rows(
			'SELECT j.job::text, left(j.last_error, 1000) FROM @liveness@.liveness_jobs j
			WHERE j.last_error_at > j.last_started_at OR (j.last_error_at IS NOT NULL AND j.last_started_at IS NULL)') j (job text, last_error text)
		UNION ALL
		SELECT 4, format('Open sessions that nobody has heard of for liveness.session_timeout: %s.', @extschema@.liveness_report_number((network ->> 'stale')::float8))
		WHERE (network ->> 'stale')::float8 > 0
		UNION ALL
		SELECT 6, format('Heartbeats are not deleted in time: the oldest is %s past liveness.heartbeat_retention.', @extschema@.liveness_report_span(m.value))
		FROM @extschema@.liveness_report_rows(
			'SELECT m.value::float8 FROM @liveness@.liveness_metrics m WHERE m.name = ''liveness_overdue_seconds''') m (value float8)
		-- as the alert
		WHERE m.value > 43200::float8
		UNION ALL
		SELECT 5, format('%s is %s: %s.', counters[i][1], @extschema@.liveness_report_number(counters[i][2]::float8), counters[i][3])
		FROM generate_subscripts(counters, 1) i
		WHERE counters[i][1] IN ('liveness_dropped_total', 'liveness_rows_lost_total', 'liveness_rows_set_aside_total', 'liveness_flush_failed_total')
		AND counters[i][2]::float8 > 0
	)
	SELECT '<ul aria-label="To look at">' || string_agg('<li>' || @extschema@.liveness_report_escape(r.remark, 300) || '</li>', '' ORDER BY r.n, r.remark) || E'</ul>\n'
	FROM remark r;
END;
COMMENT ON FUNCTION @extschema@.liveness_report_remarks(jsonb, text[]) IS 'Part of liveness_report: what to look at; NULL: nothing';

CREATE FUNCTION @extschema@.liveness_report_figures(network jsonb)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT E'<dl>\n' || string_agg(format(E'<div><dt>%s</dt><dd>%s</dd></div>\n', f.name,
		COALESCE(CASE WHEN f.is_share THEN @extschema@.liveness_report_share((network ->> f.key)::float8) || ' <small>%</small>'
			ELSE @extschema@.liveness_report_number((network ->> f.key)::float8) END, '&#8211;')), '' ORDER BY f.n) || E'</dl>\n'
	FROM (VALUES
		(1, 'providers', 'providers', false),
		(2, 'connected', 'connected', false),
		(3, 'stale', 'stale', false),
		(4, 'vanished', 'vanished', false),
		(5, 'up &#8805; 95 %', 'highly_reliable', false),
		(6, 'mean uptime', 'mean_uptime_pct', true),
		(7, 'p10 uptime', 'p10_uptime_pct', true),
		(8, 'median uptime', 'p50_uptime_pct', true),
		(9, 'p90 uptime', 'p90_uptime_pct', true)
	) f (n, name, key, is_share);
END;
COMMENT ON FUNCTION @extschema@.liveness_report_figures(jsonb) IS 'Part of liveness_report: the figures of the fleet';

CREATE FUNCTION @extschema@.liveness_report_session_lengths(network jsonb)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH fleet AS MATERIALIZED (
		-- as the last rollup; what others wrote into its table is no reason to fail
		SELECT f.curve
		FROM @extschema@.liveness_report_rows(
			'SELECT @liveness@.liveness_fleet_survival(CASE WHEN isfinite($1[1]::timestamptz) THEN $1[1]::timestamptz ELSE now() END,
				least(greatest($1[2]::int, 1), 3650))::text',
			network ->> 'updated_at', network ->> 'window_days') f (curve text)
	), row AS (
		SELECT array_agg(@extschema@.liveness_report_share(s.survival) ORDER BY s.hours) AS survival,
			array_agg(@extschema@.liveness_report_share(s.lower) ORDER BY s.hours) AS lower,
			array_agg(@extschema@.liveness_report_share(s.upper) ORDER BY s.hours) AS upper
		FROM fleet f
		CROSS JOIN LATERAL @extschema@.liveness_report_rows(
			'SELECT h.hours, a.survival, b.lower, b.upper
			FROM (SELECT $1[1]::@liveness@.survival_curve AS curve) f
			CROSS JOIN unnest(ARRAY[1, 4, 8, 12, 24, 48]) h (hours)
			CROSS JOIN LATERAL (SELECT @liveness@.survival_at(f.curve, 3600 * h.hours)::float8 AS survival) a
			LEFT JOIN LATERAL (
				SELECT t.lower::float8, t.upper::float8 FROM @liveness@.survival_table(f.curve) t WHERE t.time <= 3600 * h.hours ORDER BY t.time DESC LIMIT 1
			) b ON a.survival IS NOT NULL',
			f.curve) s (hours int, survival float8, lower float8, upper float8)
	)
	SELECT COALESCE('<figure><figcaption><b>Share of sessions that last longer</b> (%; Kaplan-Meier; the band: 95 %)</figcaption>'
			|| @extschema@.liveness_report_survival(f.curve, 3600, 48, 'Share of sessions that last longer than so many hours')
			|| @extschema@.liveness_report_table('The same in numbers', ARRAY['hours', '1', '4', '8', '12', '24', '48'],
				ARRAY['last longer, %'] || r.survival || ARRAY['from'] || r.lower || ARRAY['to'] || r.upper) || E'</figure>\n',
		E'<p>No session in the window.</p>\n')
	FROM fleet f
	CROSS JOIN row r;
END;
COMMENT ON FUNCTION @extschema@.liveness_report_session_lengths(jsonb) IS 'Part of liveness_report: survival of sessions, as of the last rollup, or of now()';

CREATE FUNCTION @extschema@.liveness_report_reasons(max_rows int)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT @extschema@.liveness_report_table('Why sessions ended', ARRAY['reason', 'sessions', '%', 'providers'],
		array_agg(ARRAY[r.reason, @extschema@.liveness_report_number(r.sessions),
			@extschema@.liveness_report_share(r.sessions / nullif(r.total, 0::float8)), @extschema@.liveness_report_number(r.providers)] ORDER BY r.n),
		bars => array_agg(r.sessions / nullif(r.most, 0::float8) ORDER BY r.n))
	FROM @extschema@.liveness_report_rows(
		'WITH reason AS (
			SELECT r.reason, sum(r.sessions) AS sessions, count(*) AS providers,
				row_number() OVER (ORDER BY sum(r.sessions) DESC NULLS LAST, r.reason) AS n
			FROM @liveness@.provider_disconnect_reasons r
			GROUP BY r.reason
		), shown AS (
			SELECT least(r.n, $1[1]::int + 1) AS n, sum(r.sessions) AS sessions,
				CASE WHEN min(r.n) > $1[1]::int THEN format(''%s other reasons'', count(*)) ELSE left(min(r.reason), 201) END AS reason,
				CASE WHEN min(r.n) <= $1[1]::int THEN min(r.providers) END AS providers
			FROM reason r
			GROUP BY least(r.n, $1[1]::int + 1)
		)
		SELECT s.n, s.reason, s.sessions::float8, s.providers::float8, (sum(s.sessions) OVER ())::float8, (max(s.sessions) OVER ())::float8
		FROM shown s', max_rows::text) r (n bigint, reason text, sessions float8, providers float8, total float8, most float8);
END;
COMMENT ON FUNCTION @extschema@.liveness_report_reasons(int) IS 'Part of liveness_report: why sessions ended, the other reasons together in a last row';

CREATE FUNCTION @extschema@.liveness_report_candidates(max_rows int)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH candidate AS MATERIALIZED (
		SELECT j.hours, c.probability, c.provider_id, c.missing, ARRAY[left(c.provider_id, 51),
			@extschema@.liveness_report_share(c.probability), @extschema@.liveness_report_share(c.lower), @extschema@.liveness_report_share(c.upper),
			@extschema@.liveness_report_number(c.age_seconds / 3600::float8, 1), @extschema@.liveness_report_number(c.own_sessions),
			@extschema@.liveness_report_share(c.liveness_score, 1, 4)] AS cells
		FROM (VALUES (4), (8)) j (hours)
		CROSS JOIN LATERAL @extschema@.liveness_report_candidate_rows(make_interval(hours => j.hours), max_rows) c
	), job AS (
		SELECT string_agg(@extschema@.liveness_report_table(format('A job of %s hours', j.hours), ARRAY['provider', 'holds %', 'from', 'to', 'up for h', 'sessions', 'score'],
				(SELECT array_agg(c.cells ORDER BY c.probability DESC, c.provider_id) FROM candidate c WHERE c.hours = j.hours), max_chars => 50), '' ORDER BY j.hours) AS tables
		FROM (VALUES (4), (8)) j (hours)
	)
	SELECT COALESCE((SELECT '<p>Not known yet: ' || @extschema@.liveness_report_escape(min(c.missing), 300) || E'.</p>\n' FROM candidate c WHERE c.missing IS NOT NULL),
		E'<p class="quiet">Connected, not stale, and likelier than not to hold it; from and to: bounds of 95 %.</p>\n<div class="grid">\n' || j.tables || E'</div>\n')
	FROM job j;
END;
COMMENT ON FUNCTION @extschema@.liveness_report_candidates(int) IS 'Part of liveness_report: candidates for jobs of 4 and 8 hours, once there was a rollup';

CREATE FUNCTION @extschema@.liveness_report_at_risk(max_rows int)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE WHEN count(*) = 0 THEN E'<p class="quiet">Nobody who is connected will probably leave within an hour.</p>\n'
		ELSE @extschema@.liveness_report_table('Likelier than not to leave within an hour', ARRAY['provider', 'group', 'leaves %', 'up for h'],
			array_agg(ARRAY[left(r.provider_id, 51), left(r.group_name, 51), @extschema@.liveness_report_share(r.probability), @extschema@.liveness_report_number(r.age_seconds / 3600::float8, 1)]
				ORDER BY r.probability DESC, r.provider_id), '{1,2}', max_chars => 50) END
	FROM @extschema@.liveness_report_at_risk_rows(max_rows) r;
END;
COMMENT ON FUNCTION @extschema@.liveness_report_at_risk(int) IS 'Part of liveness_report: who will probably leave within an hour';

CREATE FUNCTION @extschema@.liveness_report_model()
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT string_agg(@extschema@.liveness_report_table('What the predictor believes', ARRAY['figure', 'value'], ARRAY[
		['as of', @extschema@.liveness_report_time(m.as_of)], ['age', @extschema@.liveness_report_span(m.age)],
		['learned from spells', @extschema@.liveness_report_number(m.spells)], ['of providers', @extschema@.liveness_report_number(m.providers)],
		['failures a day after an hour', @extschema@.liveness_report_number(m.first_hour, 2)], ['failures a day after six hours', @extschema@.liveness_report_number(m.six_hours, 2)],
		['failures a day after a day', @extschema@.liveness_report_number(m.first_day, 2)], ['failures a day after a week', @extschema@.liveness_report_number(m.first_week, 2)],
		['shared by the whole fleet, %', @extschema@.liveness_report_share(m.phi)], ['shared by a group, %', @extschema@.liveness_report_share(m.psi)]]), '')
	FROM @extschema@.liveness_report_rows(
		'SELECT m.as_of, date_part(''epoch'', now()) - date_part(''epoch'', m.as_of), m.spells::float8, m.providers::float8,
			m.failures_per_day_1h::float8, m.failures_per_day_6h::float8, m.failures_per_day_1d::float8, m.failures_per_day_7d::float8,
			m.phi::float8, m.psi::float8
		FROM @liveness@.liveness_model m')
		m (as_of timestamptz, age float8, spells float8, providers float8, first_hour float8, six_hours float8, first_day float8, first_week float8,
			phi float8, psi float8);
END;
COMMENT ON FUNCTION @extschema@.liveness_report_model() IS 'Part of liveness_report: what the predictor believes; NULL before the first rollup';

CREATE FUNCTION @extschema@.liveness_report_outages(max_rows int)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE WHEN count(*) = 0 THEN E'<p class="quiet">Nobody was away after having been there.</p>\n'
		ELSE format(E'<p class="quiet">Outages after a spell: %s; those that go on: %s.</p>\n',
				@extschema@.liveness_report_number(max(o.outages)), @extschema@.liveness_report_number(max(o.going_on)))
			|| @extschema@.liveness_report_table('The longest', ARRAY['provider', 'since', 'until', 'lasted', 'reason', 'excused'],
				array_agg(ARRAY[o.provider_id, @extschema@.liveness_report_time(o.since), COALESCE(@extschema@.liveness_report_time(o.until), 'goes on'),
					@extschema@.liveness_report_span(o.seconds), o.reason, CASE WHEN o.excused THEN 'yes' ELSE 'no' END] ORDER BY o.n), '{1,5}', max_chars => 50) END
	FROM @extschema@.liveness_report_rows(
		'SELECT o.n, left(o.provider_id, 51), o.since, o.until, date_part(''epoch'', o.duration), left(o.reason, 201), o.excused, o.outages, o.going_on
		FROM (
			SELECT p.provider_id, p.since, p.until, p.duration, p.reason, p.excused,
				row_number() OVER (ORDER BY p.duration DESC, p.since, p.provider_id) AS n,
				(count(*) OVER ())::float8 AS outages, (count(*) FILTER (WHERE p.until IS NULL) OVER ())::float8 AS going_on
			FROM @liveness@.provider_outages p
		) o
		WHERE o.n <= $1[1]::int', max_rows::text)
		o (n bigint, provider_id text, since timestamptz, until timestamptz, seconds float8, reason text, excused boolean, outages float8, going_on float8);
END;
COMMENT ON FUNCTION @extschema@.liveness_report_outages(int) IS 'Part of liveness_report: the longest outages of the window';

CREATE FUNCTION @extschema@.liveness_report_ranking(max_rows int)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH ranked AS MATERIALIZED (
		SELECT r.worst, r.n, ARRAY[r.provider_id, @extschema@.liveness_report_share(r.liveness_score, 1, 4),
			@extschema@.liveness_report_share(r.uptime_pct), @extschema@.liveness_report_share(r.observed_uptime_pct),
			@extschema@.liveness_report_share(r.p_stays_4h), @extschema@.liveness_report_share(r.p_stays_8h),
			@extschema@.liveness_report_number(r.mtbf_seconds / 3600::float8, 1), @extschema@.liveness_report_number(r.median_session_seconds / 3600::float8, 1),
			@extschema@.liveness_report_number(r.sessions_count), CASE WHEN r.connected THEN 'yes' ELSE 'no' END] AS cells
		FROM @extschema@.liveness_report_rows(
			'WITH best AS MATERIALIZED (
				SELECT r.provider_id, r.liveness_score, r.uptime_pct, r.observed_uptime_pct, r.p_stays_4h, r.p_stays_8h, r.mtbf_seconds, r.median_session_seconds, r.sessions_count,
					row_number() OVER (ORDER BY r.liveness_score DESC, r.uptime_pct DESC, r.provider_id) AS n
				FROM @liveness@.liveness_reliability(max_rows => $1[1]::int) r
			), worst AS (
				SELECT f.provider_id, f.liveness_score, f.uptime_pct, f.observed_uptime_pct, f.p_stays_4h, f.p_stays_8h, f.mtbf_seconds, f.median_session_seconds, f.sessions_count,
					row_number() OVER (ORDER BY f.liveness_score, f.uptime_pct, f.provider_id DESC) AS n
				FROM @liveness@.provider_reliability_features f
				WHERE f.sessions_count > 0
				AND f.provider_id NOT IN (SELECT b.provider_id FROM best b)
				ORDER BY n
				LIMIT $1[1]::int
			)
			SELECT r.worst, r.n, left(r.provider_id, 51), r.liveness_score::float8, r.uptime_pct::float8, r.observed_uptime_pct::float8, r.p_stays_4h::float8, r.p_stays_8h::float8,
				r.mtbf_seconds::float8, r.median_session_seconds::float8, r.sessions_count::float8,
				o.provider_id IS NOT NULL
			FROM (SELECT false AS worst, b.* FROM best b UNION ALL SELECT true, w.* FROM worst w) r
			LEFT JOIN (SELECT DISTINCT s.provider_id FROM @liveness@.provider_sessions s WHERE s.disconnected_at IS NULL) o ON o.provider_id = r.provider_id', max_rows::text)
			r (worst boolean, n bigint, provider_id text, liveness_score float8, uptime_pct float8, observed_uptime_pct float8, p_stays_4h float8, p_stays_8h float8,
				mtbf_seconds float8, median_session_seconds float8, sessions_count float8, connected boolean)
	)
	SELECT string_agg(@extschema@.liveness_report_table(e.caption, ARRAY['provider', 'score', 'uptime %', 'since seen %', '4 h %', '8 h %', 'MTBF h', 'median h', 'sessions', 'up'],
			(SELECT array_agg(r.cells ORDER BY r.n) FROM ranked r WHERE r.worst = e.worst), max_chars => 50), '' ORDER BY e.worst)
	FROM (VALUES (false, 'The best'), (true, 'The worst of those with a session in the window')) e (worst, caption)
	WHERE NOT e.worst OR EXISTS (SELECT FROM ranked r WHERE r.worst);
END;
COMMENT ON FUNCTION @extschema@.liveness_report_ranking(int) IS 'Part of liveness_report: the first of the ranking, and the last of those with a session in the window';

CREATE FUNCTION @extschema@.liveness_report_heatmaps(heatmaps int)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH figure AS (
		SELECT 0 AS n, '<b>Mean of the fleet</b>' AS caption, @extschema@.liveness_report_heatmap(@extschema@.liveness_report_mean_matrix(), 'Mean availability of the fleet') AS image
		UNION ALL
		SELECT s.n, '<b><bdi>' || COALESCE(nullif(@extschema@.liveness_report_escape(s.provider_id, 50), ''), '<i>(empty)</i>') || '</bdi></b>, score '
				|| @extschema@.liveness_report_share(s.liveness_score, 1, 4),
			COALESCE(@extschema@.liveness_report_heatmap(s.hourly_availability, 'Availability of ' || s.provider_id), '<p>No matrix.</p>')
		FROM @extschema@.liveness_report_rows(
			-- those that are there all the time come last: they need none
			'SELECT row_number() OVER (ORDER BY f.uptime_pct >= 0.95::real, f.liveness_score DESC, f.uptime_pct DESC, f.provider_id) AS n,
				left(f.provider_id, 201), f.liveness_score::float8, f.hourly_availability
			FROM @liveness@.provider_reliability_features f
			WHERE f.sessions_count > 0
			ORDER BY n
			LIMIT $1[1]::int', heatmaps::text) s (n bigint, provider_id text, liveness_score float8, hourly_availability jsonb)
	)
	SELECT E'<section>\n<h2>When they are there</h2>\n<p class="quiet">Share of each hour of the week that they are online: the fleet, and the first of the ranking with an uptime below 95 %.</p>\n'
		|| @extschema@.liveness_report_legend() || E'\n<div class="maps">\n'
		|| string_agg('<figure><figcaption>' || f.caption || '</figcaption>' || f.image || E'</figure>\n', '' ORDER BY f.n) || E'</div>\n</section>\n'
	FROM figure f;
END;
COMMENT ON FUNCTION @extschema@.liveness_report_heatmaps(int) IS 'Part of liveness_report: heatmaps of the fleet and of some providers; NULL if there is none';

CREATE FUNCTION @extschema@.liveness_report_open_sessions(max_rows int)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH held AS MATERIALIZED (
		SELECT h.n, h.provider_id, h.coordinator_id, h.connected_at, h.last_sign_of_life, h.sessions, h.stale
		FROM @extschema@.liveness_report_rows(
			'WITH silent AS MATERIALIZED (
				SELECT t.id, t.provider_id, t.coordinator_id, t.connected_at, t.last_sign_of_life, row_number() OVER (ORDER BY t.last_sign_of_life, t.id) AS n
				FROM @liveness@.provider_stale_sessions t
			), coordinator AS (
				SELECT s.coordinator_id, count(*) AS sessions, count(t.id) AS stale, row_number() OVER (ORDER BY count(*) DESC, s.coordinator_id) AS n
				FROM @liveness@.provider_sessions s
				LEFT JOIN silent t ON t.id = s.id AND t.provider_id = s.provider_id
				WHERE s.disconnected_at IS NULL
				GROUP BY s.coordinator_id
			)
			SELECT c.n, NULL, left(c.coordinator_id, 51), NULL::timestamptz, NULL::timestamptz, c.sessions::float8, c.stale::float8
			FROM coordinator c
			WHERE c.n <= $1[1]::int
			UNION ALL
			SELECT t.n, left(t.provider_id, 51), left(t.coordinator_id, 51), t.connected_at, t.last_sign_of_life, NULL, NULL
			FROM silent t
			WHERE t.n <= $1[1]::int', max_rows::text)
			h (n bigint, provider_id text, coordinator_id text, connected_at timestamptz, last_sign_of_life timestamptz, sessions float8, stale float8)
	)
	SELECT @extschema@.liveness_report_table('By coordinator', ARRAY['coordinator', 'open', 'stale'],
			array_agg(ARRAY[h.coordinator_id, @extschema@.liveness_report_number(h.sessions), @extschema@.liveness_report_number(h.stale)] ORDER BY h.n)
				FILTER (WHERE h.provider_id IS NULL), max_chars => 50)
		|| CASE WHEN count(h.provider_id) = 0 THEN '' ELSE
			@extschema@.liveness_report_table('Stale, the longest silent first', ARRAY['provider', 'coordinator', 'connected', 'silent for'],
				array_agg(ARRAY[h.provider_id, h.coordinator_id, @extschema@.liveness_report_time(h.connected_at),
					@extschema@.liveness_report_span(date_part('epoch', now()) - date_part('epoch', h.last_sign_of_life))] ORDER BY h.n)
				FILTER (WHERE h.provider_id IS NOT NULL), '{1,2}', max_chars => 50) END
	FROM held h;
END;
COMMENT ON FUNCTION @extschema@.liveness_report_open_sessions(int) IS 'Part of liveness_report: open sessions by coordinator, and those that are stale';

CREATE FUNCTION @extschema@.liveness_report_exclusions(max_rows int)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH excluded AS (
		SELECT array_agg(ARRAY[COALESCE(x.provider_id, 'everybody'), @extschema@.liveness_report_time(x.since),
			COALESCE(@extschema@.liveness_report_time(x.until), 'goes on'), x.reason] ORDER BY x.n) AS cells
		FROM @extschema@.liveness_report_rows(
			'SELECT row_number() OVER (ORDER BY x.since, x.id), left(x.provider_id, 51), x.since, nullif(x.until, ''infinity''), left(x.reason, 201)
			FROM @liveness@.provider_exclusions x
			WHERE x.since <= now() AND (x.until IS NULL OR x.until > now())
			ORDER BY x.since, x.id
			LIMIT $1[1]::int', max_rows::text)
			x (n bigint, provider_id text, since timestamptz, until timestamptz, reason text)
	), coordinator AS (
		SELECT array_agg(ARRAY[c.coordinator_id, @extschema@.liveness_report_number(c.ends), @extschema@.liveness_report_share(c.censored / c.ends)] ORDER BY c.n) AS cells
		FROM @extschema@.liveness_report_rows(
			'SELECT row_number() OVER (ORDER BY count(*) DESC, s.coordinator_id), left(s.coordinator_id, 51), count(*)::float8,
				count(*) FILTER (WHERE @liveness@.liveness_is_censored(s.disconnect_reason))::float8
			FROM @liveness@.provider_sessions s
			WHERE s.disconnected_at >= now() - interval ''24 hours'' * (SELECT coalesce(max(n.window_days), 14) FROM @liveness@.network_availability n)
			AND s.disconnected_at <= now()
			GROUP BY s.coordinator_id
			ORDER BY 1
			LIMIT $1[1]::int', max_rows::text)
			c (n bigint, coordinator_id text, ends float8, censored float8)
	)
	SELECT CASE WHEN x.cells IS NULL THEN E'<p class="quiet">No time is excluded now.</p>\n' ELSE
			@extschema@.liveness_report_table('Excluded now, the longest first', ARRAY['provider', 'since', 'until', 'reason'], x.cells, '{1,4}', max_chars => 50) END
		|| @extschema@.liveness_report_table('Ends of sessions by coordinator', ARRAY['coordinator', 'ends', 'the observer''s, %'], c.cells, max_chars => 50)
	FROM excluded x
	CROSS JOIN coordinator c;
END;
COMMENT ON FUNCTION @extschema@.liveness_report_exclusions(int) IS 'Part of liveness_report: time excluded now, and who blames the observer how often';

CREATE FUNCTION @extschema@.liveness_report_server(counters text[])
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH job AS (
		SELECT array_agg(ARRAY[j.job, @extschema@.liveness_report_span(j.since_start) || ' ago', @extschema@.liveness_report_span(j.duration),
			@extschema@.liveness_report_number(j.last_rows), @extschema@.liveness_report_number(j.runs), @extschema@.liveness_report_number(j.errors),
			@extschema@.liveness_report_span(j.since_error) || ' ago', j.last_error] ORDER BY j.job) AS cells
		FROM @extschema@.liveness_report_rows(
			'SELECT j.job::text, date_part(''epoch'', now()) - date_part(''epoch'', j.last_started_at), date_part(''epoch'', j.last_duration),
				j.last_rows::float8, j.runs::float8, j.errors::float8,
				date_part(''epoch'', now()) - date_part(''epoch'', j.last_error_at), left(j.last_error, 201)
			FROM @liveness@.liveness_jobs j')
			j (job text, since_start float8, duration float8, last_rows float8, runs float8, errors float8, since_error float8, last_error text)
	), backlog AS (
		SELECT array_agg(ARRAY[b.name, @extschema@.liveness_report_number(b.value), b.help] ORDER BY b.name) AS cells
		FROM @extschema@.liveness_report_rows(
			'SELECT m.name::text, m.value::float8, m.help::text FROM @liveness@.liveness_metrics m
			WHERE m.name IN (''liveness_overdue_seconds'', ''liveness_overdue_heartbeats'', ''liveness_overdue_partitions'', ''liveness_overdue_pending_writer_seconds'')')
			b (name text, value float8, help text)
	), counter AS (
		SELECT array_agg(ARRAY[counters[i][1], @extschema@.liveness_report_number(counters[i][2]::float8,
			CASE WHEN counters[i][2]::float8 = floor(counters[i][2]::float8) THEN 0 ELSE 3 END), counters[i][3]] ORDER BY i) AS cells
		FROM generate_subscripts(counters, 1) i
	)
	SELECT @extschema@.liveness_report_table('Jobs', ARRAY['job', 'last run', 'took', 'rows', 'runs', 'errors', 'failed', 'last error'], j.cells, '{1,8}')
		|| @extschema@.liveness_report_table('Backlog of the retention and of the hourly rollup', ARRAY['metric', 'value', 'meaning'], b.cells, '{1,3}')
		|| CASE WHEN c.cells IS NULL THEN E'<p class="quiet">The library is not preloaded: there is no buffer and no counter.</p>\n' ELSE
			@extschema@.liveness_report_table('Counters', ARRAY['counter', 'value', 'meaning'], c.cells, '{1,3}') END
	FROM job j
	CROSS JOIN backlog b
	CROSS JOIN counter c;
END;
COMMENT ON FUNCTION @extschema@.liveness_report_server(text[]) IS 'Part of liveness_report: jobs, backlog and counters';

CREATE FUNCTION @extschema@.liveness_report(title text DEFAULT 'Liveness of the fleet', max_rows int DEFAULT 10, heatmaps int DEFAULT 5)
RETURNS text
LANGUAGE sql VOLATILE
SET extra_float_digits = 1
SET jit = off
BEGIN ATOMIC
	WITH counter AS MATERIALIZED (
		SELECT array_agg(ARRAY[c.name, c.value::text, c.help] ORDER BY c.name) AS counters
		FROM @extschema@.liveness_report_counters() c
	), fleet AS MATERIALIZED (
		SELECT f.network, (f.network ->> 'updated_at')::timestamptz AS updated_at
		FROM @extschema@.liveness_report_rows(
			'SELECT to_jsonb(n) || jsonb_build_object(''stale'', (SELECT count(*) FROM @liveness@.provider_stale_sessions t)) FROM @liveness@.network_availability n') f (network jsonb)
	)
	SELECT concat(E'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n',
		'<meta http-equiv="Content-Security-Policy" content="default-src ''none''; style-src ''unsafe-inline''"/>', E'\n',
		E'<meta name="viewport" content="width=device-width, initial-scale=1"/>\n<meta name="color-scheme" content="light dark"/>\n',
		'<title>', @extschema@.liveness_report_escape(title, 200), E'</title>\n<style>', @extschema@.liveness_report_style(), E'</style>\n</head>\n<body>\n<main>\n',
		'<h1><bdi>', @extschema@.liveness_report_escape(title, 200), E'</bdi></h1>\n<p class="quiet">',
		COALESCE('As of ' || @extschema@.liveness_report_time(f.updated_at) || ', over the ' || (f.network ->> 'window_days') || ' days before', 'No rollup yet'),
		'; made ', @extschema@.liveness_report_time(now()), ' in database <bdi>', @extschema@.liveness_report_escape(current_database()::text, 70),
		E'</bdi>. Times and hours of the week are in UTC.</p>\n',
		@extschema@.liveness_report_remarks(f.network, c.counters),
		@extschema@.liveness_report_figures(f.network),
		E'<section>\n<h2>How long sessions last, and why they end</h2>\n<div class="grid">\n',
		@extschema@.liveness_report_session_lengths(f.network),
		@extschema@.liveness_report_reasons(max_rows),
		E'</div>\n</section>\n<section>\n<h2>Who will hold a job that starts now</h2>\n',
		@extschema@.liveness_report_candidates(max_rows),
		E'<div class="grid">\n<div>\n', @extschema@.liveness_report_at_risk(max_rows), E'</div>\n', @extschema@.liveness_report_model(), E'</div>\n',
		E'</section>\n<section>\n<h2>Ranking</h2>\n',
		@extschema@.liveness_report_ranking(max_rows),
		E'<p class="quiet">Since seen: uptime since the provider was first seen; 4 h, 8 h: sessions that lasted so long; MTBF: mean time between failures; median: of the lengths of sessions; up: connected now.</p>\n</section>\n',
		@extschema@.liveness_report_heatmaps(heatmaps),
		E'<section>\n<h2>Outages</h2>\n', @extschema@.liveness_report_outages(max_rows), E'</section>\n',
		E'<section>\n<h2>Open sessions</h2>\n<div class="grid">\n',
		@extschema@.liveness_report_open_sessions(max_rows),
		E'</div>\n</section>\n<section>\n<h2>Excluded time, and the observers</h2>\n<div class="grid">\n',
		@extschema@.liveness_report_exclusions(max_rows),
		E'</div>\n</section>\n<section>\n<h2>The extension</h2>\n',
		@extschema@.liveness_report_server(c.counters),
		E'</section>\n</main>\n<footer>liveness_report(); definitions in docs/definitions.md</footer>\n</body>\n</html>')
	FROM fleet f
	CROSS JOIN counter c
	WHERE @extschema@.liveness_report_arguments(title, max_rows, heatmaps);
END;
COMMENT ON FUNCTION @extschema@.liveness_report(text, int, int) IS 'The fleet as a page of HTML, complete in itself; max_rows (1 to 500) of each table, 0 to 500 heatmaps';

------------------------------------------------------------------------------
-- Privileges
------------------------------------------------------------------------------

CREATE FUNCTION @extschema@.liveness_report_grant(role regrole)
RETURNS void
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	report oid := (SELECT e.oid FROM pg_extension e WHERE e.extname = 'liveness_report');
	routine regprocedure;
BEGIN
	EXECUTE format('GRANT USAGE ON SCHEMA %s TO %s', (SELECT e.extnamespace::regnamespace FROM pg_extension e WHERE e.oid = report), role);
	FOR routine IN
		SELECT p.oid::regprocedure
		FROM pg_depend d
		JOIN pg_proc p ON p.oid = d.objid
		WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.refobjid = report AND d.deptype = 'e'
		AND p.proname <> 'liveness_report_grant'
	LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', routine, role);
	END LOOP;
END
$$;
COMMENT ON FUNCTION @extschema@.liveness_report_grant(regrole) IS 'Lets a role that liveness_grant_reader was called for make the report';

DO LANGUAGE plpgsql $do$
DECLARE
	routine regprocedure;
BEGIN
	FOR routine IN
		SELECT d.objid
		FROM pg_depend d
		JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'liveness_report'
		WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	LOOP
		EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', routine);
	END LOOP;
END
$do$;
