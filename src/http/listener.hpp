// Listener: a bound, listening socket for "HOST:PORT", "[IPv6]:PORT" or "unix:PATH".
#pragma once

#include <string>

namespace cleave::http {

class Listener {
 public:
  /// Binds and listens, non-blocking. No SO_REUSEPORT: a second host on the same port must fail,
  /// not share it silently. A socket file of a process that is gone is replaced, a live one is
  /// refused. Who may connect to one is for the umask to say; in a directory with the set-group-ID
  /// bit, its owner and the directory's group, whatever the umask. Throws std::runtime_error with
  /// cause and remedy.
  explicit Listener(const std::string& address);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();  // also removes its socket file

  int fd() const noexcept { return fd_; }
  /// With the real port when 0 was asked for.
  const std::string& address() const noexcept { return address_; }

 private:
  void listen_unix(const std::string& path);
  void listen_tcp(const std::string& host, const std::string& port);
  int fd_ = -1;
  std::string address_, socket_file_;
};

/// Whether only this machine can reach it: a unix socket, 127.0.0.0/8 or ::1.
bool is_loopback(const std::string& address);

}  // namespace cleave::http
