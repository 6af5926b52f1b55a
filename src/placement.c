/*-------------------------------------------------------------------------
 *
 * placement.c
 *		Replicas of a job, and where to place jobs: providers that fall together.
 *
 * A provider holds a job with the probability exp(-L).  Providers do not fail on their
 * own: a share phi of each load L comes from shocks that meet the whole fleet, and a
 * share psi, phi included, from shocks that meet the provider's group or the whole fleet.
 * A shock of some strength ends all whose share of the load is at least that strength, so
 *
 *		P(all of S hold) = exp(-phi max L - (psi - phi) sum over groups of their max L
 *							   - (1 - psi) sum of L).
 *
 * A shock spares those with the smallest loads, so the chance that at least one of a set
 * holds is a sum over how many of them the shock of the fleet spares, and within it the
 * same sum for each group.  All terms of these sums are positive, so that tiny chances
 * keep their digits, which inclusion and exclusion would lose.
 *
 * Replicas are chosen one by one, each time the provider with which at least one of them
 * holds most likely.  Within a group this is always the likeliest provider that is free,
 * and among the groups that have no replica yet it is that of the likeliest: one provider
 * for each group that has a replica, and one more, are to be tried.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/pairingheap.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"

#include "arguments.h"
#include "rowtype.h"

#define MAX_REPLICAS	12

/* Probabilities below this one count as this one */
#define MIN_PROBABILITY	1e-12

/* The probabilities that at least one holds, and that none does: neither loses its digits */
typedef struct Chance
{
	double		one;
	double		none;
} Chance;

typedef struct ShockShares
{
	double		fleet;			/* phi */
	double		group;			/* psi */
} ShockShares;

typedef struct Replica
{
	double		load;
	int			group;
} Replica;

/*
 * A shock that meets some replicas, whose loads come in ascending order.  "met" sums up
 * the chances if the shock ends at least the last of them; "spared" is their chance if
 * the shock ends none.
 */
typedef struct Shock
{
	double		share;
	double		load;			/* of the last replica */
	Chance		met;
	Chance		spared;
} Shock;

static Chance
Either(Chance a, Chance b)
{
	return (Chance) {a.one + a.none * b.one, a.none * b.none};
}

static void
AddWeighted(Chance *sum, double weight, Chance chance)
{
	sum->one += weight * chance.one;
	sum->none += weight * chance.none;
}

static void
InitShock(Shock *shock, double share)
{
	*shock = (Shock) {.share = share, .spared = {0, 1}};
}

/* One more replica, whose load is not below that of the last */
static void
ExtendShock(Shock *shock, double load)
{
	/* the shock is strong enough for the new replica and too weak for the last */
	AddWeighted(&shock->met,
				exp(-shock->share * shock->load) * -expm1(-shock->share * (load - shock->load)),
				shock->spared);
	shock->load = load;
}

static Chance
ChanceUnderShock(const Shock *shock)
{
	Chance		chance = shock->met;

	AddWeighted(&chance, exp(-shock->share * shock->load), shock->spared);
	return chance;
}

/* The chance of replicas whose loads come in ascending order */
static Chance
JointChance(const Replica *replicas, int n, ShockShares shares)
{
	Shock		fleet;
	Shock		groups[MAX_REPLICAS];
	Chance		chances[MAX_REPLICAS];
	int			group_of[MAX_REPLICAS];
	int			ngroups = 0;

	InitShock(&fleet, shares.fleet);
	for (int i = 0; i < n; i++)
	{
		double		load = replicas[i].load;
		double		own = (1 - shares.group) * load;
		int			g = 0;

		while (g < ngroups && group_of[g] != replicas[i].group)
			g++;
		if (g == ngroups)
		{
			group_of[ngroups++] = replicas[i].group;
			InitShock(&groups[g], shares.group - shares.fleet);
		}
		ExtendShock(&groups[g], load);
		groups[g].spared = Either(groups[g].spared, (Chance) {exp(-own), -expm1(-own)});
		chances[g] = ChanceUnderShock(&groups[g]);

		ExtendShock(&fleet, load);
		fleet.spared = (Chance) {0, 1};
		for (g = 0; g < ngroups; g++)
			fleet.spared = Either(fleet.spared, chances[g]);
	}
	return ChanceUnderShock(&fleet);
}

/* The same set with one more replica; the order of loads is kept */
static void
InsertReplica(Replica *replicas, int n, Replica replica)
{
	int			at = n;

	for (; at > 0 && replicas[at - 1].load > replica.load; at--)
		replicas[at] = replicas[at - 1];
	replicas[at] = replica;
}

/* ---------- arguments ---------- */

