// RemoteAddress: where another host listens, and RemoteNames: its numeric addresses, looked up off
// the loops.
#pragma once

#include <sys/socket.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::http {

struct RemoteAddress {
  std::string path;  // of a unix socket; empty: host and port
  std::string host;  // a name or a numeric address, without brackets
  int port = 80;

  /// "http://HOST:PORT", "http://[IPv6]:PORT" or "unix:PATH". Throws std::invalid_argument with
  /// what is wrong and the forms there are.
  static RemoteAddress parse(std::string_view url);
  std::string text() const;  // as it was written, for the log
  /// What a Host header says: "user-service:8080"; "localhost" for a unix socket.
  std::string authority() const;
};

/// One address that connect(2) takes.
struct SocketAddress {
  sockaddr_storage bytes = {};
  socklen_t size = 0;
};

/// getaddrinfo(3) blocks, for seconds when a name server is away. A thread of its own asks it every
/// second, since a container that is moved gets another address, and at once when told that
/// connecting failed; the last good answer stays when a later one fails. A numeric host and a unix
/// socket need no thread.
class RemoteNames {
 public:
  explicit RemoteNames(const RemoteAddress& address);
  RemoteNames(const RemoteNames&) = delete;
  RemoteNames& operator=(const RemoteNames&) = delete;
  ~RemoteNames();  // does not wait for a look-up that hangs

  using List = std::shared_ptr<const std::vector<SocketAddress>>;
  /// Never null; empty until the first look-up has succeeded. [any thread]
  List addresses() const;
  /// Look again soon. [any thread]
  void refresh();
  /// False: a numeric host or a unix socket, whose address stays.
  bool may_change() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace cleave::http
