/*
 * module_elf.c: modules of a process on systems with ELF.
 *
 * An address becomes module + offset, and the module is known by its path
 * and by the build id that the linker wrote into it; where there is none, by
 * size and time of its file. The hard thing is to tell, without trusting its
 * contents, whether the file is still the one that was loaded.
 */
#define _GNU_SOURCE 1
#define _FILE_OFFSET_BITS 64

#include "plat_module.h"

#include <apr_dso.h>
#include <apr_strings.h>

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix/program.h"

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

#define NOTES_MAX 65536
#define HEADERS_MAX 1024

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ORDER ELFDATA2LSB
#else
#define NATIVE_ORDER ELFDATA2MSB
#endif

#if UINTPTR_MAX > 0xffffffffU
#define NATIVE_CLASS ELFCLASS64
#else
#define NATIVE_CLASS ELFCLASS32
#endif

/* What is looked for, and what was found. */
typedef struct search_t {
    const char *address; /* in this module, if there is no path */
    const char *path;    /* with this path, "" for the program; or NULL */
    struct stat file;    /* the file at path */
    int by_file;         /* any path that leads to this file will do */
    int index;           /* of the module looked at: 0 is the program */
    int has_id;
    char name[PATH_MAX];
    mproc_plat_module_t *module;
} search_t;

static size_t
note_align(size_t size, size_t unit)
{
    return (size + unit - 1) & ~(unit - 1);
}

/* Look through one note segment for the build id. */
static int
notes_find(const char *notes, size_t size, size_t unit,
           unsigned char id[MPROC_PLAT_MODULE_ID])
{
    ElfW(Nhdr) note;

    unit = unit == 8 ? 8 : 4;
    while (size >= sizeof note) {
        memcpy(&note, notes, sizeof note);
        if (note.n_namesz > size || note.n_descsz > size) {
            return 0;
        }
        size_t data = note_align(sizeof note + note.n_namesz, unit);
        size_t whole = note_align(data + note.n_descsz, unit);
        if (data + note.n_descsz > size) {
            return 0;
        }
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            memcmp(notes + sizeof note, "GNU", 4) == 0 && note.n_descsz > 0) {
            size_t length = note.n_descsz;
            memset(id, 0, MPROC_PLAT_MODULE_ID);
            memcpy(id, notes + data,
                   length < MPROC_PLAT_MODULE_ID ? length
                                                 : MPROC_PLAT_MODULE_ID);
            return 1;
        }
        whole = whole < size ? whole : size;
        notes += whole;
        size -= whole;
    }
    return 0;
}

static void
id_from_stat(const struct stat *file, unsigned char id[MPROC_PLAT_MODULE_ID])
{
    apr_uint64_t part[3] = {(apr_uint64_t)file->st_size,
                            (apr_uint64_t)file->st_mtim.tv_sec,
                            (apr_uint64_t)file->st_mtim.tv_nsec};

    memset(id, 0, MPROC_PLAT_MODULE_ID);
    memcpy(id, part, sizeof part);
}

static int
read_all(int fd, void *data, size_t size, apr_uint64_t offset)
{
    return offset <= (apr_uint64_t)LLONG_MAX / 2 &&
           pread(fd, data, size, (off_t)offset) == (ssize_t)size;
}

/* The build id of an ELF file of our own kind; 0 when it has none. */
static int
id_from_elf(int fd, unsigned char id[MPROC_PLAT_MODULE_ID])
{
    ElfW(Ehdr) head;
    ElfW(Phdr) segment;

    if (!read_all(fd, &head, sizeof head, 0) ||
        memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
        head.e_ident[EI_CLASS] != NATIVE_CLASS ||
        head.e_ident[EI_DATA] != NATIVE_ORDER ||
        head.e_phentsize != sizeof segment || head.e_phnum > HEADERS_MAX) {
        return 0;
    }
    for (unsigned i = 0; i < head.e_phnum; i++) {
        if (!read_all(fd, &segment, sizeof segment,
                      head.e_phoff + (apr_uint64_t)i * sizeof segment)) {
            return 0;
        }
        if (segment.p_type != PT_NOTE || segment.p_filesz > NOTES_MAX) {
            continue;
        }
        size_t size = (size_t)segment.p_filesz;
        char *notes = malloc(size + 1);
        int found = notes != NULL &&
                    read_all(fd, notes, size, segment.p_offset) &&
                    notes_find(notes, size, (size_t)segment.p_align, id);
        free(notes);
        if (found) {
            return 1;
        }
    }
    return 0;
}

