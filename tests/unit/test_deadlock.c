/* test_deadlock.c: circles of waits, and what looks like one. */
#include <apr_thread_proc.h>

#include "script.h"

/* Look until there is one. */
static const mproc_deadlock_t *
await_deadlock(apr_pool_t *pool)
{
    apr_time_t limit = mproc_clock() + test_deadline();
    const mproc_deadlock_t *deadlock;

    do {
        REQUIRE(mproc_clock() < limit);
        REQUIRE_STATUS(APR_SUCCESS, mproc_deadlock_find(&deadlock, 0, pool));
    } while (deadlock == NULL);
    return deadlock;
}

/* The member whose process this is. */
static const mproc_deadlock_member_t *
member_of(const mproc_deadlock_t *deadlock, mproc_process_t *process)
{
    for (int i = 0; i < deadlock->member_count; i++) {
        if (deadlock->members[i].thread->process->pid ==
            mproc_process_pid(process)) {
            return &deadlock->members[i];
        }
    }
    REQUIRE(!"a member");
    return NULL;
}

static void
check_member(const mproc_deadlock_t *deadlock, mproc_process_t *process,
             void *object, const char *call)
{
    const mproc_deadlock_member_t *member = member_of(deadlock, process);

    CHECK(member->object == seen(deadlock->picture, object));
    CHECK(member->thread->object == member->object);
    CHECK_TEXT(call, member->thread->call);
    CHECK_TEXT(mproc_process_name(process), member->thread->process->name);
    CHECK(member->thread->sleep == MPROC_INSPECT_ASLEEP);
    CHECK(member->thread->since <= deadlock->picture->taken);
}

static void
check_none(apr_pool_t *pool)
{
    const mproc_deadlock_t *deadlock;
    char *text;

    REQUIRE_STATUS(APR_SUCCESS, mproc_deadlock_find(&deadlock, 0, pool));
    CHECK(deadlock == NULL);
    if (deadlock != NULL) {
        mproc_deadlock_text(&text, deadlock, pool);
        fputs(text, stderr);
    }
}

static void
check_says(const mproc_deadlock_t *deadlock, const char *part, apr_pool_t *pool)
{
    char *text;

    REQUIRE_STATUS(APR_SUCCESS, mproc_deadlock_text(&text, deadlock, pool));
    if (strstr(text, part) == NULL) {
        fprintf(stderr, "%s\nis not in\n%s", part, text);
    }
    CHECK(strstr(text, part) != NULL);
}

static void
case_two_locks(apr_pool_t *pool)
{
    script_t script =
        script_make(new_lock(pool), new_lock(pool), new_barrier(2, pool), pool);
    mproc_process_t *a = script_start(&script, "021", pool);
    mproc_process_t *b = script_start(&script, "120", pool);
    const mproc_deadlock_t *deadlock = await_deadlock(pool);

    CHECK_INT(2, deadlock->member_count);
    CHECK_INT(0, deadlock->behind);
    CHECK(deadlock->deadline == 0);
    CHECK_INT(1, deadlock->picture->deadlock_count);
    check_member(deadlock, a, script.object[1], "mproc_lock_acquire");
    check_member(deadlock, b, script.object[0], "mproc_lock_acquire");
    check_says(deadlock, "wait for each other", pool);
    check_says(deadlock, mproc_process_name(a), pool);
    KILL(a);
    KILL(b);
    settle();
    check_none(pool);
}

static void
case_three_rlocks(apr_pool_t *pool)
{
    script_t script =
        script_make(new_rlock(pool), new_rlock(pool), new_rlock(pool), pool);
    mproc_process_t *a = script_start(&script, "00w1", pool);
    mproc_process_t *b = script_start(&script, "1w2", pool);
    mproc_process_t *c = script_start(&script, "2w0", pool);
    const mproc_deadlock_t *deadlock;

    await_sleepers(shared_of(script.go), 3);
    check_none(pool);
    mproc_event_set(script.go);
    deadlock = await_deadlock(pool);
    CHECK_INT(3, deadlock->member_count);
    check_member(deadlock, a, script.object[1], "mproc_rlock_acquire");
    check_member(deadlock, b, script.object[2], "mproc_rlock_acquire");
    check_member(deadlock, c, script.object[0], "mproc_rlock_acquire");
    check_says(deadlock, "3 threads wait for each other", pool);
    /* Each waits for the next, the last for the first. */
    for (int i = 0; i < 3; i++) {
        const mproc_inspect_object_t *object = deadlock->members[i].object;
        CHECK_INT(1, object->holder_count);
        CHECK(object->holders[0].thread ==
              deadlock->members[(i + 1) % 3].thread);
    }
    KILL(a);
    KILL(b);
    KILL(c);
    settle();
}

