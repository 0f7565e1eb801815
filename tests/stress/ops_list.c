/*
 * ops_list.c: the list, killed at each instruction.
 *
 * Each kill has a list of its own. Afterwards it must agree with itself, and
 * be as before, or as the same operation leaves a copy of it: nothing between.
 */
#include "step.h"

#include <string.h>

#include <apr_strings.h>

#include <mproc/error.h>
#include <mproc/list.h>

#include "../support/store_check.h"

#define LONG_TEXT                                                              \
    "a text that is longer than what the journal can put into the place of "   \
    "another one, so it gets a cell of its own"

typedef struct list_case_t {
    int length;
    apr_status_t (*act)(mproc_list_t *of, step_stage_t *stage);
} list_case_t;

static mproc_list_t *list;
static const list_case_t *now;
static char before[4000], after[4000];

static void
must(const char *what, apr_status_t rv)
{
    if (rv != APR_SUCCESS) {
        stress_fault(STRESS_LOST, "%s: %s got status %d: %s", step_name, what,
                     rv, mproc_error_detail());
    }
}

static void
list_print(mproc_list_t *of, char *text, size_t size)
{
    mproc_datum_t *datum;

    must("a look", mproc_list_datum(of, &datum, NULL));
    apr_cpystrn(text, mproc_datum_text(datum, NULL), size);
    mproc_datum_destroy(datum);
}

static void
list_set(step_stage_t *stage, const list_case_t *of)
{
    mproc_list_t *copy;
    int i;

    now = of;
    must("a create", mproc_list_create(&list, NULL));
    for (i = 0; i < of->length; i++) {
        switch (i % 4) {
        case 0:
            must("an append",
                 mproc_list_appendf(list, "[o i]", stage->event, i));
            break;
        case 1:
            must("an append", mproc_list_appendf(list, "s", LONG_TEXT));
            break;
        default:
            must("an append", mproc_list_appendf(list, "i", 100 - i));
            break;
        }
    }
    list_print(list, before, sizeof before);
    must("a copy", mproc_list_copy(&copy, list, NULL));
    must("an act", of->act(copy, stage));
    list_print(copy, after, sizeof after);
    mproc_list_destroy(copy);
}

static void
list_run(step_stage_t *stage)
{
    step_expect(now->act(list, stage));
}

static void
list_check(step_stage_t *stage)
{
    static char text[4000];
    const char *wrong;
    int number = 0;

    list_print(list, text, sizeof text);
    if (strcmp(text, before) != 0 && strcmp(text, after) != 0) {
        stress_fault(STRESS_TORN, "%s: neither before nor after: %.200s",
                     step_name, text);
    }
    wrong = list_whole(list);
    if (wrong == NULL) {
        must("an append", mproc_list_appendf(list, "i", 77));
        must("an insert", mproc_list_insertf(list, 0, "o", stage->event));
        must("a get", mproc_list_getf(list, -1, stage->pool, "i", &number));
        wrong = number == 77 ? list_whole(list) : "what was put is not there";
    }
    if (wrong != NULL) {
        step_wrong(STRESS_TORN, wrong);
    }
    mproc_list_destroy(list);
    list = NULL;
}

