// Resolver: the numeric addresses of a name, looked up off the loops.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace cleave::io {

/// Whether a host is an IPv4 or IPv6 address, which needs no look-up.
bool is_numeric(const std::string& host);

/// getaddrinfo(3) blocks, for seconds when a name server is away. A thread of its own asks it, and
/// loops use what it said last; a good answer stays when a later look-up fails. [any thread]
class Resolver {
 public:
  /// Begins to look the name up. Nothing to do for a numeric address, or for none.
  explicit Resolver(const std::string& host);

  /// All numeric addresses, in the order to try them; empty while none is known.
  std::vector<std::string> all() const;
  std::string last() const;  // the first of them, or empty
  /// Looks the name up again, soon.
  void refresh();
  /// Whether a look-up is under way.
  bool busy() const;

 private:
  struct State;  // outlives the Resolver while a look-up runs
  std::shared_ptr<State> state_;
  bool numeric_;
};

}  // namespace cleave::io