static ShockShares
SharesOfArguments(FunctionCallInfo fcinfo, int arg)
{
	ShockShares shares = {PG_GETARG_FLOAT8(arg), PG_GETARG_FLOAT8(arg + 1)};

	if (!(shares.fleet >= 0 && shares.fleet <= shares.group && shares.group <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("shock shares %g and %g are out of range", shares.fleet, shares.group),
				 errhint("Give 0 <= phi <= psi <= 1.")));
	return shares;
}

static double
Load(double probability)
{
	if (!(probability >= 0 && probability <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a probability must be between 0 and 1, and is %g", probability)));
	return -log(Max(probability, MIN_PROBABILITY));
}

static void
DeconstructArgument(FunctionCallInfo fcinfo, int arg, Oid type, Datum **elements, bool **nulls,
					int *n)
{
	bool		is_text = type == TEXTOID;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P_COPY(arg), type, is_text ? -1 : (int) sizeof(float8),
					  is_text ? false : FLOAT8PASSBYVAL, is_text ? TYPALIGN_INT : TYPALIGN_DOUBLE,
					  elements, nulls, n);
}

/* A provider's place in the order of groups */
typedef struct GroupName
{
	const char *name;
	Size		length;
	int			provider;
} GroupName;

static int
CompareGroupNames(const void *a, const void *b)
{
	const GroupName *left = (const GroupName *) a;
	const GroupName *right = (const GroupName *) b;

	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	return memcmp(left->name, right->name, left->length);
}

/* A number for each provider, the same for those of one group; who has none is one by itself */
static int *
NumberGroups(const Datum *names, const bool *nulls, int n)
{
	int		   *group = (int *) palloc(n * sizeof(int));
	GroupName  *sorted = (GroupName *) palloc(n * sizeof(GroupName));
	int			named = 0;
	int			next = 0;

	for (int i = 0; i < n; i++)
	{
		text	   *name;

		if (nulls[i])
		{
			group[i] = next++;
			continue;
		}
		name = DatumGetTextPP(names[i]);
		sorted[named++] = (GroupName) {VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), i};
	}
	qsort(sorted, named, sizeof(GroupName), CompareGroupNames);
	for (int i = 0; i < named; i++)
	{
		if (i > 0 && CompareGroupNames(&sorted[i - 1], &sorted[i]) != 0)
			next++;
		group[sorted[i].provider] = next;
	}
	pfree(sorted);
	return group;
}

/*
 * liveness_none_holds(probabilities float8[], group_names text[], phi float8, psi float8)
 *		-> float8
 *
 * The probability that none of these providers holds.
 */
PG_FUNCTION_INFO_V1(liveness_none_holds);
Datum
liveness_none_holds(PG_FUNCTION_ARGS)
{
	ShockShares shares = SharesOfArguments(fcinfo, 2);
	Replica		replicas[MAX_REPLICAS];
	Datum	   *probabilities;
	bool	   *is_unknown;
	Datum	   *names;
	bool	   *is_alone;
	int		   *group;
	int			n;
	int			nnames;

	DeconstructArgument(fcinfo, 0, FLOAT8OID, &probabilities, &is_unknown, &n);
	DeconstructArgument(fcinfo, 1, TEXTOID, &names, &is_alone, &nnames);
	if (n > MAX_REPLICAS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d replicas are too many", n),
				 errhint("Give at most %d.", MAX_REPLICAS)));
	if (nnames != n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are %d probabilities and %d groups", n, nnames),
				 errhint("Give a group, or NULL, for each probability.")));
	group = NumberGroups(names, is_alone, n);
	for (int i = 0; i < n; i++)
	{
		if (is_unknown[i])
			PG_RETURN_NULL();
		InsertReplica(replicas, i, (Replica) {Load(DatumGetFloat8(probabilities[i])), group[i]});
	}
	PG_RETURN_FLOAT8(JointChance(replicas, n, shares).none);
}

/* ---------- placement ---------- */

/* A group, with its providers that are free, the likeliest first */
typedef struct FreeGroup
{
	pairingheap_node node;
	int			head;			/* -1: none is free */
	int			tail;
} FreeGroup;

typedef struct Fleet
{
	int			n;
	double	   *probability;	/* of the providers, in falling order */
	int		   *group;
	int		   *next;			/* of the same group; -1: none */
	FreeGroup  *groups;
	pairingheap *unused;		/* groups without a replica, by their likeliest provider */
	ShockShares shares;
	int			free;
} Fleet;

typedef struct Placed
{
	int			job;
	int			replica;
	int			provider;
	double		joint;
} Placed;

typedef struct PlaceCall
{
	Datum	   *provider_ids;
	Datum	   *group_names;
	bool	   *is_alone;
	Fleet		fleet;
	Placed	   *placed;
	int			nplaced;
	int			returned;
} PlaceCall;

