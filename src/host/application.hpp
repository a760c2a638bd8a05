// Application: the modules of this process, alive: given what they may touch, reachable through the
// router, each at its place (placement.hpp); and stopped the other way round.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/placement.hpp"
#include "host/settings.hpp"
#include "http/network.hpp"
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
  void start() { placement_.start(); }
  /// Dependants first. No request may be in hand. Idempotent. [main]
  void stop();

  router::Router& router() noexcept { return router_; }
  observe::Metrics& metrics() noexcept { return metrics_; }
  Placement& placement() noexcept { return placement_; }

  /// The modules that run here as configured, dependencies first. The router knows more: those
  /// elsewhere, which have no public path, and an endpoint when they have a URL.
  std::vector<std::string_view> modules() const;

  /// Why this process is not ready: one "module: reason" each; empty when it is. [any thread]
  std::vector<std::string> not_ready() const { return placement_.not_ready(); }

 private:
  io::Threads& threads_;
  router::Router router_;
  observe::Metrics metrics_;
  std::unique_ptr<redis::Redis> redis_;
  std::vector<std::shared_ptr<void>> collectors_;
  std::unique_ptr<http::Network> network_;  // null: calls here are plain calls
  Site site_;
  Placement placement_;
  bool stopped_ = false;
};

}  // namespace cleave::host
