// Processes that are kept alive, and their output.
#include "supervise/supervisor.hpp"

#include <doctest/doctest.h>

#include <functional>

#include "observe/log.hpp"

namespace cleave::supervise {
namespace {

using namespace std::chrono_literals;

sigset_t blocked() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGUSR1);
  sigset_t all = stop;
  sigaddset(&all, SIGCHLD);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  return stop;
}

ChildOptions shell(const std::string& script) {
  return {.name = "shell", .argv = {"/bin/sh", "-c", script}};
}

bool tend_until(Supervisor& supervisor, const std::function<bool()>& done) {
  const auto give_up = Supervisor::Clock::now() + 10s;
  while (!done()) {
    supervisor.tend(20ms);
    if (Supervisor::Clock::now() > give_up) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("the wait before a new start doubles up to five seconds") {
  Backoff backoff;
  for (const int wait : {100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
    CHECK(backoff.next(1ms).count() == wait);
  }
}

TEST_CASE("after a long life the wait is short again") {
  Backoff backoff;
  for (int i = 0; i < 5; ++i) backoff.next(29999ms);
  CHECK(backoff.next(30000ms) == 100ms);
  CHECK(backoff.next(1ms) == 200ms);
}

TEST_CASE("a process that is killed is started again, another one lives on") {
  Supervisor supervisor(blocked());
  const std::size_t one = supervisor.start(shell("exec sleep 60"));
  const std::size_t two = supervisor.start(shell("exec sleep 60"));
  supervisor.keep_alive();
  const pid_t first = supervisor.pid(one), other = supervisor.pid(two);
  kill(first, SIGKILL);
  CHECK(tend_until(supervisor, [&] {
    const pid_t now = supervisor.pid(one);
    return now > 0 && now != first;
  }));
  CHECK(supervisor.ending(one) == "SIGKILL");
  CHECK(supervisor.pid(two) == other);
  CHECK(supervisor.stop(one, SIGTERM, 5s) == 0);
  CHECK(supervisor.pid(one) == -1);
  CHECK(supervisor.ending(one) == "SIGTERM");
}

TEST_CASE("before all are kept alive, one that ends stays ended") {
  Supervisor supervisor(blocked());
  const std::size_t number = supervisor.start(shell("exit 78"));
  REQUIRE(tend_until(supervisor, [&] { return supervisor.pid(number) < 0; }));
  CHECK(supervisor.exit_code(number) == 78);
  CHECK(supervisor.ending(number) == "exit code 78");
}

TEST_CASE("one that does not want to end is killed in time, with what it started") {
  Supervisor supervisor(blocked());
  const std::size_t number =
      supervisor.start(shell("trap '' TERM; sleep 60 & while true; do wait; done"));
  const pid_t group = supervisor.pid(number);
  supervisor.tend(100ms);
  CHECK(supervisor.stop(number, SIGTERM, 200ms) == 0);
  CHECK(supervisor.ending(number) == "SIGKILL");
  bool gone = false;
  for (int i = 0; i < 200 && !gone; ++i) {
    gone = kill(-group, 0) != 0;
    supervisor.tend(10ms);
  }
  CHECK(gone);
}

TEST_CASE("a stop signal ends the wait") {
  Supervisor supervisor(blocked());
  kill(getpid(), SIGUSR1);
  CHECK(supervisor.tend(10s) == SIGUSR1);
}

TEST_CASE("a JSON line gets the name of its process, any other line does not") {
  CHECK(with_process(R"({"time":"now"})", "user+product") ==
        R"({"process":"user+product","time":"now"})");
  CHECK(with_process("2026/11/24 [emerg] bind() failed", "gateway") == "");
  CHECK(with_process(R"({"cut)", "order") == "");
  CHECK(with_process("{}", "order") == "");
}

}  // namespace cleave::supervise
