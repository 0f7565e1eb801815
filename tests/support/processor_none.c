/* processor_none.c: where threads cannot be pinned. */
#include "processor.h"

#include "../../platform/plat_sys.h"

int
processor_count(void)
{
    return 0;
}

apr_status_t
processor_pin(int n)
{
    (void)n;
    return APR_ENOTIMPL;
}

double
processor_clock(void)
{
    return (double)mproc_plat_clock() * 1000;
}