/* The id that a module loaded from this file would have. */
static apr_status_t
id_from_file(const char *path, struct stat *file,
             unsigned char id[MPROC_PLAT_MODULE_ID])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return errno;
    }
    apr_status_t rv = fstat(fd, file) == 0 ? APR_SUCCESS : errno;
    if (rv == APR_SUCCESS && !id_from_elf(fd, id)) {
        id_from_stat(file, id);
    }
    close(fd);
    return rv;
}

/* Where the module lies, from the segments that are loaded. */
static int
module_extent(const struct dl_phdr_info *info, mproc_plat_module_t *module)
{
    apr_uintptr_t low = UINTPTR_MAX;
    apr_uintptr_t high = 0;

    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD) {
            apr_uintptr_t end = segment->p_vaddr + segment->p_memsz;
            low = segment->p_vaddr < low ? segment->p_vaddr : low;
            high = end > high ? end : high;
        }
    }
    if (low >= high) {
        return 0;
    }
    /* Offset 0 lies at the page's start, whatever the segment's. */
    low &= ~(apr_uintptr_t)4095;
    module->base = (char *)(info->dlpi_addr + low);
    module->span = high - low;
    return 1;
}

/* Between segments there may be something else. */
static int
segments_hold(const struct dl_phdr_info *info, const char *address)
{
    apr_uintptr_t place = (apr_uintptr_t)address - info->dlpi_addr;

    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && place >= segment->p_vaddr &&
            place - segment->p_vaddr < segment->p_memsz) {
            return 1;
        }
    }
    return 0;
}

static int
module_matches(const struct dl_phdr_info *info, const search_t *search)
{
    struct stat file;

    if (search->path == NULL) {
        return segments_hold(info, search->address);
    }
    if (search->index == 0 || search->path[0] == '\0') {
        return search->index == 0 && search->path[0] == '\0';
    }
    if (strcmp(info->dlpi_name, search->path) == 0) {
        return 1;
    }
    return search->by_file && info->dlpi_name[0] != '\0' &&
           stat(info->dlpi_name, &file) == 0 &&
           file.st_dev == search->file.st_dev &&
           file.st_ino == search->file.st_ino;
}

/* Called by the loader for each module, with its lock held. */
static int
search_visit(struct dl_phdr_info *info, size_t size, void *baton)
{
    search_t *search = baton;
    mproc_plat_module_t found;

    (void)size;
    memset(&found, 0, sizeof found);
    if (!module_extent(info, &found) || !module_matches(info, search)) {
        search->index++;
        return 0;
    }
    for (int i = 0; i < info->dlpi_phnum && !search->has_id; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_NOTE) {
            search->has_id = notes_find(
                (const char *)(info->dlpi_addr + segment->p_vaddr),
                (size_t)segment->p_memsz, (size_t)segment->p_align, found.id);
        }
    }
    *search->module = found;
    apr_cpystrn(search->name, search->index == 0 ? "" : info->dlpi_name,
                sizeof search->name);
    return 1;
}

/* The path as any process can use it. */
static apr_status_t
search_path(search_t *search, apr_pool_t *pool)
{
    char whole[PATH_MAX];

    if (search->index == 0) {
        search->module->path = "";
        return APR_SUCCESS;
    }
    if (search->name[0] == '/') {
        search->module->path = apr_pstrdup(pool, search->name);
        return APR_SUCCESS;
    }
    /* The kernel's own module has a name and no file. */
    if (strchr(search->name, '/') == NULL ||
        realpath(search->name, whole) == NULL) {
        return APR_NOTFOUND;
    }
    search->module->path = apr_pstrdup(pool, whole);
    return APR_SUCCESS;
}

static apr_status_t
file_path(const char **path, const mproc_plat_module_t *module,
          apr_pool_t *pool)
{
    *path = module->path;
    return module->path[0] != '\0' ? APR_SUCCESS
                                   : mproc__program_path(path, NULL, pool);
}

static apr_status_t
search_run(search_t *search, apr_pool_t *pool)
{
    const char *path;
    struct stat file;

    search->index = 0;
    if (dl_iterate_phdr(search_visit, search) == 0) {
        return APR_NOTFOUND;
    }
    apr_status_t rv = search_path(search, pool);
    if (rv != APR_SUCCESS || search->has_id) {
        return rv;
    }
    rv = file_path(&path, search->module, pool);
    return rv == APR_SUCCESS ? id_from_file(path, &file, search->module->id)
                             : rv;
}

int
mproc__program_is(const char *path)
{
    unsigned char id[MPROC_PLAT_MODULE_ID];
    mproc_plat_module_t program;
    search_t search = {.path = "", .module = &program};
    struct stat file;

    return dl_iterate_phdr(search_visit, &search) != 0 && search.has_id &&
           id_from_file(path, &file, id) == APR_SUCCESS &&
           memcmp(id, program.id, sizeof id) == 0;
}

