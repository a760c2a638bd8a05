// Gateway: docker/nginx as it would run on this machine without Docker.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

#include "support/host_process.hpp"
#include "support/http_client.hpp"

namespace cleave::test {

using Settings = std::map<std::string, std::string>;  // GATEWAY_…

struct Extra {  // one more file of services/
  std::string text;
};

/// Renders docker/nginx into a temporary directory, at a free port of loopback, or of
/// GATEWAY_LISTEN when that ends with ":".
class Rendered {
 public:
  explicit Rendered(Settings settings, const Extra& extra = {});
  std::string file(const std::string& name) const;  // the text of a rendered file
  std::string config() const { return directory_ / "nginx.conf"; }
  std::string error_log() const { return directory_ / "error.log"; }
  const std::string& address() const noexcept { return address_; }

 private:
  OpenTempDir directory_;  // the workers may be another user
  std::string address_;
};

/// A running one; ends with its object. Throws std::runtime_error, with nginx' words, when it does
/// not start.
class Gateway {
 public:
  explicit Gateway(Settings settings, const Extra& extra = {});
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  ~Gateway();

  const std::string& address() const noexcept { return rendered_.address(); }
  HttpAnswer ask(std::string_view method, std::string_view path, std::string_view body = {},
                 const Headers& headers = {}) const {
    return ask_at(address(), method, path, body, headers);
  }

 private:
  Rendered rendered_;
  pid_t pid_ = -1;
};

/// Runs a command of the shell; its output, both streams, and its exit code.
struct Ran {
  int code;
  std::string output;
};
Ran run(const std::string& command);

}  // namespace cleave::test
