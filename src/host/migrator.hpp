// Migrator: brings one module's database up to date while the process starts, and keeps trying
// while the server is not there.
#pragma once

#include <atomic>
#include <future>
#include <string>

#include "io/threads.hpp"
#include "postgres/migrate.hpp"

namespace cleave::host {

class Migrator {
 public:
  explicit Migrator(postgres::MigrateOptions options) : options_(std::move(options)) {}

  /// Starts on a fiber of `loop`; `done` runs there once it has succeeded. [any thread, once]
  void start(io::Loop& loop, std::function<void()> done);
  /// Blocks until the first try has ended, or the deadline is there: it goes on behind a host that
  /// serves. Throws std::runtime_error when it failed for good.
  void wait_for_first_try(io::TimePoint deadline);
  void stop() noexcept { stopping_ = true; }

 private:
  void run();
  postgres::MigrateOptions options_;
  std::function<void()> done_;
  std::promise<std::string> first_try_;  // empty: fine, or worth another try
  std::atomic<bool> stopping_{false};
};

}  // namespace cleave::host
