// System: the parts of a running Cleave, put together: loops, embedded servers, modules. What
// `run`, `call` and the like share; it holds no decision of its own.
#pragma once

#include <memory>

#include "cli/options.hpp"
#include "host/application.hpp"
#include "supervise/embedded.hpp"

namespace cleave::cli {

/// Refuses to go on when a module was refused: throws Failure(kConfig) with all refusals.
void require_modules(const loader::Loaded& loaded, const host::Settings& settings);

/// Refuses a connection string that is none, before anything starts. Throws Failure(kConfig).
void require_urls(const host::Settings& settings);
/// Refuses peers, guarded modules and network faults that cannot be. Throws Failure(kConfig) with
/// all mistakes.
void require_placement(const Options& options);

class System {
 public:
  /// Starts the loops; nothing else yet.
  explicit System(Options& options);
  /// Stops what was started: modules, loops, then the embedded servers.
  ~System();

  /// Embedded servers for what has no URL, then migrations and modules. Throws Failure.
  void start();
  /// Dependants first; then closes databases and cache. False: something outlived its grace.
  bool stop();

  io::Threads& threads() noexcept { return *threads_; }
  host::Application& application() noexcept { return *application_; }
  bool embedded() const noexcept { return embedded_ != nullptr; }

 private:
  Options& options_;
  std::unique_ptr<supervise::Embedded> embedded_;
  std::unique_ptr<io::Threads> threads_;
  std::unique_ptr<host::Application> application_;
};

/// Starts the embedded servers for every module without a URL and writes their URLs into
/// `settings`. Null when nothing is missing. Throws Failure(kUnavailable).
std::unique_ptr<supervise::Embedded> start_embedded(host::Settings& settings, bool with_redis);

/// Unless it was said, how many loops: one a core, or one for two cores when a database is embedded
/// and takes its share of them. Call it before start_embedded().
void decide_threads(host::Settings& settings);
/// How many that is; at most as many as the router counts for.
unsigned default_threads(unsigned cores, bool embedded) noexcept;

}  // namespace cleave::cli
