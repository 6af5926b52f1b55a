-- The role under which an exporter reads liveness_metrics, and nothing else:
--   psql -d mydb -v role=liveness_monitor -f role.sql
-- Twice does no harm.  Give it a password, or let pg_hba.conf and pg_ident.conf know it.
\set ON_ERROR_STOP on
\if :{?role}
\else
\set role liveness_monitor
\endif

SELECT format('CREATE ROLE %I LOGIN CONNECTION LIMIT 5', :'role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
-- a scrape is over in milliseconds: compiling it would take longer
ALTER ROLE :"role" SET jit = off;
ALTER ROLE :"role" SET default_transaction_read_only = on;
ALTER ROLE :"role" SET statement_timeout = '5s';
SELECT format('ALTER ROLE %I IN DATABASE %I SET search_path = %s', :'role', current_database(), extnamespace::regnamespace),
	format('SELECT %s.liveness_grant_monitor(%L)', extnamespace::regnamespace, quote_ident(:'role'))
FROM pg_extension WHERE extname = 'liveness' \gexec
