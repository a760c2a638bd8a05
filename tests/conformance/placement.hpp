// Placement: how the modules of the system under test are spread over hosts. The cases do not know,
// but for the few that ask; what they expect is the same.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "support/host_process.hpp"

namespace cleave::test {

class Placement {
 public:
  /// "fused": one host. "guarded": one, with each module in a process of its own. "split": one host
  /// a module, with one embedded PostgreSQL and Redis for all; user listens on a unix socket, so
  /// that it can come back at its address. Throws std::runtime_error when a host does not serve.
  static std::unique_ptr<Placement> start(const std::string& name);
  virtual ~Placement() = default;

  /// Of the host that runs a module.
  virtual HostProcess& host_of(const std::string& module) = 0;
  /// Ends the host of a module, if it still runs, and starts it again; split only.
  virtual void restart(const std::string& module) = 0;
  /// Ends all; false, with the log printed, when one does not end well.
  virtual bool stop() = 0;
  virtual std::string log() const = 0;  // of all hosts
  /// libpq's words for a module's database, as the role that the module itself has.
  virtual std::string database_url(const std::string& module) const = 0;
};

}  // namespace cleave::test