/* The heap has the greatest first: the group whose head is likelier */
static int
CompareGroups(const pairingheap_node *a, const pairingheap_node *b, void *arg pg_attribute_unused())
{
	int			left = pairingheap_const_container(FreeGroup, node, a)->head;
	int			right = pairingheap_const_container(FreeGroup, node, b)->head;

	return left < right ? 1 : left > right ? -1 : 0;
}

static void
InitFleet(Fleet *fleet, const Datum *probabilities, int n)
{
	fleet->n = fleet->free = n;
	fleet->probability = (double *) palloc(n * sizeof(double));
	fleet->next = (int *) palloc(n * sizeof(int));
	fleet->groups = (FreeGroup *) palloc(n * sizeof(FreeGroup));
	fleet->unused = pairingheap_allocate(CompareGroups, NULL);
	for (int g = 0; g < n; g++)
		fleet->groups[g].head = -1;
	for (int i = 0; i < n; i++)
	{
		FreeGroup  *group = &fleet->groups[fleet->group[i]];

		fleet->probability[i] = DatumGetFloat8(probabilities[i]);
		if (i > 0 && fleet->probability[i] > fleet->probability[i - 1])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("providers must come in falling order of their probabilities")));
		fleet->next[i] = -1;
		if (group->head < 0)
			group->head = i;
		else
			fleet->next[group->tail] = i;
		group->tail = i;
	}
	for (int g = 0; g < n; g++)
	{
		if (fleet->groups[g].head >= 0)
			pairingheap_add(fleet->unused, &fleet->groups[g].node);
	}
}

/*
 * Choose replicas for a job until the target is reached, and return their number.  Those
 * that were chosen are no longer free.
 */
static int
PlaceJob(Fleet *fleet, double target, int max_replicas, Placed *placed)
{
	Replica		replicas[MAX_REPLICAS];
	int			used[MAX_REPLICAS];
	int			nused = 0;
	int			n = 0;

	while (n < max_replicas && fleet->free > 0)
	{
		int			chosen = -1;
		bool		is_new_group = false;
		Chance		best = {0, 0};

		CHECK_FOR_INTERRUPTS();
		for (int u = 0; u <= nused; u++)
		{
			Replica		trial[MAX_REPLICAS];
			Chance		chance;
			int			provider = -1;

			if (u < nused)
				provider = fleet->groups[used[u]].head;
			else if (!pairingheap_is_empty(fleet->unused))
				provider = pairingheap_container(FreeGroup, node, pairingheap_first(fleet->unused))->head;
			if (provider < 0)
				continue;
			memcpy(trial, replicas, n * sizeof(Replica));
			InsertReplica(trial, n, (Replica) {Load(fleet->probability[provider]), fleet->group[provider]});
			chance = JointChance(trial, n + 1, fleet->shares);
			if (chosen < 0 || chance.none < best.none ||
				(chance.none == best.none && provider < chosen))
			{
				chosen = provider;
				is_new_group = u == nused;
				best = chance;
			}
		}

		if (is_new_group)
		{
			(void) pairingheap_remove_first(fleet->unused);
			used[nused++] = fleet->group[chosen];
		}
		fleet->groups[fleet->group[chosen]].head = fleet->next[chosen];
		fleet->free--;
		InsertReplica(replicas, n, (Replica) {Load(fleet->probability[chosen]), fleet->group[chosen]});
		placed[n].replica = n + 1;
		placed[n].provider = chosen;
		/* one alone holds with its own probability, to the last bit */
		placed[n].joint = n == 0 ? fleet->probability[chosen] :
			best.none < 0.5 ? 1 - best.none : best.one;
		n++;
		if (placed[n - 1].joint >= target)
			break;
	}
	for (int u = 0; u < nused; u++)
	{
		FreeGroup  *group = &fleet->groups[used[u]];

		if (group->head >= 0)
			pairingheap_add(fleet->unused, &group->node);
	}
	return n;
}

static void
PlaceJobs(PlaceCall *call, int jobs, double target, int max_replicas, bool whole_jobs)
{
	Fleet	   *fleet = &call->fleet;

	/* only who asks for whole jobs is told of those that nobody is left for */
	for (int job = 1; job <= jobs && (whole_jobs || fleet->free > 0); job++)
	{
		Placed	   *placed = &call->placed[call->nplaced];
		int			free = fleet->free;
		int			n = PlaceJob(fleet, target, max_replicas, placed);

		for (int i = 0; i < n; i++)
			placed[i].job = job;
		if (whole_jobs && (n == 0 || placed[n - 1].joint < target))
		{
			/* the jobs after this one would find the same providers free */
			ereport(NOTICE,
					(errmsg_plural("%d job of %d was not placed", "%d jobs of %d were not placed",
								   jobs - job + 1, jobs - job + 1, jobs),
					 n == 0 ? errdetail("No provider is free.") :
					 errdetail("At least one of the %d best of %d free providers holds the job with probability %g; the target is %g.",
							   n, free, placed[n - 1].joint, target)));
			break;
		}
		call->nplaced += n;
	}
}

