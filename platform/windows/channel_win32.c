/* channel_win32.c: without fork there is no fork server to talk to. */
#include "plat_channel.h"

apr_status_t
mproc_plat_channel_create(apr_int64_t end[2])
{
    end[0] = -1;
    end[1] = -1;
    return APR_ENOTIMPL;
}

apr_status_t
mproc_plat_channel_adopt(apr_int64_t end)
{
    (void)end;
    return APR_ENOTIMPL;
}

apr_status_t
mproc_plat_channel_send(apr_int64_t end, const void *data, apr_size_t size,
                        const apr_int64_t *handles, int count,
                        apr_time_t deadline)
{
    (void)end;
    (void)data;
    (void)size;
    (void)handles;
    (void)count;
    (void)deadline;
    return APR_ENOTIMPL;
}

apr_status_t
mproc_plat_channel_recv(apr_int64_t end, void *data, apr_size_t *size,
                        apr_int64_t *handles, int *count, apr_time_t deadline)
{
    (void)end;
    (void)data;
    (void)handles;
    (void)deadline;
    *size = 0;
    *count = 0;
    return APR_ENOTIMPL;
}

apr_status_t
mproc_plat_channel_wait(apr_int64_t end, const apr_int64_t *procs, int count,
                        int *ready, apr_time_t deadline)
{
    (void)end;
    (void)procs;
    (void)count;
    (void)deadline;
    *ready = -1;
    return APR_ENOTIMPL;
}

void
mproc_plat_channel_close(apr_int64_t end)
{
    (void)end;
}
