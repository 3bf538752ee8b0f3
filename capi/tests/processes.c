/* Transports together with fork, exec, signals and exit. Exits with 1 at the first failed check. */

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "checks.h"

static const char *program;

static int descriptors(void)
{
    DIR *entries = opendir("/proc/self/fd");
    int count = 0;

    CHECK(entries != NULL);
    while (readdir(entries) != NULL)
        count++;
    CHECK(closedir(entries) == 0);
    return count;
}

/* The number of threads of the library. Sanitizers have threads of their own. */
static int threads(void)
{
    DIR *entries = opendir("/proc/self/task");
    struct dirent *entry;
    int count = 0;

    CHECK(entries != NULL);
    while ((entry = readdir(entries)) != NULL) {
        char path[300], name[32] = "";
        FILE *file;

        snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
        file = fopen(path, "r");
        if (file != NULL) {
            count += fgets(name, sizeof(name), file) != NULL && strcmp(name, "pollback\n") == 0;
            fclose(file);
        }
    }
    CHECK(closedir(entries) == 0);
    return count;
}

static pid_t fork_child(void)
{
    pid_t child = fork();

    if (child == 0)
        end_if_stuck();
    return child;
}

/* Waits for a child, and returns its exit status. */
static int join(pid_t child)
{
    int status;

    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* There is no thread, and no descriptor but the socket, before a wake callback needs them. */
static void check_need(void)
{
    struct notes notes = NO_NOTES;
    int before = descriptors();
    int peer;
    pollback_transport *transport = open_transport(&peer, NULL, NULL);

    block_reading(transport);
    pass_byte(transport, peer);
    CHECK(threads() == 0 && descriptors() == before + 2);
    pollback_transport_free(transport);
    CHECK(close(peer) == 0);

    transport = open_transport(&peer, note, &notes);
    pass_byte(transport, peer);
    CHECK(threads() == 0 && descriptors() == before + 2);
    block_reading(transport);
    /* The thread sets its name before it does anything else. */
    CHECK(write(peer, "x", 1) == 1);
    await_note(&notes, POLLBACK_READABLE);
    CHECK(threads() == 1 && descriptors() > before + 2);
    pollback_transport_free(transport);
    CHECK(close(peer) == 0);
    CHECK(descriptors() == before);
    /* It has been joined, but the system may not have removed it yet. */
    while (threads() != 0)
        sched_yield();
}

/* If the thread cannot be started, the attempt fails, since nothing would wake the caller. */
static void check_lack(void)
{
    struct notes notes = NO_NOTES;
    struct rlimit limit;
    uint8_t byte;
    size_t count = UNSET;
    int peer;
    pollback_transport *transport = open_transport(&peer, note, &notes);
    rlim_t before;

    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    before = limit.rlim_cur;
    limit.rlim_cur = 3;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(pollback_read(transport, &byte, 1, &count) == EMFILE && count == UNSET);
    limit.rlim_cur = before;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    /* There is no memory for a stack of this size. */
    CHECK(setenv("RUST_MIN_STACK", "70368744177664", 1) == 0);
    CHECK(pollback_read(transport, &byte, 1, &count) == ENOMEM && count == UNSET);
    CHECK(pollback_transport_interest(transport) == POLLBACK_READABLE);
    /* Transports that need no thread still work. */
    pass_byte(transport, peer);
    pollback_transport_free(transport);
    CHECK(close(peer) == 0);
}

/* A child with transports of its own does no harm to those of its parent. */
static void check_own_transports(void)
{
    struct notes notes = NO_NOTES;
    int peer;
    pollback_transport *transport = open_transport(&peer, note, &notes);
    pid_t child;

    block_reading(transport);
    child = fork_child();
    if (child == 0) {
        pollback_transport *own[20];
        struct notes own_notes[20];
        int peers[20];

        for (int i = 0; i < 20; i++) {
            own_notes[i] = (struct notes)NO_NOTES;
            own[i] = open_transport(&peers[i], note, &own_notes[i]);
            block_reading(own[i]);
            CHECK(write(peers[i], "x", 1) == 1);
        }
        for (int i = 0; i < 20; i++) {
            await_note(&own_notes[i], POLLBACK_READABLE);
            pollback_transport_free(own[i]);
        }
        _exit(0);
    }
    CHECK(join(child) == 0);
    CHECK(write(peer, "x", 1) == 1);
    await_note(&notes, POLLBACK_READABLE);
    pollback_transport_free(transport);
    CHECK(close(peer) == 0);
}

/* A child can use a transport that it has inherited, and free it, and its parent still has it. */
static void check_inherited_transport(void)
{
    struct notes notes = NO_NOTES;
    uint8_t byte;
    size_t count;
    int peer;
    pollback_transport *transport = open_transport(&peer, note, &notes);

    block_reading(transport);
    for (int round = 0; round < 3; round++) {
        pid_t child = fork_child();

        if (child == 0) {
            block_reading(transport);
            CHECK(write(peer, "x", 1) == 1);
            await_note(&notes, POLLBACK_READABLE);
            CHECK(pollback_read(transport, &byte, 1, &count) == 0 && byte == 'x');
            block_reading(transport);
            pollback_transport_free(transport);
            _exit(0);
        }
        CHECK(join(child) == 0);
        /* The child has taken the byte. */
        block_reading(transport);
    }
    CHECK(write(peer, "y", 1) == 1);
    await_note(&notes, POLLBACK_READABLE);
    CHECK(pollback_read(transport, &byte, 1, &count) == 0 && byte == 'y');
    pollback_transport_free(transport);
    CHECK(close(peer) == 0);
}

/* Stops the thread in the middle of a call of the wake callback. */
struct gate {
    struct notes entered;
    struct notes opened;
};

static void stop_at_gate(void *context, int direction)
{
    struct gate *gate = context;

    note(&gate->entered, direction);
    await_note(&gate->opened, direction);
}

/* A fork in the middle of a call of the wake callback, which never returns in the child. */
static void check_fork_during_callback(void)
{
    struct gate gate = {NO_NOTES, NO_NOTES};
    struct notes notes = NO_NOTES;
    int peer, other_peer;
    pollback_transport *transport = open_transport(&peer, stop_at_gate, &gate);
    pid_t child;

    block_reading(transport);
    CHECK(write(peer, "x", 1) == 1);
    await_note(&gate.entered, POLLBACK_READABLE);
    child = fork_child();
    if (child == 0) {
        pollback_transport *other = open_transport(&other_peer, note, &notes);

        pollback_transport_free(transport);
        block_reading(other);
        CHECK(write(other_peer, "x", 1) == 1);
        await_note(&notes, POLLBACK_READABLE);
        pollback_transport_free(other);
        _exit(0);
    }
    CHECK(join(child) == 0);
    note(&gate.opened, POLLBACK_READABLE);
    pollback_transport_free(transport);
    CHECK(close(peer) == 0);
}

/* Executes this program again, and returns how many descriptors it finds open. */
static int descriptors_after_exec(void)
{
    pid_t child = fork_child();

    if (child == 0) {
        execl(program, program, "descriptors", (char *)NULL);
        _exit(255);
    }
    return join(child);
}

static void check_exec(void)
{
    struct notes notes = NO_NOTES;
    int before = descriptors_after_exec();
    int peer;
    pollback_transport *transport = open_transport(&peer, note, &notes);

    CHECK(before < 255);
    block_reading(transport);
    /* One more: the other end of the socket, which is not the library's. */
    CHECK(descriptors_after_exec() == before + 1);
    pollback_transport_free(transport);
    CHECK(close(peer) == 0);
}

/* A wait for a descriptor that has been closed returns. */
static void check_closed_descriptor(void)
{
    int peer;
    pid_t child = fork_child();

    if (child == 0) {
        pollback_transport *transport = open_transport(&peer, NULL, NULL);

        CHECK(close(pollback_transport_fd(transport)) == 0);
        errno = 0;
        CHECK(pollback_transport_wait(transport, POLLBACK_READABLE, -1) == -1 && errno == EBADF);
        _exit(0);
    }
    CHECK(join(child) == 0);
}

static void note_signals(void *context, int direction)
{
    sigset_t blocked;

    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &blocked) == 0);
    for (int number = 1; number <= SIGRTMAX; number++) {
        /* Two signals cannot be blocked, and two below SIGRTMIN belong to the C library. */
        if (number == SIGKILL || number == SIGSTOP || (number >= 32 && number < SIGRTMIN))
            continue;
        CHECK(sigismember(&blocked, number) == 1);
    }
    note(context, direction);
}

