#include "http/remote_address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/un.h>

#include <charconv>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "http/target.hpp"
#include "io/timer.hpp"

namespace cleave::http {
namespace {

using Addresses = std::vector<SocketAddress>;

constexpr io::Millis kLookEvery{1000};
constexpr io::Millis kLookPause{200};  // between two look-ups, however often connecting fails

[[noreturn]] void refuse(std::string_view url, const std::string& why) {
  throw std::invalid_argument("\"" + std::string(url) + "\" " + why +
                              "; expected http://HOST:PORT or unix:PATH");
}

SocketAddress unix_address(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  std::memcpy(address.sun_path, path.data(), path.size());  // parse() has looked at its length
  SocketAddress made;
  std::memcpy(&made.bytes, &address, sizeof address);
  made.size = sizeof address;
  return made;
}

Addresses look_up(const std::string& host, int port, int flags) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return {};
  Addresses all;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    SocketAddress address;
    std::memcpy(&address.bytes, one->ai_addr, one->ai_addrlen);
    address.size = one->ai_addrlen;
    all.push_back(address);
  }
  freeaddrinfo(found);
  return all;
}

}  // namespace

RemoteAddress RemoteAddress::parse(std::string_view url) {
  RemoteAddress address;
  if (url.starts_with("unix:")) {
    address.path = url.substr(5);
    if (address.path.empty()) refuse(url, "names no socket");
    if (address.path.size() >= sizeof(sockaddr_un::sun_path)) {
      refuse(url, "has a path of over 107 characters, see unix(7)");
    }
    return address;
  }
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) refuse(url, "has an unknown scheme");
  std::string_view authority = url.substr(kScheme.size());
  if (authority.ends_with('/')) authority.remove_suffix(1);
  if (authority.empty()) refuse(url, "has no host");
  if (!valid_authority(authority)) refuse(url, "is no host and port");
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    address.host = authority.substr(1, end - 1);
    authority.remove_prefix(end + 1);
  } else {
    address.host = authority.substr(0, authority.find(':'));
    authority.remove_prefix(address.host.size());
  }
  if (authority.empty()) return address;
  const char* const end = authority.data() + authority.size();
  const auto [stop, error] = std::from_chars(authority.data() + 1, end, address.port);
  if (error != std::errc() || stop != end || address.port < 1) refuse(url, "has no valid port");
  return address;
}

std::string RemoteAddress::authority() const {
  if (!path.empty()) return "localhost";
  const bool six = host.find(':') != std::string::npos;
  return (six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string RemoteAddress::text() const {
  return path.empty() ? "http://" + authority() : "unix:" + path;
}

// Shared with the thread, which may hang in a look-up when the owner goes.
struct RemoteNames::State {
  std::string host;
  int port = 0;
  mutable std::mutex mutex;
  std::condition_variable changed;
  List list = std::make_shared<Addresses>();
  bool wanted = false, quit = false;

  void keep_looking() {
    std::unique_lock lock(mutex);
    while (!quit) {
      wanted = false;
      lock.unlock();
      Addresses found = look_up(host, port, 0);
      lock.lock();
      if (!found.empty()) list = std::make_shared<Addresses>(std::move(found));
      changed.wait_for(lock, kLookPause, [this] { return quit; });
      changed.wait_for(lock, kLookEvery - kLookPause, [this] { return quit || wanted; });
    }
  }
};

RemoteNames::RemoteNames(const RemoteAddress& address) : state_(std::make_shared<State>()) {
  if (!address.path.empty()) {
    state_->list = std::make_shared<Addresses>(Addresses{unix_address(address.path)});
    return;
  }
  Addresses numeric = look_up(address.host, address.port, AI_NUMERICHOST);  // asks nobody
  if (!numeric.empty()) {
    state_->list = std::make_shared<Addresses>(std::move(numeric));
    return;
  }
  state_->host = address.host;
  state_->port = address.port;
  std::thread([state = state_] { state->keep_looking(); }).detach();
}

RemoteNames::~RemoteNames() {
  const std::lock_guard lock(state_->mutex);
  state_->quit = true;
  state_->changed.notify_all();
}

RemoteNames::List RemoteNames::addresses() const {
  const std::lock_guard lock(state_->mutex);
  return state_->list;
}

bool RemoteNames::may_change() const noexcept {
  return !state_->host.empty();
}

void RemoteNames::refresh() {
  const std::lock_guard lock(state_->mutex);
  state_->wanted = true;
  state_->changed.notify_all();
}

}  // namespace cleave::http
