#include "io/resolver.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace cleave::io {
namespace {

std::vector<std::string> look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return {};
  std::vector<std::string> all;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    char text[NI_MAXHOST] = "";
    const int failed =
        getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
    if (failed == 0 && std::find(all.begin(), all.end(), text) == all.end()) all.push_back(text);
  }
  freeaddrinfo(found);
  return all;
}

}  // namespace

struct Resolver::State {
  std::mutex mutex;
  std::string host;
  std::vector<std::string> addresses;
  bool busy = false;
};

bool is_numeric(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

Resolver::Resolver(const std::string& host)
    : state_(std::make_shared<State>()), numeric_(host.empty() || is_numeric(host)) {
  state_->host = host;
  if (numeric_) state_->addresses = {host};
  refresh();
}

std::vector<std::string> Resolver::all() const {
  const std::lock_guard lock(state_->mutex);
  return state_->addresses;
}

std::string Resolver::last() const {
  const std::lock_guard lock(state_->mutex);
  return state_->addresses.empty() ? "" : state_->addresses.front();
}

bool Resolver::busy() const {
  const std::lock_guard lock(state_->mutex);
  return state_->busy;
}

void Resolver::refresh() {
  if (numeric_) return;
  const std::lock_guard lock(state_->mutex);
  if (state_->busy) return;
  try {
    std::thread([state = state_] {
      std::vector<std::string> found = look_up(state->host);
      const std::lock_guard inner(state->mutex);
      if (!found.empty()) state->addresses = std::move(found);  // an old one is better than none
      state->busy = false;
    }).detach();
    state_->busy = true;
  } catch (const std::system_error&) {  // no thread to be had: the next failure asks again
  }
}

}  // namespace cleave::io
