# Survival curves of real traces against R's survfit (package survival 3.5-3), at fixed
# times.  The traces are not part of the project: LIVENESS_DATA names their folder.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $data = $ENV{LIVENESS_DATA};
plan skip_all => 'LIVENESS_DATA is not set: it names the folder with the traces and R\'s figures'
  unless defined $data && length $data;
foreach my $name (qw(g5k06_sessions.csv.gz spot_sessions.csv oracle_km_traces_r.csv))
{
	plan skip_all => "LIVENESS_DATA has no $name" unless -r "$data/$name";
}

my $node = PostgreSQL::Test::Cluster->new('survival');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION liveness');

sub query
{
	return $node->safe_psql('postgres', shift);
}

# By the client, since the server may not be allowed to read the folder
sub load
{
	my ($table, $columns, $csv) = @_;
	query("CREATE TABLE $table ($columns)");
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run(
		[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-c', "COPY $table FROM STDIN (FORMAT csv, HEADER)" ],
		'<', \$csv, '>', \$out, '2>', \$err);
	ok($ok, "$table is loaded") or diag($err);
	return;
}

my ($g5k06, $err) = ('', '');
IPC::Run::run([ 'gzip', '-dc', "$data/g5k06_sessions.csv.gz" ], '>', \$g5k06, '2>', \$err) or die "cannot unpack: $err";
load('g5k06', 'node_id int, start_s float8, end_s float8, censored int', $g5k06);
load('spot', 'host text, kind text, start_s float8, end_s float8, end_reason text', slurp_file("$data/spot_sessions.csv"));
load('r', 'dataset text, grp text, "time" float8, n_risk bigint, n_event bigint, survival float8, std_err float8, lower float8, upper float8, conf_type text',
	slurp_file("$data/oracle_km_traces_r.csv"));

# Seven intervals of g5k06 have no length: they count at 0, as in R
query(q{CREATE TABLE sessions AS
	SELECT 'g5k06' AS dataset, 'all' AS grp, end_s - start_s AS duration, censored = 0 AS observed, node_id % 10 AS part FROM g5k06
	UNION ALL
	SELECT 'spot', kind, end_s - start_s, end_reason <> 'trace_end', hashtext(host) % 5 FROM spot});
query('CREATE TABLE parts AS SELECT dataset, grp, part, survival_agg(duration, observed) AS curve FROM sessions GROUP BY dataset, grp, part');
query('CREATE TABLE fit AS SELECT dataset, grp, survival_agg(duration, observed) AS curve FROM sessions GROUP BY dataset, grp');

# Rounded to 12 digits
query(q{CREATE FUNCTION near(a float8, b float8) RETURNS boolean LANGUAGE sql AS
	'SELECT coalesce(a = b OR abs(a - b) <= 1e-9 * abs(b), a IS NULL AND b IS NULL)'});

# What R's summary at given times says: at risk are those that last at least so long,
# events are counted since the time before, the rest is that of the last row
query(q{CREATE TABLE tables AS
	SELECT dataset, grp, conf_type, t.* FROM fit, (SELECT DISTINCT conf_type FROM r) c, survival_table(curve, 0.95, conf_type) t});
query('CREATE UNIQUE INDEX ON tables (dataset, grp, conf_type, "time")');
query('ANALYZE tables');
query(q{CREATE TABLE ours AS
	SELECT a.dataset, a.grp, a.conf_type, a."time", coalesce(n.n_risk, 0) AS n_risk, e.n_event, l.survival, l.std_err, l.lower, l.upper
	FROM (SELECT dataset, grp, conf_type, "time", lag("time", 1, '-Infinity') OVER (PARTITION BY dataset, grp, conf_type ORDER BY "time") AS before FROM r) a
	LEFT JOIN LATERAL (SELECT * FROM tables t WHERE (t.dataset, t.grp, t.conf_type) = (a.dataset, a.grp, a.conf_type) AND t."time" >= a."time" ORDER BY t."time" LIMIT 1) n ON true
	LEFT JOIN LATERAL (SELECT * FROM tables t WHERE (t.dataset, t.grp, t.conf_type) = (a.dataset, a.grp, a.conf_type) AND t."time" <= a."time" ORDER BY t."time" DESC LIMIT 1) l ON true
	CROSS JOIN LATERAL (SELECT coalesce(sum(t.n_event), 0) AS n_event FROM tables t WHERE (t.dataset, t.grp, t.conf_type) = (a.dataset, a.grp, a.conf_type) AND t."time" > a.before AND t."time" <= a."time") e});

foreach my $set (split /\n/, query('SELECT DISTINCT dataset, grp, conf_type FROM r ORDER BY 1, 2, 3'))
{
	my ($dataset, $grp, $conf_type) = split /\|/, $set;
	my $where = "dataset = '$dataset' AND grp = '$grp' AND conf_type = '$conf_type'";
	is(query("SELECT count(*) FROM r WHERE $where"), 14, "$dataset, $grp, $conf_type: R has 14 times");
	is(query(qq{
		SELECT o, r FROM r LEFT JOIN ours o USING (dataset, grp, conf_type, "time")
		WHERE $where AND NOT coalesce(o.n_risk = r.n_risk AND o.n_event = r.n_event AND near(o.survival, r.survival)
			AND near(o.std_err, r.std_err) AND near(o.lower, r.lower) AND near(o.upper, r.upper), false)
		ORDER BY r."time"}), '', "$dataset, $grp, $conf_type: as in R");
}
is(query(q{
	SELECT dataset, grp, r."time", survival_at(curve, r."time"), r.survival
	FROM fit
	JOIN (SELECT dataset, grp, max(duration) AS longest FROM sessions GROUP BY dataset, grp) m USING (dataset, grp)
	JOIN r USING (dataset, grp)
	WHERE conf_type = 'plain' AND NOT near(survival_at(curve, r."time"), CASE WHEN r.survival = 0 OR r."time" <= longest THEN r.survival END)
	ORDER BY 1, 2, 3}), '', 'survival_at as in R, NULL past the last time');
is(query(q{
	SELECT dataset, grp FROM fit JOIN (SELECT dataset, grp, survival_merge(curve) AS merged FROM parts GROUP BY dataset, grp) m USING (dataset, grp)
	WHERE merged::text <> curve::text}), '', 'parts of the hosts merged are the whole');
is(query(q{SELECT count(*) FROM fit}), 3, 'three curves were compared');

$node->stop;
done_testing();