static void *APR_THREAD_FUNC
script_thread(apr_thread_t *thread, void *script)
{
    apr_thread_exit(thread, script_run(script));
    return NULL;
}

static void
case_two_threads(apr_pool_t *pool)
{
    script_t script = script_make(new_lock(pool), new_lock(pool), NULL, pool);
    script_t other = script;
    const mproc_deadlock_t *deadlock;
    apr_thread_t *a, *b;
    apr_status_t rv;

    script.text = "0w1-1-0";
    other.text = "1w0-0-1";
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_thread_create(&a, NULL, script_thread, &script, pool));
    REQUIRE_STATUS(APR_SUCCESS,
                   apr_thread_create(&b, NULL, script_thread, &other, pool));
    await_sleepers(shared_of(script.go), 2);
    mproc_event_set(script.go);
    deadlock = await_deadlock(pool);
    CHECK_INT(2, deadlock->member_count);
    CHECK(deadlock->members[0].thread != deadlock->members[1].thread);
    CHECK(deadlock->members[0].thread->process ==
          deadlock->members[1].thread->process);
    check_says(deadlock, "2 threads wait for each other", pool);
    check_says(deadlock, "thread ", pool);
    /* Anybody may release a lock: a looks, and gets on. */
    mproc_lock_release(script.object[1]);
    apr_thread_join(&rv, a);
    CHECK(rv == 0 || rv == 6); /* b's lock may be free by now. */
    apr_thread_join(&rv, b);
    check_none(pool);
}

static void
case_self(apr_pool_t *pool)
{
    script_t script = script_make(new_lock(pool), NULL, NULL, pool);
    mproc_process_t *a = script_start(&script, "00", pool);
    const mproc_deadlock_t *deadlock = await_deadlock(pool);

    CHECK_INT(1, deadlock->member_count);
    check_member(deadlock, a, script.object[0], "mproc_lock_acquire");
    check_says(deadlock, "waits for the lock that it has itself", pool);
    mproc_lock_release(script.object[0]);
    JOIN(a, 0);
    check_none(pool);
}

static void
case_permits(apr_pool_t *pool)
{
    script_t script =
        script_make(new_permits(1, pool), new_permits(2, pool), NULL, pool);
    mproc_process_t *a = script_start(&script, "0w1", pool);
    mproc_process_t *b = script_start(&script, "11w0", pool);
    const mproc_deadlock_t *deadlock;

    await_sleepers(shared_of(script.go), 2);
    mproc_event_set(script.go);
    deadlock = await_deadlock(pool);
    CHECK_INT(2, deadlock->member_count);
    check_member(deadlock, a, script.object[1], "mproc_semaphore_acquire");
    check_member(deadlock, b, script.object[0], "mproc_semaphore_acquire");
    CHECK(deadlock->members[0].by_process);
    check_says(deadlock, "by its process", pool);
    KILL(a);
    KILL(b);
    settle();
}

/* One of two who have permits can still release. */
static void
case_permits_left(apr_pool_t *pool)
{
    script_t script =
        script_make(new_permits(1, pool), new_permits(2, pool), NULL, pool);
    mproc_process_t *a = script_start(&script, "0w1-1-0", pool);
    mproc_process_t *b = script_start(&script, "1w0-0-1", pool);

    await_sleepers(shared_of(script.go), 2);
    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_semaphore_acquire(script.object[1], test_deadline()));
    mproc_event_set(script.go);
    await_sleepers(gate_of(script.object[0]), 1);
    await_sleepers(gate_of(script.object[1]), 1);
    check_none(pool);
    mproc_semaphore_release(script.object[1]);
    JOIN(a, 0);
    JOIN(b, 0);
}

