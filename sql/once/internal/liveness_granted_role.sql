CREATE TABLE liveness_internal.liveness_granted_role (
	role text NOT NULL,
	kind text NOT NULL,
	PRIMARY KEY (role, kind)
);
COMMENT ON TABLE liveness_internal.liveness_granted_role IS 'Roles that liveness_grant_reader and the like were called for, so that liveness_regrant can give them what is new';
COMMENT ON COLUMN liveness_internal.liveness_granted_role.role IS 'Name of the role; one that does not exist any more is passed over';
COMMENT ON COLUMN liveness_internal.liveness_granted_role.kind IS 'reader, writer, operator or monitor';
SELECT pg_catalog.pg_extension_config_dump('liveness_internal.liveness_granted_role', '');
