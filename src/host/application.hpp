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
#include "http/remote_check.hpp"
#include "http/remote_endpoint.hpp"
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

  /// The modules that run here, dependencies first. The router knows more: those elsewhere, which
  /// have no public path, and an endpoint when they have a URL.
  std::vector<std::string_view> modules() const;

  /// Why this process is not ready: one "module: reason" each; empty when it is. [any thread]
  std::vector<std::string> not_ready() const;

 private:
  struct Part;  // one module with all that is its own
  void add_peers(const loader::Loaded& loaded);
  void add_collectors();

  const Settings& settings_;
  io::Threads& threads_;
  router::Router router_;
  observe::Metrics metrics_;
  std::unique_ptr<redis::Redis> redis_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::vector<std::unique_ptr<http::RemoteEndpoint>> peers_;
  std::unique_ptr<http::RemoteCheck> check_;
  std::vector<std::shared_ptr<void>> collectors_;
  bool stopped_ = false;
};

}  // namespace cleave::host
