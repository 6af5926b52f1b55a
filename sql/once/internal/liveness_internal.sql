-- What is not for people.  Nobody but the owner may create in it, so that no stranger's
-- function can be called in the place of one of ours.
CREATE SCHEMA liveness_internal;
COMMENT ON SCHEMA liveness_internal IS 'Internals of the extension liveness: nothing in it is for people, and all of it may change';
