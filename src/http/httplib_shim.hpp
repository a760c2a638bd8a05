// The one file that knows which cpp-httplib this is: 0.11.4 (Debian 12) hands process_request a
// stream and asks it for the addresses, 0.18.7 (Debian 13) wants the addresses as arguments.
#pragma once

#include <httplib.h>

#include <string>
#include <utility>

namespace cleave::http {

/// An httplib server that never listens: process_request is protected, and that is all we want.
class HttplibServer : public httplib::Server {
 public:
  /// Reads one request from `stream`, runs the hooks, writes one answer to `stream`.
  bool serve(httplib::Stream& stream, bool close) { return serve_with(*this, stream, close); }

 private:
  // A template, so that the branch for the other version is never looked at.
  template <class Self>
  static bool serve_with(Self& self, httplib::Stream& stream, bool close) {
    bool closed = false;
    const std::string none;
    if constexpr (requires { self.process_request(stream, close, closed, nullptr); }) {
      return self.process_request(stream, close, closed, nullptr);
    } else {
      return self.process_request(stream, none, 0, none, 0, close, closed, nullptr);
    }
  }
};

}  // namespace cleave::http
