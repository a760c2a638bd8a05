// A crash ends the process, but not without a line that says whose it was.
#include "host/crash.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

#include "seam/seam.hpp"

using namespace cleave;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
namespace {

/// What a child writes to standard error, and the signal that ends it.
struct Death {
  std::string words;
  int signal = 0;
};

Death crash_in_child(void (*crash)(), bool in_request) {
  const test::CapturedLog log;
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    for (const int signal : {SIGSEGV, SIGABRT, SIGFPE}) std::signal(signal, SIG_DFL);  // doctest's
    io::Threads threads(1);
    host::install_crash_reporter(threads);
    threads.run_on(0, [&] {
      io::Fiber& fiber = *io::Fiber::current();
      fiber.label.set("order GET /orders/7");
      if (in_request) fiber.context = &fiber;
      crash();
    });
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return {log.text(), WIFSIGNALED(status) ? WTERMSIG(status) : 0};
}

void read_nowhere() {
  volatile int* nowhere = nullptr;
  static_cast<void>(*nowhere);
}

[[gnu::noinline]] int deeper(volatile char* above) {
  volatile char frame[512];
  frame[0] = *above;
  if (frame[0] == 1) return 0;      // never, but the compiler cannot know
  return deeper(frame) + frame[0];  // not a tail call
}

constexpr const char* kEnd = "; the whole process ends (see docs/architecture.md)\n";

}  // namespace

TEST_CASE("a wild pointer is told with module and route, and still ends the process") {
  const Death death = crash_in_child(&read_nowhere, true);
  CHECK(death.words == std::string("cleave: SIGSEGV in module order, GET /orders/7") + kEnd);
  CHECK(death.signal == SIGSEGV);
}

TEST_CASE("an abort is told too") {
  const Death death = crash_in_child([] { std::abort(); }, true);
  CHECK(death.words == std::string("cleave: SIGABRT in module order, GET /orders/7") + kEnd);
  CHECK(death.signal == SIGABRT);
}

TEST_CASE("a stack that has run over is recognised, though it is the stack that is full") {
  const auto overflow = [] {
    volatile char first = 0;
    deeper(&first);
  };
  const Death death = crash_in_child(overflow, true);
  CHECK(death.words == std::string("cleave: stack overflow in module order, GET /orders/7") + kEnd);
  CHECK(death.signal == SIGSEGV);
}

TEST_CASE("a crash between requests is not laid at the last module's door") {
  const Death death = crash_in_child(&read_nowhere, false);
  CHECK(death.words == std::string("cleave: SIGSEGV outside any module") + kEnd);
}
#endif
