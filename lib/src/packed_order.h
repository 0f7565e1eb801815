/* packed_order.h: packed values compared, as Python compares. */
#ifndef MPROC_SRC_PACKED_ORDER_H
#define MPROC_SRC_PACKED_ORDER_H

#include <mproc/types.h>

typedef enum mproc__order_t {
    MPROC__ORDERED,  /* by the order that is told; 0: equal */
    MPROC__UNEQUAL,  /* likewise, but never equal: NaN */
    MPROC__UNORDERED /* they are different, and none is less */
} mproc__order_t;

/* Compare two packed values. */
mproc__order_t mproc__packed_order(mproc_bytes_t a, mproc_bytes_t b,
                                   int *order);

static inline int
mproc__packed_equal(mproc_bytes_t a, mproc_bytes_t b)
{
    int order;
    return mproc__packed_order(a, b, &order) == MPROC__ORDERED && order == 0;
}

#endif
