/* io/uv/job.c - file jobs: a table of system calls, run on libuv's threads or at once. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/must.h"
#include "io/uv/uv.h"

enum { ZEROS_BYTES = 64 * 1024 };

/* ---- one function an operation: 0 or more, or -errno ----------------------------------------------------------- */

static int64_t
result(int64_t rc)
{
    return rc < 0 ? -errno : rc;
}

static int64_t
do_open(struct io_job *job)
{
    int flags = O_CLOEXEC | (job->flags & IO_FLAG_READ_ONLY ? O_RDONLY : O_RDWR);
    flags |= job->flags & IO_FLAG_CREATE ? O_CREAT : 0;
    flags |= job->flags & IO_FLAG_EXCLUSIVE ? O_EXCL : 0;
    int fd = open(job->path, flags, 0640);
    if (fd < 0)
        return -errno;
    job->file = fd;
    return 0;
}

static int64_t
do_close(struct io_job *job)
{
    return result(close((int)job->file));
}

static int64_t
do_write(struct io_job *job)
{
    struct iovec iov[IO_VIEWS_MAX];
    size_t left = 0;
    unsigned at = 0;
    off_t offset = (off_t)job->offset;
    for (unsigned i = 0; i < job->view_count; i++) {
        iov[i] = (struct iovec){ (void *)(uintptr_t)job->views[i].data, job->views[i].len };
        left += job->views[i].len;
    }
    while (left > 0) {
        ssize_t n = pwritev((int)job->file, iov + at, (int)(job->view_count - at), offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        offset += n;
        left -= (size_t)n;
        for (; n > 0 && (size_t)n >= iov[at].iov_len; at++)
            n -= (ssize_t)iov[at].iov_len;
        if (n > 0)
            iov[at] = (struct iovec){ (char *)iov[at].iov_base + n, iov[at].iov_len - (size_t)n };
    }
    return 0;
}

static int64_t
do_sync(struct io_job *job)
{
    return result(fdatasync((int)job->file));
}

static int64_t
do_write_sync(struct io_job *job)
{
    int64_t rc = do_write(job);
    return rc < 0 ? rc : do_sync(job);
}

static int64_t
do_read(struct io_job *job)
{
    size_t got = 0;
    while (got < job->len) {
        ssize_t n = pread((int)job->file, job->into + got, job->len - got, (off_t)(job->offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (int64_t)got;
}

static int64_t
do_size(struct io_job *job)
{
    struct stat st;
    return fstat((int)job->file, &st) < 0 ? -errno : (int64_t)st.st_size;
}

/* Zeros are really written, 1 MiB at a time: blocks that were only reserved would cost a journal entry at the first
 * sync of each. */
static int64_t
do_allocate(struct io_job *job)
{
    static const uint8_t zeros[ZEROS_BYTES];
    int64_t size = do_size(job);
    if (size < 0)
        return size;
    struct io_job part = { .file = job->file, .offset = (uint64_t)size };
    while (part.offset < job->offset) {
        uint64_t end = part.offset;
        for (part.view_count = 0; part.view_count < IO_VIEWS_MAX && end < job->offset; part.view_count++) {
            uint64_t left = job->offset - end;
            part.views[part.view_count] = view_of(zeros, left < ZEROS_BYTES ? left : ZEROS_BYTES);
            end += part.views[part.view_count].len;
        }
        int64_t rc = do_write(&part);
        if (rc < 0)
            return rc;
        part.offset = end;
    }
    return 0;
}

static int64_t
do_truncate(struct io_job *job)
{
    return result(ftruncate((int)job->file, (off_t)job->offset));
}

static int64_t
do_rename(struct io_job *job)
{
    return result(rename(job->path, job->path2));
}

static int64_t
do_unlink(struct io_job *job)
{
    return result(unlink(job->path));
}

static int64_t
do_mkdir(struct io_job *job)
{
    return mkdir(job->path, 0750) < 0 && errno != EEXIST ? -errno : 0;
}

static int64_t
do_sync_dir(struct io_job *job)
{
    int fd = open(job->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int64_t rc = result(fsync(fd));
    close(fd);
    return rc;
}

static int64_t
do_free_space(struct io_job *job)
{
    struct statvfs st;
    return statvfs(job->path, &st) < 0 ? -errno : (int64_t)(st.f_bavail * st.f_frsize);
}

static int64_t
do_lock(struct io_job *job)
{
    return flock((int)job->file, LOCK_EX | LOCK_NB) < 0 ? (errno == EWOULDBLOCK ? -EBUSY : -errno) : 0;
}

static void
perform(struct io_job *job)
{
    static int64_t (*const ops[])(struct io_job *) = {
        [IO_OPEN] = do_open,         [IO_CLOSE] = do_close,
        [IO_WRITE] = do_write,       [IO_WRITE_SYNC] = do_write_sync,
        [IO_READ] = do_read,         [IO_SYNC] = do_sync,
        [IO_ALLOCATE] = do_allocate, [IO_TRUNCATE] = do_truncate,
        [IO_RENAME] = do_rename,     [IO_UNLINK] = do_unlink,
        [IO_MKDIR] = do_mkdir,       [IO_SYNC_DIR] = do_sync_dir,
        [IO_SIZE] = do_size,         [IO_FREE_SPACE] = do_free_space,
        [IO_LOCK] = do_lock,
    };
    must(job->op < COUNT_OF(ops) && ops[job->op] != NULL);
    int64_t rc = ops[job->op](job);
    job->rc = rc < 0 ? uv_err(rc) : rc;
}

/* ---- on libuv's threads ---------------------------------------------------------------------------------------- */

struct uv_task {
    uv_work_t req;
    struct io_job *job;
};

static void
on_work(uv_work_t *req)
{
    perform(container_of(req, struct uv_task, req)->job);
}

static void
on_worked(uv_work_t *req, int status)
{
    struct uv_task *task = container_of(req, struct uv_task, req);
    struct uv_house *house = container_of(req->loop, struct uv_house, loop);
    struct io_job *job = task->job;
    (void)status;
    mem_free(house->io.mem, task);
    if (house->io.dead)
        return;
    uv_begin(house);
    job->done(job);
}

/* Without memory for a task the job blocks the loop: slow, but done, and reported from the loop as ever. */
static void
perform_inline(struct uv_house *house, struct io_job *job)
{
    perform(job);
    list_init(&job->link);
    list_push(&house->done, &job->link);
    uv_kick(&house->io);
}

void
uv_job_submit(struct io *io, struct io_job *job)
{
    struct uv_house *house = uv_house_of(io);
    struct uv_task *task = MEM_NEW(io->mem, struct uv_task);
    if (task == NULL) {
        perform_inline(house, job);
        return;
    }
    task->job = job;
    must(uv_queue_work(&house->loop, &task->req, on_work, on_worked) == 0);
}

void
uv_jobs_done(struct uv_house *house)
{
    struct list done;
    list_init(&done);
    list_splice(&done, &house->done);
    for (struct list *l = list_pop(&done); l != NULL; l = list_pop(&done)) {
        struct io_job *job = container_of(l, struct io_job, link);
        job->done(job);
    }
}

int64_t
uv_job_now(struct io *io, struct io_job *job)
{
    (void)io;
    perform(job);
    return job->rc;
}

/* ---- directories ------------------------------------------------------------------------------------------------ */

/* libuv's scandir leaves out . and .., and sorts by bytes. */
int
uv_list(struct io *io, const char *path, io_name_fn *fn, void *arg)
{
    uv_fs_t req;
    uv_dirent_t entry;
    (void)io;
    int rc = uv_fs_scandir(NULL, &req, path, 0, NULL);
    while (rc >= 0 && uv_fs_scandir_next(&req, &entry) >= 0)
        fn(arg, entry.name);
    uv_fs_req_cleanup(&req);
    return uv_err(rc);
}
