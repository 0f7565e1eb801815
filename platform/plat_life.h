/**
 * @file plat_life.h
 * @brief Contract: the proof that a process lives.
 *
 * Beside APR because `apr_proc_wait` speaks of one's own children only. The
 * proof is neither the pid (used again) nor kill(pid, 0) (a zombie answers):
 * it goes in the moment the process ends, however it ends, and anybody in
 * the tree can look.
 */
#ifndef MPROC_PLAT_LIFE_H
#define MPROC_PLAT_LIFE_H

#include "plat_map.h"

/** A point in time by which a holder is told from a process that came to its
 *  pid later; 0 where the system does not say when a process began. */
apr_uint64_t mproc_plat_life_start(void);

/**
 * Begin to prove that the calling process lives, as holder of a slot. Lasts
 * until drop, or until the process ends. Not inherited by fork.
 * pre: nobody else proves life in this slot.
 */
apr_status_t mproc_plat_life_hold(const mproc_plat_map_t *map,
                                  apr_uint32_t slot);

/** End the proof; the process goes on but leaves the tree. */
void mproc_plat_life_drop(const mproc_plat_map_t *map, apr_uint32_t slot);

/**
 * Look whether the holder of a slot has ended.
 * @param pid,start as the holder gave them: its own, and a point in its life
 * @return 1: surely; 0: it lives, or nobody can tell
 */
int mproc_plat_life_ended(const mproc_plat_map_t *map, apr_uint32_t slot,
                          apr_int64_t pid, apr_uint64_t start);

#endif
