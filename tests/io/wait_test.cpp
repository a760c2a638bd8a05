#include "io/wait.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "io/stack.hpp"
#include "io/threads.hpp"
#include "io/watchdog.hpp"
#include "support/on_fiber.hpp"

using namespace cleave::io;
using cleave::test::on_fiber;

TEST_CASE("a waiter is woken, remembers an early wake, and gives up at its deadline") {
  on_fiber([] {
    Waiter waiter;
    Loop::current()->spawn([&] { waiter.wake(); });
    CHECK(waiter.wait(Clock::now() + Millis(1000)));
    waiter.wake();
    CHECK(waiter.wait(Clock::now() + Millis(1000)));
    const TimePoint start = Clock::now();
    CHECK_FALSE(waiter.wait(start + Millis(20)));
    CHECK(Clock::now() - start >= Millis(20));
    CHECK_FALSE(waiter.wait(Clock::now() - Millis(5)));
  });
}

TEST_CASE("a wake in the same turn as the deadline resumes the fiber once") {
  on_fiber([] {
    for (int i = 0; i < 50; ++i) {
      Waiter waiter;
      Loop::current()->spawn([&] {
        sleep_for(Millis(1));
        waiter.wake();
      });
      waiter.wait(Clock::now() + Millis(1));
      sleep_for(Millis(2));
    }
  });
}

TEST_CASE("sleepers wake in the order of their deadlines, never early") {
  on_fiber([] {
    std::vector<int> order;
    std::vector<std::function<void()>> tasks;
    for (int ms : {30, 10, 20}) {
      tasks.push_back([ms, &order] {
        const TimePoint start = Clock::now();
        sleep_for(Millis(ms));
        CHECK(Clock::now() - start >= Millis(ms));
        order.push_back(ms);
      });
    }
    gather(tasks);
    CHECK(order == std::vector<int>{10, 20, 30});
  });
}

TEST_CASE("gather runs side by side and hands the context on") {
  on_fiber([] {
    int context = 7;
    Fiber::current()->context = &context;
    const TimePoint start = Clock::now();
    const std::function<void()> nap = [&] {
      CHECK(Fiber::current()->context == &context);
      sleep_for(Millis(50));
    };
    const std::vector<std::function<void()>> tasks(10, nap);
    gather(tasks);
    CHECK(Clock::now() - start < Millis(400));
  });
}

TEST_CASE("a fiber waits for a descriptor") {
  int pipe_fds[2];
  REQUIRE(pipe2(pipe_fds, O_NONBLOCK) == 0);
  on_fiber([&] {
    CHECK_FALSE(wait_fd(pipe_fds[0], EPOLLIN, Clock::now() + Millis(10)));
    Loop::current()->spawn([&] { CHECK(write(pipe_fds[1], "x", 1) == 1); });
    CHECK(wait_fd(pipe_fds[0], EPOLLIN, Clock::now() + Millis(1000)));
  });
  close(pipe_fds[0]);
  close(pipe_fds[1]);
}

TEST_CASE("a descriptor that cannot be watched does not make its reader spin for ever") {
  on_fiber([] {
    const TimePoint deadline = Clock::now() + Millis(30);
    int turns = 0;
    while (turns < 1000 && wait_fd(-1, EPOLLIN, deadline)) ++turns;
    CHECK(turns < 40);
    CHECK(Clock::now() >= deadline);
  });
}

TEST_CASE("waiting inside a catch block keeps each fiber's exception its own") {
  on_fiber([] {
    std::vector<std::string> caught;
    const auto thrower = [&](const char* text) {
      try {
        throw std::runtime_error(text);
      } catch (const std::exception&) {
        sleep_for(Millis(5));
        try {
          throw;  // the one that this fiber handles, not its neighbour's
        } catch (const std::exception& again) {
          caught.push_back(again.what());
        }
      }
    };
    const std::vector<std::function<void()>> tasks{[&] { thrower("a"); }, [&] { thrower("b"); }};
    gather(tasks);
    CHECK(caught == std::vector<std::string>{"a", "b"});
  });
}

#if defined(__SANITIZE_THREAD__)
constexpr int kMany = 500;  // ThreadSanitizer keeps a megabyte of history for each
#else
constexpr int kMany = 10000;
#endif

/// Pages of address space, the first field of /proc/self/statm: proc(5).
std::size_t mapped_pages() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages;
}

TEST_CASE("ten thousand fibers at once, and their stacks go back") {
  on_fiber([] {
    int left = kMany;
    const std::size_t before = mapped_pages();
    Waiter done;
    for (int i = 0; i < kMany; ++i) {
      Loop::current()->spawn([&] {
        sleep_for(Millis(1));
        if (--left == 0) done.wake();
      });
    }
    CHECK(done.wait(Clock::now() + Millis(20000)));
    const std::size_t most = mapped_pages();
    const std::size_t few = before + (most - before) / 4;
    const TimePoint patience = Clock::now() + Millis(30000);
    while (mapped_pages() > few && Clock::now() < patience) sleep_for(Millis(50));
    CHECK(mapped_pages() <= few);
  });
}

TEST_CASE("gather goes on when no stack is to be had") {
  on_fiber([] {
    int ran = 0;
    std::vector<std::function<void()>> tasks(1000, [&] {
      ++ran;
      sleep_for(Millis(1));
    });
    const std::size_t before = Stack::most();
    Stack::set_most(100);
    gather(tasks);
    Stack::set_most(before);
    CHECK(ran == 1000);
  });
}

TEST_CASE("work posted from other threads runs on the loop") {
  Threads threads(2);
  std::atomic<int> sum{0};
  for (int i = 0; i < 100; ++i) {
    threads[static_cast<std::size_t>(i % 2)].post([&, i] { sum += i; });
  }
  threads.run_on_all([] { CHECK(Loop::current() != nullptr); });
  CHECK(sum == 4950);
  CHECK_THROWS_AS(threads.run_on(1, [] { throw std::runtime_error("x"); }), std::runtime_error);
  CHECK(threads.stop());
}

TEST_CASE("the watchdog names a handler that holds its loop, once") {
  Threads threads(1);
  std::atomic<int> reports{0};
  std::string label;
  {
    Watchdog watchdog(
        threads.loops(),
        [&](const std::string& text, Millis held) {
          CHECK(held >= Millis(40));
          label = text;
          ++reports;
        },
        Millis(40));
    threads.run_on(0, [] {
      Fiber::current()->label.set("order GET /orders/7");
      usleep(200 * 1000);  // blocks the thread: what the watchdog is for
    });
    threads.run_on(0, [] { sleep_for(Millis(100)); });  // waits: no reason to complain
  }
  CHECK(reports == 1);
  CHECK(label == "order GET /orders/7");
}