/* A number of something that is neither NULL nor out of range */
static int
CountArgument(FunctionCallInfo fcinfo, int arg, const char *name, int min, int max)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be NULL", name),
				 errhint("Give between %d and %d.", min, max)));
	if (PG_GETARG_INT32(arg) < min || PG_GETARG_INT32(arg) > max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s %d is out of range", name, PG_GETARG_INT32(arg)),
				 errhint("Give between %d and %d.", min, max)));
	return PG_GETARG_INT32(arg);
}

static const RowColumn place_row[] = {
	{"job_no", INT4OID}, {"replica", INT4OID}, {"provider_id", TEXTOID},
	{"group_name", TEXTOID}, {"probability", FLOAT8OID}, {"joint", FLOAT8OID}
};

static PlaceCall *
BeginPlacement(FunctionCallInfo fcinfo)
{
	PlaceCall  *call = (PlaceCall *) palloc0(sizeof(PlaceCall));
	int			jobs;
	double		target;
	int			max_replicas;
	Datum	   *probabilities;
	bool	   *nulls;
	bool	   *is_unknown;
	int			n;
	int			nnames;
	int			nprobabilities;

	for (int arg = 0; arg < PG_NARGS(); arg++)
	{
		if (PG_ARGISNULL(arg) && (arg < 3 || arg > 5))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("providers and shock shares must not be NULL")));
	}
	jobs = CountArgument(fcinfo, 3, "jobs", 0, INT_MAX);
	target = liveness_probability_argument(fcinfo, 4, "target");
	max_replicas = CountArgument(fcinfo, 5, "max_replicas", 1, MAX_REPLICAS);
	call->fleet.shares = SharesOfArguments(fcinfo, 6);
	DeconstructArgument(fcinfo, 0, TEXTOID, &call->provider_ids, &nulls, &n);
	DeconstructArgument(fcinfo, 1, TEXTOID, &call->group_names, &call->is_alone, &nnames);
	DeconstructArgument(fcinfo, 2, FLOAT8OID, &probabilities, &is_unknown, &nprobabilities);
	if (nnames != n || nprobabilities != n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are %d providers, %d groups and %d probabilities", n, nnames, nprobabilities),
				 errhint("Give a group, or NULL, and a probability for each provider.")));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i] || is_unknown[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("providers and their probabilities must not be NULL")));
		(void) Load(DatumGetFloat8(probabilities[i]));
	}
	call->fleet.group = NumberGroups(call->group_names, call->is_alone, n);
	InitFleet(&call->fleet, probabilities, n);
	call->placed = (Placed *) palloc((n + 1) * sizeof(Placed));
	PlaceJobs(call, jobs, target, max_replicas, PG_GETARG_BOOL(8));
	return call;
}

/*
 * liveness_choose(provider_ids text[], group_names text[], probabilities float8[], jobs int,
 *				   target float8, max_replicas int, phi float8, psi float8,
 *				   whole_jobs boolean) -> SETOF liveness_place_row
 *
 * Places jobs on providers that come in falling order of their probabilities.  With
 * whole_jobs a job that does not reach its target takes no provider.
 */
PG_FUNCTION_INFO_V1(liveness_choose);
Datum
liveness_choose(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	PlaceCall  *call;
	const Placed *placed;
	Datum		values[lengthof(place_row)];
	bool		nulls[lengthof(place_row)] = {false};

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext oldcontext;

		funcctx = SRF_FIRSTCALL_INIT();
		oldcontext = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		funcctx->tuple_desc = liveness_result_row(fcinfo, place_row, lengthof(place_row));
		funcctx->user_fctx = BeginPlacement(fcinfo);
		MemoryContextSwitchTo(oldcontext);
	}

	funcctx = SRF_PERCALL_SETUP();
	call = (PlaceCall *) funcctx->user_fctx;
	if (call->returned == call->nplaced)
		SRF_RETURN_DONE(funcctx);
	placed = &call->placed[call->returned++];
	values[0] = Int32GetDatum(placed->job);
	values[1] = Int32GetDatum(placed->replica);
	values[2] = call->provider_ids[placed->provider];
	values[3] = call->group_names[placed->provider];
	nulls[3] = call->is_alone[placed->provider];
	values[4] = Float8GetDatum(call->fleet.probability[placed->provider]);
	values[5] = Float8GetDatum(placed->joint);
	SRF_RETURN_NEXT(funcctx,
					HeapTupleGetDatum(heap_form_tuple(funcctx->tuple_desc, values, nulls)));
}
