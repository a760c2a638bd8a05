// Runs a test's body on a fiber of a fresh loop; doctest's checks inside it work as usual.
#pragma once

#include <exception>
#include <functional>

#include "io/wait.hpp"

namespace cleave::test {

/// Returns when the body and every fiber it started have ended; rethrows what the body throws.
inline void on_fiber(const std::function<void()>& body) {
  io::Loop loop;
  std::exception_ptr thrown;
  loop.post([&] {
    loop.spawn([&] {
      try {
        body();
      } catch (...) {
        thrown = std::current_exception();
      }
      loop.stop();
    });
  });
  loop.run();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace cleave::test
