/*
 * slot.c: one value in shared memory, which nobody ever sees half written.
 *
 * A slot has two copies of its value, and a sequence; the copy whose number
 * is the sequence's last bit counts. A writer takes `writer`, a mutex
 * (mutex.c), writes into the copy that does not count, publishes by one store
 * of the next sequence, and lets go. Who dies before that store has
 * changed nothing that counts, and who dies after it has changed all: the
 * next writer takes over from the dead and repairs nothing.
 *
 * Invariant: the copy that counts is not written to. So a reader, who takes
 * nothing, has read one value if the sequence is the same before and after:
 * its copy is first written to by the writer after the next. It tries again
 * otherwise; each time somebody's write has come to its end.
 *
 * Orders. The store of the sequence (release) pairs with a reader's first
 * load of it (acquire): the copy is complete. Each store into a copy
 * (release) pairs with a reader's load of the same word (acquire): who reads
 * a word of the write after the next then sees, at its second look, that the
 * sequence went on. Taking `writer` pairs with letting it go: the sequence
 * and the copies are the last writer's. On x86 all of them are plain moves.
 */
#include "slot.h"

#include <string.h>

#include <mproc/error.h>

#include "../../platform/plat_sys.h"
#include "parking.h"

/* A copy's first word: type 0-7, size 8-63. */
#define HEAD(type, size) ((apr_uint64_t)(size) << 8 | (type))
#define HEAD_TYPE(head) ((unsigned)((head)&255))
#define HEAD_SIZE(head) ((head) >> 8)

static mproc__slot_word_t *
slot_copy(mproc__slot_t *slot, apr_uint64_t sequence)
{
    return (mproc__slot_word_t *)((char *)slot + slot->copies +
                                  (sequence & 1) * (8 + slot->room));
}

void
mproc__slot_read(mproc__slot_t *slot, mproc__slot_value_t *value, void *buffer)
{
    apr_uint64_t sequence, head, size, data, i;
    mproc__slot_word_t *copy;
    char *to = buffer;

    for (;; mproc_plat_pause()) {
        sequence = atomic_load_explicit(&slot->sequence, memory_order_acquire);
        copy = slot_copy(slot, sequence);
        head = atomic_load_explicit(copy, memory_order_acquire);
        /* The head may be another value's than the words are, till the end
         * says otherwise. */
        size = HEAD_SIZE(head) < slot->room ? HEAD_SIZE(head) : slot->room;
        for (i = 0; i < size; i += 8) {
            data = atomic_load_explicit(++copy, memory_order_acquire);
            memcpy(to + i, &data, 8);
        }
        if (atomic_load_explicit(&slot->sequence, memory_order_acquire) ==
            sequence) {
            value->type = HEAD_TYPE(head);
            value->size = (apr_size_t)size;
            return;
        }
    }
}

apr_status_t
mproc__slot_write(mproc__slot_t *slot, mproc_object_t *object,
                  const mproc__slot_value_t *value, const void *data)
{
    mproc__mutex_use_t turn = {&slot->writer, object,
                               "setting an element of a list", 1};
    mproc__actor_t self = mproc__actor();
    apr_status_t rv = APR_SUCCESS;
    apr_uint64_t sequence, word;
    mproc__slot_word_t *copy;
    apr_size_t i;

    if (self == 0) {
        return mproc__wait_refused(turn.call);
    }
    if (!mproc__mutex_take(&slot->writer, self)) {
        rv = mproc__mutex_acquire(&turn, MPROC_PLAT_NEVER, 0);
    }
    if (rv != APR_SUCCESS && rv != MPROC_EOWNERDEAD) {
        return rv;
    }
    sequence = atomic_load_explicit(&slot->sequence, memory_order_relaxed) + 1;
    copy = slot_copy(slot, sequence);
    atomic_store_explicit(copy, HEAD(value->type, value->size),
                          memory_order_release);
    for (i = 0; i < value->size; i += 8) {
        word = 0;
        memcpy(&word, (const char *)data + i,
               value->size - i < 8 ? value->size - i : 8);
        atomic_store_explicit(++copy, word, memory_order_release);
    }
    atomic_store_explicit(&slot->sequence, sequence, memory_order_release);
    mproc__mutex_release(&slot->writer);
    return APR_SUCCESS;
}
