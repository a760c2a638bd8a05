// Running: `cleave up PARTITION` on free ports, with data of its own, or on what is given.
#pragma once

#include <string>
#include <vector>

#include "support/host_process.hpp"
#include "support/http_client.hpp"

namespace cleave::test {

class Running {
 public:
  using Arguments = HostProcess::Arguments;

  /// `data`: kept by the caller, so that a second system finds what the first one made. `more`
  /// begins with the address of the front when that is no free port; "--listen", "" leaves it to
  /// `environment`.
  Running(const std::string& partition, const std::string& data, const Arguments& more = {},
          const HostProcess::Environment& environment = {});

  /// False, with the log printed, when it does not serve within a minute.
  bool wait_until_serving();
  const std::string& front() const noexcept { return front_; }
  /// Names, as the log told them when all was ready: "gateway", "user", "product+order".
  std::vector<std::string> names() const;
  /// Of the newest process of that name; -1: none.
  pid_t pid(const std::string& name) const;
  /// Sends it a signal. It must be there: kill(2) of -1 would be for every process of the machine.
  void signal(const std::string& name, int number) const;
  /// True when all that it started has ended and its exit code is 0.
  bool stops(int signal);
  /// One request through the front, and its status; 0: no answer.
  int status(std::string_view method, std::string_view path, std::string_view body = {}) const;
  /// True as soon as GET of the path answers 200.
  bool answers(std::string_view path) const;

  HostProcess process;

 private:
  std::string front_;
};

}  // namespace cleave::test
