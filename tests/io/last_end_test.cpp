// A loop that is destroyed by another thread than the one that ran it.
#include <doctest/doctest.h>
#include <pthread.h>

#include "io/loop.hpp"

namespace cleave::io {

// A host that had run for a while died of SIGSEGV at its very end, exit code 139 after a clean
// stop: the main thread ended the loops' idle fibers, and each wrote to the thread-locals of its
// loop's thread. That one is gone, and with it its memory once there have been enough threads; or,
// as here, when its stack is larger than the C library keeps.
TEST_CASE("idle fibers are ended by another thread, when theirs is gone") {
  Loop loop;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, std::size_t{256} << 20);
  pthread_t thread{};
  REQUIRE(pthread_create(
              &thread, &attributes,
              [](void* its) -> void* {
                static_cast<Loop*>(its)->run();
                return nullptr;
              },
              &loop) == 0);
  pthread_attr_destroy(&attributes);
  bool ran = false;
  loop.post([&] { loop.spawn([&] { ran = true; }); });
  loop.stop();
  pthread_join(thread, nullptr);
  CHECK(ran);
}

}  // namespace cleave::io