/* Each is a kind of its own. */
#define ACT(name, length, call)                                                \
    static apr_status_t name##_act(mproc_list_t *of, step_stage_t *stage)      \
    {                                                                          \
        (void)stage;                                                           \
        return call;                                                           \
    }                                                                          \
    static void name##_set(step_stage_t *stage)                                \
    {                                                                          \
        static const list_case_t of = {length, name##_act};                    \
        list_set(stage, &of);                                                  \
    }                                                                          \
    static const step_operation_t name = {                                     \
        .set = name##_set, .run = list_run, .check = list_check}

/* There is room for 28 at first. */
ACT(first, 0, mproc_list_appendf(of, "i", 1));
ACT(append, 6, mproc_list_appendf(of, "s", "end"));
ACT(append_box, 6, mproc_list_appendf(of, "o", stage->event));
ACT(grow, 28, mproc_list_appendf(of, "i", 1));
ACT(insert, 6, mproc_list_insertf(of, 2, "i", 1));
ACT(set, 6, mproc_list_setf(of, 2, "i", -2));
ACT(set_long, 6, mproc_list_setf(of, 2, "s", LONG_TEXT "!"));
ACT(set_box, 6, mproc_list_setf(of, 1, "o", stage->event));
ACT(rebox, 6, mproc_list_setf(of, 0, "o", stage->event));
ACT(unbox, 6, mproc_list_setf(of, 0, "i", 5));
ACT(drop_last, 5, mproc_list_remove(of, -1));
ACT(drop_first, 6, mproc_list_remove(of, 0));
ACT(drop_value, 6, mproc_list_removef(of, "i", 97));
ACT(extend, 6, mproc_list_extendf(of, "[i o i]", 1, stage->event, 2));
ACT(slice, 6,
    mproc_list_set_slicef(of, 0, 3, "[o i s i]", stage->event, 1, "x", 2));
ACT(drop_slice, 6, mproc_list_remove_slice(of, 1, 5));
ACT(reverse, 6, mproc_list_reverse(of));
ACT(repeat, 3, mproc_list_repeat(of, 3));
ACT(clear, 6, mproc_list_clear(of));

static void
sort_set(step_stage_t *stage)
{
    static const list_case_t of = {0, NULL};
    mproc_list_t *copy;

    now = &of;
    must("a create", mproc_list_create(&list, NULL));
    must("an extend", mproc_list_extendf(list, "[i i d i]", 3, -1, 2.5, 1));
    list_print(list, before, sizeof before);
    must("a copy", mproc_list_copy(&copy, list, NULL));
    must("a sort", mproc_list_sort(copy, 0));
    list_print(copy, after, sizeof after);
    mproc_list_destroy(copy);
    (void)stage;
}

static void
sort_run(step_stage_t *stage)
{
    (void)stage;
    step_expect(mproc_list_sort(list, 0));
}

static const step_operation_t sorted = {
    .set = sort_set, .run = sort_run, .check = list_check};

/* ------------------------------------------------- another died before that
 */

/* With elements behind, as in the middle of a splice. */
static void
behind_main(void *baton)
{
    mproc__store_use_t *use = (mproc__store_use_t *)(void *)list;

    (void)baton;
    if (mproc__actor() == 0 ||
        mproc__store_lock(use, "behind") != APR_SUCCESS) {
        return;
    }
    mproc__journal_put_wide(use, &use->content->count, use->content->count - 3);
    mproc__journal_put(use, &use->content->behind, 3);
    mproc__journal_commit(use);
}

static void
behind_set(step_stage_t *stage)
{
    static const list_case_t of = {6, append_act};

    list_set(stage, &of);
    must("an extend",
         mproc_list_extendf(list, "[o i s]", stage->event, 1, LONG_TEXT));
    stage->dead = step_dead_child(behind_main, stage);
}

static const step_operation_t behind = {
    .set = behind_set, .run = list_run, .check = list_check};

const stress_scenario_t stress_list_scenarios[] = {
    {"list-first", "the first element is appended", step_run, &first},
    {"list-append", "one is appended", step_run, &append},
    {"list-append-box", "one with an object", step_run, &append_box},
    {"list-grow", "one more than there is room for", step_run, &grow},
    {"list-insert", "one is inserted", step_run, &insert},
    {"list-set", "a short one is replaced", step_run, &set},
    {"list-set-long", "by a long one", step_run, &set_long},
    {"list-set-box", "a long one by one with an object", step_run, &set_box},
    {"list-rebox", "both with objects", step_run, &rebox},
    {"list-unbox", "one with an object by a short one", step_run, &unbox},
    {"list-pop", "the last one is removed", step_run, &drop_last},
    {"list-remove", "the first one is removed", step_run, &drop_first},
    {"list-removef", "one is removed by its value", step_run, &drop_value},
    {"list-extend", "several are appended", step_run, &extend},
    {"list-slice", "several take the place of several", step_run, &slice},
    {"list-remove-slice", "several are removed", step_run, &drop_slice},
    {"list-reverse", "another order", step_run, &reverse},
    {"list-sort", "and that of values", step_run, &sorted},
    {"list-repeat", "all are there three times", step_run, &repeat},
    {"list-clear", "all are removed", step_run, &clear},
    {"list-behind", "another died in a splice", step_run, &behind},
    {NULL, NULL, NULL, NULL}};