/* The program itself, once it was looked for: it never goes. In a forked
 * child the loader's lock may be one that another thread held. */
static mproc_plat_module_t program_found;
static _Atomic int program_state; /* 0 unknown, 1 being noted, 2 known */

static void
program_note(const mproc_plat_module_t *module)
{
    int unknown = 0;

    if (atomic_compare_exchange_strong(&program_state, &unknown, 1)) {
        program_found = *module;
        program_found.path = "";
        atomic_store(&program_state, 2);
    }
}

apr_status_t
mproc_plat_module_of(mproc_plat_module_t *module, const void *address,
                     apr_pool_t *pool)
{
    search_t search = {.address = address, .module = module};

    if (atomic_load(&program_state) == 2 &&
        (apr_uintptr_t)address - (apr_uintptr_t)program_found.base <
            program_found.span) {
        *module = program_found;
        return APR_SUCCESS;
    }
    memset(module, 0, sizeof *module);
    apr_status_t rv = search_run(&search, pool);
    if (rv == APR_SUCCESS && search.index == 0) {
        program_note(module);
    }
    return rv;
}

apr_status_t
mproc_plat_module_load(mproc_plat_module_t *module, const char *path,
                       apr_pool_t *pool)
{
    search_t search = {.path = path, .module = module};

    memset(module, 0, sizeof *module);
    search.by_file = path[0] != '\0' && stat(path, &search.file) == 0;
    int error = errno;
    apr_status_t rv = search_run(&search, pool);
    if (path[0] == '\0') {
        return rv;
    }
    if (rv == APR_SUCCESS) {
        /* One more reference, never given back: functions in it are known
         * by address from now on. */
        return dlopen(module->path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD) !=
                           NULL ||
                       dlopen(module->path, RTLD_NOW | RTLD_LOCAL) != NULL
                   ? APR_SUCCESS
                   : APR_EDSOOPEN;
    }
    if (!search.by_file) {
        return error;
    }
    if (dlopen(path, RTLD_NOW | RTLD_LOCAL) == NULL) {
        return access(path, R_OK) == 0 ? APR_EDSOOPEN : errno;
    }
    return search_run(&search, pool);
}

/* A file that was read once, and found to be this module. */
typedef struct seen_t {
    unsigned char id[MPROC_PLAT_MODULE_ID];
    struct stat file;
    struct seen_t *next;
} seen_t;

/* Only grows, by one for each file of a module; no lock, for fork's sake. */
static seen_t *_Atomic seen_first;

static int
seen_before(const mproc_plat_module_t *module, const struct stat *file)
{
    const seen_t *seen = atomic_load(&seen_first);

    for (; seen != NULL; seen = seen->next) {
        if (memcmp(seen->id, module->id, sizeof seen->id) == 0 &&
            seen->file.st_dev == file->st_dev &&
            seen->file.st_ino == file->st_ino &&
            seen->file.st_size == file->st_size &&
            seen->file.st_mtim.tv_sec == file->st_mtim.tv_sec &&
            seen->file.st_mtim.tv_nsec == file->st_mtim.tv_nsec) {
            return 1;
        }
    }
    return 0;
}

static void
seen_add(const mproc_plat_module_t *module, const struct stat *file)
{
    seen_t *seen = malloc(sizeof *seen);

    if (seen == NULL) {
        return;
    }
    memcpy(seen->id, module->id, sizeof seen->id);
    seen->file = *file;
    seen->next = atomic_load(&seen_first);
    while (!atomic_compare_exchange_weak(&seen_first, &seen->next, seen)) {
    }
}

apr_status_t
mproc_plat_module_on_disk(const mproc_plat_module_t *module, apr_pool_t *pool)
{
    unsigned char id[MPROC_PLAT_MODULE_ID];
    struct stat file;
    const char *path;

    apr_status_t rv = file_path(&path, module, pool);
    if (rv != APR_SUCCESS) {
        /* No /proc: the start finds the program by its name, or says so. */
        return module->path[0] == '\0' ? APR_SUCCESS : rv;
    }
    if (stat(path, &file) != 0) {
        return errno;
    }
    if (seen_before(module, &file)) {
        return APR_SUCCESS;
    }
    rv = id_from_file(path, &file, id);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (memcmp(id, module->id, sizeof id) != 0) {
        return APR_EMISMATCH;
    }
    seen_add(module, &file);
    return APR_SUCCESS;
}