/* The thread receives no signal of the program, and the program's own mask is not changed. */
static void check_mask(void)
{
    struct notes notes = NO_NOTES;
    sigset_t mask;
    int peer;
    pollback_transport *transport = open_transport(&peer, note_signals, &notes);

    block_reading(transport);
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0);
    CHECK(sigismember(&mask, SIGUSR1) == 0 && sigismember(&mask, SIGTERM) == 0);
    CHECK(write(peer, "x", 1) == 1);
    await_note(&notes, POLLBACK_READABLE);
    pollback_transport_free(transport);
    CHECK(close(peer) == 0);
}

struct signaller {
    pthread_t target;
    int peer;
    struct notes stop;
};

static int handled[2];

static void handle(int number)
{
    /* A write, since waiting for a counter is not possible. */
    if (write(handled[1], &number, 1) != 1)
        _exit(1);
}

static void signal_once(struct signaller *signaller)
{
    char byte;

    CHECK(pthread_kill(signaller->target, SIGUSR1) == 0);
    CHECK(read(handled[0], &byte, 1) == 1);
}

/* Sends signals until it is stopped. */
static void *signal_until_stopped(void *argument)
{
    struct signaller *signaller = argument;
    bool stopped = false;

    while (!stopped) {
        signal_once(signaller);
        sched_yield();
        pthread_mutex_lock(&signaller->stop.mutex);
        stopped = signaller->stop.directions != 0;
        pthread_mutex_unlock(&signaller->stop.mutex);
    }
    return NULL;
}