/* A chain that ends at one who waits for what anybody may bring. */
static void
case_chain(apr_pool_t *pool)
{
    script_t script = script_make(new_lock(pool), new_rlock(pool), NULL, pool);
    mproc_process_t *a = script_start(&script, "0w-0", pool);
    mproc_process_t *b, *c;

    await_sleepers(shared_of(script.go), 1);
    b = script_start(&script, "10-0-1", pool);
    await_sleepers(shared_of(script.object[0]), 1);
    c = script_start(&script, "1-1", pool);
    await_sleepers(shared_of(script.object[1]), 1);
    check_none(pool);
    mproc_event_set(script.go);
    JOIN(a, 0);
    JOIN(b, 0);
    JOIN(c, 0);
}

/* Somebody else may notify: nobody is known to. */
static void
case_condition(apr_pool_t *pool)
{
    mproc_condition_t *condition;
    script_t script = script_make(new_rlock(pool), NULL, new_lock(pool), pool);
    mproc_process_t *a, *b;

    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_condition_create(&condition, script.object[0], pool));
    script.object[1] = condition;
    a = script_start(&script, "201-0-2", pool);
    await_sleepers((char *)shared_of(condition) + sizeof(mproc__part_t), 1);
    b = script_start(&script, "02-2-0", pool);
    await_sleepers(shared_of(script.object[2]), 1);
    check_none(pool);
    KILL(b);
    REQUIRE(mproc_rlock_acquire(script.object[0], test_deadline()) !=
            APR_TIMEUP);
    CHECK_STATUS(APR_SUCCESS, mproc_condition_notify(condition, 1));
    CHECK_STATUS(APR_SUCCESS, mproc_rlock_release(script.object[0]));
    JOIN(a, 0);
}

/* Notified, it waits for the lock, which has a holder. */
static void
case_condition_moved(apr_pool_t *pool)
{
    mproc_condition_t *condition;
    script_t script = script_make(new_rlock(pool), NULL, new_lock(pool), pool);
    const mproc_deadlock_t *deadlock;
    mproc_process_t *a, *b;

    REQUIRE_STATUS(APR_SUCCESS,
                   mproc_condition_create(&condition, script.object[0], pool));
    script.object[1] = condition;
    a = script_start(&script, "201", pool);
    await_sleepers((char *)shared_of(condition) + sizeof(mproc__part_t), 1);
    b = script_start(&script, "0n12", pool);
    deadlock = await_deadlock(pool);
    CHECK_INT(2, deadlock->member_count);
    check_member(deadlock, a, script.object[0], "mproc_condition_wait");
    check_member(deadlock, b, script.object[2], "mproc_lock_acquire");
    CHECK(member_of(deadlock, a)->thread->condition ==
          seen(deadlock->picture, condition));
    KILL(b);
    KILL(a);
    settle();
}

static void
case_limited(apr_pool_t *pool)
{
    script_t script =
        script_make(new_lock(pool), new_lock(pool), new_barrier(2, pool), pool);
    const mproc_deadlock_t *deadlock;
    mproc_process_t *a, *b;

    script.limit = apr_time_from_sec(100);
    a = script_start(&script, "021", pool);
    b = script_start(&script, "12t0", pool);
    deadlock = await_deadlock(pool);
    CHECK_INT(2, deadlock->member_count);
    CHECK(member_of(deadlock, a)->thread->deadline == 0);
    CHECK(deadlock->deadline == member_of(deadlock, b)->thread->deadline);
    CHECK(deadlock->deadline > deadlock->picture->taken);
    CHECK(deadlock->deadline <=
          deadlock->picture->taken + apr_time_from_sec(100));
    check_says(deadlock, "gives up in ", pool);
    check_says(deadlock, "It ends when the first of them gives up", pool);
    KILL(a);
    KILL(b);
    settle();
}

