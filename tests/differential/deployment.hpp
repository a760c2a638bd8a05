// Deployment: a whole system, started fresh in a shape that a test chooses: which modules share a
// host, and whether the gateway stands in front.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/gateway.hpp"
#include "supervise/embedded.hpp"
#include "support/host_process.hpp"
#include "support/http_client.hpp"

namespace cleave::test {

class Deployment {
 public:
  struct Shape {
    std::string name;  // in reports
    /// Modules of each host; a module stands behind those that it depends on.
    std::vector<std::vector<std::string>> hosts = {{"user", "product", "order"}};
    bool gateway = false;
    HostProcess::Arguments more = {};  // of each host
  };
  static Shape fused() { return {.name = "fused"}; }
  static Shape split() { return {.name = "split", .hosts = {{"user"}, {"product"}, {"order"}}}; }
  static Shape behind_gateway() {
    return {.name = "gateway", .hosts = {{"user"}, {"product"}, {"order"}}, .gateway = true};
  }

  /// Empty databases and an empty cache; each host serves. Throws std::runtime_error.
  explicit Deployment(Shape shape);

  const std::string& name() const noexcept { return shape_.name; }
  /// Where a client sends a request for `path`: to the gateway, or to the module's host.
  const std::string& address(std::string_view path) const;
  bool gateway() const noexcept { return gateway_ != nullptr; }
  HostProcess& host_of(std::string_view module) const;
  HttpAnswer ask(std::string_view method, std::string_view path, std::string_view body = {},
                 const Headers& headers = {}) const {
    return ask_at(address(path), method, path, body, headers);
  }
  HttpAnswer post(std::string_view path, std::string_view body, const Headers& headers = {}) const {
    return ask("POST", path, body, headers);
  }
  const std::vector<supervise::ModuleDatabase>& databases() const { return servers_->databases(); }

 private:
  struct Host {
    std::vector<std::string> modules;
    std::unique_ptr<HostProcess> process;
  };
  void start(const std::vector<std::string>& modules);

  Shape shape_;
  OpenTempDir directory_;
  std::unique_ptr<supervise::Embedded> servers_;
  std::vector<Host> hosts_;
  std::unique_ptr<Gateway> gateway_;
};

/// A user 1 and a product 1, for tests that order. False when one could not be made.
bool seed(const Deployment& system);

}  // namespace cleave::test
