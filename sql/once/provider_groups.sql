CREATE TABLE provider_groups (
	provider_id text PRIMARY KEY,
	group_name text NOT NULL
);
COMMENT ON TABLE provider_groups IS 'Which providers fall together: a site, a rack or an owner; the operator fills it, and nothing needs it';
COMMENT ON COLUMN provider_groups.provider_id IS 'The machine; one without a row is a group by itself';
COMMENT ON COLUMN provider_groups.group_name IS 'Its group, any text';
SELECT pg_catalog.pg_extension_config_dump('provider_groups', '');
