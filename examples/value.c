/*
 * value.c: a plain value in shared memory.
 *
 * The child's changes are seen by the parent, and the other way round: there
 * is only one.
 */
#include <mproc.h>
#include <stdio.h>

typedef struct weather_t {
    double degrees;
    int hours[5];
} weather_t;

static int
change(mproc_bytes_t args, apr_pool_t *pool)
{
    mproc_value_t *value;
    weather_t *weather;

    if (mproc_unpack(args, pool, "o", &value) != APR_SUCCESS) {
        return 1;
    }
    weather = mproc_value_data(value);
    if (weather->degrees != 1.0) {
        return 2;
    }
    weather->degrees = 5.0;
    weather->hours[0] = 100;
    return 0;
}

static void
weather_print(const weather_t *weather)
{
    printf("%.1f [%d, %d, %d, %d, %d]\n", weather->degrees, weather->hours[0],
           weather->hours[1], weather->hours[2], weather->hours[3],
           weather->hours[4]);
}

int
main(int argc, const char *const *argv)
{
    weather_t begin = {1.0, {0, 1, 2, 3, 4}};
    mproc_process_t *process;
    mproc_value_t *value;
    weather_t *weather;
    int code = -1;

    mproc_initialize(argc, argv);
    mproc_value_create(&value, sizeof begin, &begin, NULL);
    weather = mproc_value_data(value);
    weather_print(weather);
    mproc_process_create(&process, change, NULL, NULL, "o", value);
    mproc_process_start(process);
    mproc_process_join(process, MPROC_FOREVER);
    mproc_process_exitcode(process, &code);
    weather_print(weather);
    return code != 0 || weather->degrees != 5.0 || weather->hours[0] != 100 ||
           weather->hours[4] != 4;
}
