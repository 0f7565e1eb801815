/*
 * ops_shared.c: shareable lists and named blocks, killed at each instruction.
 *
 * An element is whole whenever anybody looks, also while the victim stands
 * still in the middle; a name is there no longer than somebody answers for
 * it.
 */
#include "step.h"

#include <stdio.h>
#include <string.h>

#include <apr_strings.h>

#include <mproc/shareable_list.h>
#include <mproc/shm.h>

#include "../../lib/src/layout.h"
#include "../../lib/src/object.h"
#include "../../lib/src/peers.h"
#include "../../lib/src/slot.h"
#include "../../platform/plat_shm.h"
#include "system.h"

/* ---------------------------------------------------------------------- list
 */

#define ROOM 48

static mproc_shareable_list_t *list;

/* Values of one letter each, of different lengths. */
static const char *const values[] = {
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccccccccccc"};
enum {
    OLD,
    NEW,
    THIRD,
    VALUES
};

static mproc__slot_t *
list_slot(void)
{
    return (mproc__slot_t *)((char *)((mproc_object_t *)list)->shared + 16);
}

static void
slot_set(int value)
{
    mproc__slot_value_t text = {MPROC_DATUM_TEXT, strlen(values[value])};

    step_expect(mproc__slot_write(list_slot(), (mproc_object_t *)list, &text,
                                  values[value]));
}

/* Which value it has now; VALUES: none. */
static int
slot_get(void)
{
    mproc__slot_value_t text;
    char buffer[ROOM];
    int i;

    mproc__slot_read(list_slot(), &text, buffer);
    for (i = 0; i < VALUES; i++) {
        if (text.type == MPROC_DATUM_TEXT && text.size == strlen(values[i]) &&
            memcmp(buffer, values[i], text.size) == 0) {
            break;
        }
    }
    return i;
}

static void
list_set(step_stage_t *stage)
{
    if (list == NULL) {
        mproc_shareable_list_create(&list, stage->pool, "[s]", values[OLD]);
    }
    slot_set(OLD);
}

static void
list_setf_run(step_stage_t *stage)
{
    (void)stage;
    step_expect(mproc_shareable_list_setf(list, 0, "s", values[NEW]));
}

static void
slot_run(step_stage_t *stage)
{
    (void)stage;
    slot_set(NEW);
}

/* The victim stands still, and another comes to look; afterwards too. */
static void
list_look(step_stage_t *stage)
{
    int value = slot_get();

    (void)stage;
    if (value != OLD && value != NEW) {
        stress_fault(STRESS_TORN, "an element is neither old nor new: %d",
                     value);
    }
}

static void
list_check(step_stage_t *stage)
{
    list_look(stage);
    slot_set(THIRD);
    if (slot_get() != THIRD) {
        stress_fault(STRESS_LOST, "an element that was set is another");
    }
}

/* Somebody has died in the middle, not found yet. */
static void
half_main(void *baton)
{
    mproc__slot_t *slot = list_slot();

    (void)baton;
    atomic_store(&slot->writer, mproc__actor());
    memset((char *)slot + slot->copies +
               (~atomic_load(&slot->sequence) & 1) * (8 + slot->room),
           0xee, 20);
}

static void
taken_set(step_stage_t *stage)
{
    list_set(stage);
    stage->dead = step_dead_child(half_main, stage);
}

/* A reader that stands still while the value changes, twice. */
static void
read_run(step_stage_t *stage)
{
    (void)stage;
    if (slot_get() == VALUES) {
        stress_fault(STRESS_TORN, "a slow reader got a mixture");
    }
}

static void
read_strike(step_stage_t *stage)
{
    (void)stage;
    slot_set(NEW);
    slot_set(THIRD);
    slot_set(OLD);
}

/* A writer that stands still: nobody else writes, but it goes on. */
static void
slow_check(step_stage_t *stage)
{
    (void)stage;
    if (slot_get() != NEW) {
        stress_fault(STRESS_LOST, "what a slow writer set is not there");
    }
}

/* ----------------------------------------------------------------------- shm
 */

static char shm_name[40];

static int
shm_exists(void)
{
    mproc_plat_shm_t shm;

    if (mproc_plat_shm_attach(&shm, shm_name) != APR_SUCCESS) {
        return 0;
    }
    mproc_plat_shm_close(&shm);
    return 1;
}

static int
shm_kept(void)
{
    int i, count = 0;

    for (i = 0; i < MPROC__NAMES; i++) {
        count += atomic_load(&mproc__arena.header->name[i]) != 0;
    }
    return count;
}

static void
shm_set(step_stage_t *stage)
{
    (void)stage;
    apr_snprintf(shm_name, sizeof shm_name, "mproc-stress-%" APR_INT64_T_FMT,
                 system_pid());
}

static mproc_shm_t *shm_own;

/* While its maker stands still: all of it is there, or nothing. */
static void
shm_look(step_stage_t *stage)
{
    mproc_plat_shm_t shm;

    (void)stage;
    if (mproc_plat_shm_attach(&shm, shm_name) == APR_SUCCESS) {
        if (shm.size != 5000) {
            stress_fault(STRESS_TORN, "a name leads to a block half made");
        }
        mproc_plat_shm_close(&shm);
    }
}

static void
shm_create_run(step_stage_t *stage)
{
    (void)stage;
    step_expect(mproc_shm_create(&shm_own, shm_name, 5000, NULL));
}

static void
shm_unlink_run(step_stage_t *stage)
{
    (void)stage;
    step_expect(mproc_shm_unlink(shm_own));
    mproc_shm_destroy(shm_own);
}

/* What exists is the tree's; nothing that was unlinked comes again. */
static void
shm_check(step_stage_t *stage)
{
    mproc_shm_t *shm;
    int there = shm_exists(), kept = shm_kept();

    (void)stage;
    if (there && kept != 1) {
        stress_fault(STRESS_LEAKED, "a name is there that nobody owns");
        return;
    }
    if (there && mproc_shm_attach(&shm, shm_name, NULL) == APR_SUCCESS) {
        step_expect(mproc_shm_unlink(shm));
        mproc_shm_destroy(shm);
    }
    if (shm_exists() || shm_kept() != 0) {
        stress_fault(STRESS_LEAKED, "a name, or its place, stays: %d %d",
                     shm_exists(), shm_kept());
    }
}

static const step_operation_t list_setf = {.set = list_set,
                                           .run = list_setf_run,
                                           .strike = list_look,
                                           .check = list_check},
                              slot = {.set = list_set,
                                      .run = slot_run,
                                      .strike = list_look,
                                      .check = list_check},
                              taken = {.set = taken_set,
                                       .run = slot_run,
                                       .strike = list_look,
                                       .check = list_check},
                              slow_read = {.set = list_set,
                                           .run = read_run,
                                           .strike = read_strike,
                                           .resume = 1},
                              slow_write = {.set = list_set,
                                            .run = slot_run,
                                            .strike = list_look,
                                            .resume = 1,
                                            .check = slow_check},
                              create = {.set = shm_set,
                                        .run = shm_create_run,
                                        .strike = shm_look,
                                        .check = shm_check},
                              unlink = {.set = shm_set,
                                        .ready = shm_create_run,
                                        .run = shm_unlink_run,
                                        .check = shm_check};

const stress_scenario_t stress_shared_scenarios[] = {
    {"list-setf", "an element is set", step_run, &list_setf},
    {"list-slot", "the same, without the packing", step_run, &slot},
    {"list-taken", "another died in the middle of it", step_run, &taken},
    {"slow-list-read", "read while it is set three times", step_run,
     &slow_read},
    {"slow-list-write", "set, slowly", step_run, &slow_write},
    {"shm-create", "a name is made", step_run, &create},
    {"shm-unlink", "a name is taken away", step_run, &unlink},
    {NULL, NULL, NULL, NULL}};
