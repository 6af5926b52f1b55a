/*-------------------------------------------------------------------------
 *
 * distribution.h
 *		Are the tables distributed among the nodes of Citus?  See distribution.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LIVENESS_DISTRIBUTION_H
#define LIVENESS_DISTRIBUTION_H

#include "extension.h"

extern bool liveness_is_distributed(const InstalledExtension *extension);
extern void liveness_check_nodes(const char *schema);

#endif							/* LIVENESS_DISTRIBUTION_H */
