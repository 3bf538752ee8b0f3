// Uses transports as a C++ program does.

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <type_traits>

#include <sys/socket.h>
#include <unistd.h>

#include "pollback.h"

static_assert(std::is_same<decltype(&pollback_read),
                           rustls_io_result (*)(void *, uint8_t *, size_t, size_t *)>::value,
              "the type of rustls_read_callback");

namespace {

void check(bool so, const char *what)
{
    if (!so) {
        std::fprintf(stderr, "failed: %s\n", what);
        std::exit(1);
    }
}

class Notes {
public:
    static void wake(void *context, int direction)
    {
        auto *notes = static_cast<Notes *>(context);
        std::lock_guard<std::mutex> lock(notes->mutex);
        notes->directions |= direction;
        notes->changed.notify_all();
    }

    void await(int direction)
    {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [this, direction] { return (directions & direction) != 0; });
        directions = 0;
    }

private:
    std::mutex mutex;
    std::condition_variable changed;
    int directions = 0;
};

struct Free {
    void operator()(pollback_transport *transport) const { pollback_transport_free(transport); }
};

using Transport = std::unique_ptr<pollback_transport, Free>;

} // namespace

int main()
{
    int fds[2];
    uint8_t byte = 0;
    size_t count = 0;
    pollback_transport *made = nullptr;
    Notes notes;

    alarm(120);
    check(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0, "a pair of sockets");
    check(pollback_transport_from_fd(fds[0], Notes::wake, &notes, &made) == 0, "a transport");
    Transport transport(made);
    check(pollback_read(transport.get(), &byte, 1, &count) != 0, "nothing has arrived");
    check(write(fds[1], "x", 1) == 1, "a byte");
    notes.await(POLLBACK_READABLE);
    check(pollback_read(transport.get(), &byte, 1, &count) == 0, "a read");
    check(count == 1 && byte == 'x', "the byte");
    transport.reset();
    check(close(fds[1]) == 0, "a close");
    check(rustls_version().len > 0, "a function of rustls-ffi");
    return 0;
}