/* Others wait for what is in the circle, and for nothing of each other's. */
static void
case_behind(apr_pool_t *pool)
{
    script_t script =
        script_make(new_lock(pool), new_lock(pool), new_rlock(pool), pool);
    mproc_process_t *a = script_start(&script, "0w1", pool);
    mproc_process_t *b = script_start(&script, "1w0", pool);
    mproc_process_t *c, *d;
    const mproc_deadlock_t *deadlock;

    await_sleepers(shared_of(script.go), 2);
    c = script_start(&script, "20", pool);
    await_sleepers(shared_of(script.object[0]), 1);
    d = script_start(&script, "2", pool);
    await_sleepers(shared_of(script.object[2]), 1);
    check_none(pool);
    mproc_event_set(script.go);
    deadlock = await_deadlock(pool);
    CHECK_INT(2, deadlock->member_count);
    CHECK_INT(2, deadlock->behind);
    CHECK_INT(1, deadlock->picture->deadlock_count);
    check_says(deadlock, "2 more threads wait behind", pool);
    KILL(a);
    KILL(b);
    KILL(c);
    KILL(d);
    settle();
}

/* Twice at once, and each is told of. */
static void
case_two_circles(apr_pool_t *pool)
{
    script_t script = script_make(new_lock(pool), new_lock(pool), NULL, pool);
    mproc_process_t *a = script_start(&script, "00", pool);
    mproc_process_t *b = script_start(&script, "11", pool);
    apr_time_t limit = mproc_clock() + test_deadline();
    mproc_inspect_t *picture;
    int i;

    do {
        REQUIRE(mproc_clock() < limit);
        picture = look(pool);
    } while (picture->deadlock_count < 2);
    CHECK_INT(2, picture->deadlock_count);
    for (i = 0; i < 2; i++) {
        CHECK_INT(1, picture->deadlocks[i].member_count);
        CHECK_INT(0, picture->deadlocks[i].behind);
    }
    CHECK(picture->deadlocks[0].members[0].object !=
          picture->deadlocks[1].members[0].object);
    KILL(a);
    KILL(b);
    settle();
}

static volatile int busy_end;

/* Always in the same order, so they never close a circle. */
static void *APR_THREAD_FUNC
busy_thread(apr_thread_t *thread, void *data)
{
    script_t *script = data;
    int wrong = 0;

    while (!busy_end && wrong == 0) {
        script->text = "01-1-0";
        wrong = script_run(script);
        script->text = "1-1";
        wrong = wrong != 0 ? wrong : script_run(script);
    }
    apr_thread_exit(thread, wrong);
    return NULL;
}

/* Looked at as often as can be, and until one of them was seen asleep, busy
 * ones are never called stuck, and are not disturbed. */
static void
case_busy(apr_pool_t *pool)
{
    script_t script = script_make(new_lock(pool), new_rlock(pool), NULL, pool);
    script_t each[3] = {script, script, script};
    apr_thread_t *thread[3];
    apr_pool_t *sub;
    apr_status_t rv;
    int i, asleep = 0;

    busy_end = 0;
    apr_pool_create(&sub, pool);
    for (i = 0; i < 3; i++) {
        REQUIRE_STATUS(
            APR_SUCCESS,
            apr_thread_create(&thread[i], NULL, busy_thread, &each[i], pool));
    }
    for (i = 0; i < 2000 || asleep == 0; i++) {
        mproc_inspect_t *picture = look(sub);
        CHECK_INT(0, picture->deadlock_count);
        asleep += seen(picture, script.object[0])->waiter_count;
        apr_pool_clear(sub);
    }
    busy_end = 1;
    for (i = 0; i < 3; i++) {
        apr_thread_join(&rv, thread[i]);
        CHECK_INT(0, rv);
    }
    CHECK(asleep > 0);
    CHECK(!mproc_lock_locked(script.object[0]));
}

static const test_case_t cases[] = {{"two_locks", case_two_locks},
                                    {"three_rlocks", case_three_rlocks},
                                    {"two_threads", case_two_threads},
                                    {"self", case_self},
                                    {"permits", case_permits},
                                    {"permits_left", case_permits_left},
                                    {"chain", case_chain},
                                    {"condition", case_condition},
                                    {"condition_moved", case_condition_moved},
                                    {"limited", case_limited},
                                    {"behind", case_behind},
                                    {"two_circles", case_two_circles},
                                    {"busy", case_busy},
                                    {NULL, NULL}};

const test_suite_t suite_deadlock = {"deadlock", 1, cases};