/* Sends a few signals, and then makes the socket readable. */
static void *signal_and_write(void *argument)
{
    struct signaller *signaller = argument;

    for (int i = 0; i < 20; i++)
        signal_once(signaller);
    CHECK(write(signaller->peer, "x", 1) == 1);
    return NULL;
}

/* A signal handler ends a wait, unless POLLBACK_RESTART is set. */
static void check_interruption(void)
{
    struct sigaction action;
    struct signaller signaller = {pthread_self(), -1, NO_NOTES};
    pthread_t thread;
    pollback_transport *transport = open_transport(&signaller.peer, NULL, NULL);

    CHECK(pipe(handled) == 0);
    memset(&action, 0, sizeof(action));
    action.sa_handler = handle;
    action.sa_flags = SA_RESTART;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);

    CHECK(pthread_create(&thread, NULL, signal_until_stopped, &signaller) == 0);
    errno = 0;
    CHECK(pollback_transport_wait(transport, POLLBACK_READABLE, -1) == -1 && errno == EINTR);
    note(&signaller.stop, 1);
    CHECK(pthread_join(thread, NULL) == 0);

    CHECK(pthread_create(&thread, NULL, signal_and_write, &signaller) == 0);
    CHECK(pollback_transport_wait(transport, POLLBACK_READABLE | POLLBACK_RESTART, -1) ==
          POLLBACK_READABLE);
    CHECK(pthread_join(thread, NULL) == 0);
    pollback_transport_free(transport);
    CHECK(close(signaller.peer) == 0 && close(handled[0]) == 0 && close(handled[1]) == 0);
}

/* A program may exit while there are transports, and while the thread is running. */
static void check_exit(void)
{
    /* These have to outlive main, since the thread does. */
    static struct notes notes = NO_NOTES;
    static pollback_transport *transports[2];
    int peer;
    pid_t child = fork_child();

    if (child == 0) {
        transports[0] = open_transport(&peer, NULL, NULL);
        transports[1] = open_transport(&peer, note, &notes);
        block_reading(transports[0]);
        block_reading(transports[1]);
        exit(0);
    }
    CHECK(join(child) == 0);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "descriptors") == 0)
        return descriptors();
    end_if_stuck();
    if (argc == 2 && strcmp(argv[1], "lack") == 0) {
        check_lack();
        return 0;
    }
    program = argv[0];
    check_need();
    check_own_transports();
    check_inherited_transport();
    check_fork_during_callback();
    check_exec();
    check_closed_descriptor();
    check_mask();
    check_interruption();
    check_exit();
    return 0;
}
