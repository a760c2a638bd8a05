// Application: the modules of this process, alive: loaded in the order of their dependencies,
// given their capabilities, migrated, started, reachable through the router; and stopped the other
// way round.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/capabilities.hpp"
#include "host/instance.hpp"
#include "host/local_endpoint.hpp"
#include "host/migrator.hpp"
#include "host/settings.hpp"
#include "io/threads.hpp"
#include "loader/library.hpp"
#include "observe/metrics.hpp"

namespace cleave::host {

class Application {
 public:
  /// `settings` has a database URL for each module that wants one. Nothing runs yet. All three
  /// outlive this.
  Application(const Settings& settings, const loader::Loaded& loaded, io::Threads& threads);
  ~Application();  // stop()

  /// Starts the modules, dependencies first. Migrations are tried at once; a database that is not
  /// up is tried again in the background, and its module answers 503 until then. Throws
  /// std::runtime_error when a module or a migration refuses. [main]
  void start();
  /// Dependants first. No request may be in hand. Idempotent. [main]
  void stop();

  router::Router& router() noexcept { return router_; }
  observe::Metrics& metrics() noexcept { return metrics_; }

  /// Why this process is not ready: one "module: reason" each; empty when it is. [any thread]
  std::vector<std::string> not_ready() const;

 private:
  struct Part;  // one module with all that is its own
  void add_collectors();

  const Settings& settings_;
  io::Threads& threads_;
  router::Router router_;
  observe::Metrics metrics_;
  std::unique_ptr<redis::Redis> redis_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::vector<std::shared_ptr<void>> collectors_;
  bool stopped_ = false;
};

}  // namespace cleave::host
