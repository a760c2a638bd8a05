// RemoteConnection: one socket to another host, used by one fiber at a time, on one loop.
#pragma once

#include <memory>
#include <string_view>

#include "http/remote_address.hpp"
#include "io/wait.hpp"

namespace cleave::http {

/// Registered with the loop once, edge-triggered: a round trip costs one send and one recv, plus
/// one turn of the loop.
class RemoteConnection final : io::FdHandler {
 public:
  /// Null when it cannot be opened by `deadline`; errno says why. TCP_NODELAY is set: small
  /// requests must not wait for acknowledgements (RFC 896). [fiber]
  static std::unique_ptr<RemoteConnection> open(const SocketAddress& to, io::TimePoint deadline);
  ~RemoteConnection() override;

  enum class Result { kDone, kClosed, kLate };
  /// All of `bytes`. `sent` grows by what the kernel took, also when it fails. [fiber]
  Result send(std::string_view bytes, std::size_t& sent, io::TimePoint deadline);
  /// At least one byte, in a buffer that lasts until this fiber waits again. [fiber]
  Result receive(std::string_view& bytes, io::TimePoint deadline);
  /// While idle: the peer has neither closed nor said anything.
  bool quiet() const noexcept;

  bool used = false;         // has carried a request: the peer may close it at any moment
  io::TimePoint idle_since;  // meaningful while idle

 private:
  explicit RemoteConnection(int fd);
  void on_ready(std::uint32_t events) override;
  Result wait(io::TimePoint deadline);

  io::Loop& loop_;
  int fd_;
  io::Waiter waiter_;
};

}  // namespace cleave::http
