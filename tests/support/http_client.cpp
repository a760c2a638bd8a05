#include "support/http_client.hpp"

#include <netdb.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace cleave::test {
namespace {

using std::chrono::milliseconds;

int connect_unix(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("too long: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

int connect_tcp(const std::string& host, const std::string& port) {
  const addrinfo hints{.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return -1;
  int fd = -1;
  for (const addrinfo* one = found; one != nullptr && fd < 0; one = one->ai_next) {
    fd = socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
    if (fd >= 0 && connect(fd, one->ai_addr, one->ai_addrlen) != 0) {
      close(fd);
      fd = -1;
    }
  }
  freeaddrinfo(found);
  return fd;
}

int connect_to(std::string address) {
  if (address.starts_with("unix:")) return connect_unix(address.substr(5));
  if (address.starts_with("http://")) address.erase(0, 7);
  while (address.ends_with('/')) address.pop_back();
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) return connect_tcp(address, "80");
  std::string host = address.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return connect_tcp(host, address.substr(colon + 1));
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

bool has_header(const Headers& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& header) { return same(header.first, name); });
}

}  // namespace

std::string HttpAnswer::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same(key, name)) return value;
  }
  return "";
}

bool HttpAnswer::has(std::string_view name) const {
  return has_header(headers, name);
}

HttpClient::HttpClient(const std::string& address) : fd_(connect_to(address)) {
  if (fd_ < 0) throw std::runtime_error("cannot connect to " + address);
}

HttpClient::~HttpClient() {
  close(fd_);
}

void HttpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool HttpClient::fill(Clock::time_point until) {
  while (!ended_) {
    const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
    pollfd wanted{.fd = fd_, .events = POLLIN, .revents = 0};
    const int ready = poll(&wanted, 1, static_cast<int>(std::max<long>(0, left)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    char buffer[16384];
    const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got > 0) {
      in_.append(buffer, static_cast<std::size_t>(got));
      return true;
    }
    ended_ = true;
  }
  return false;
}

bool HttpClient::read_head(HttpAnswer& answer, Clock::time_point until) {
  std::size_t end = 0;
  while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill(until)) return false;
  }
  const std::string head = in_.substr(0, end + 2);
  in_.erase(0, end + 4);
  if (!head.starts_with("HTTP/1.1 ") || head.size() < 14) return false;
  answer.status = std::atoi(head.c_str() + 9);
  answer.headers.clear();
  for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
    const std::size_t line_end = head.find("\r\n", at);
    const std::string line = head.substr(at, line_end - at);
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) return false;
    const std::size_t value = line.find_first_not_of(' ', colon + 1);
    answer.headers.emplace_back(line.substr(0, colon),
                                value == std::string::npos ? "" : line.substr(value));
    at = line_end + 2;
  }
  return true;
}

void HttpClient::read_body(HttpAnswer& answer, std::string_view method, Clock::time_point until) {
  const bool none = method == "HEAD" || answer.status == 204 || answer.status == 304;
  const std::size_t length =
      none ? 0 : std::strtoul(answer.header("Content-Length").c_str(), nullptr, 10);
  while (in_.size() < length && fill(until)) {
  }
  answer.body = in_.substr(0, length);
  in_.erase(0, answer.body.size());
}

HttpAnswer HttpClient::read(std::string_view method, milliseconds time) {
  const Clock::time_point until = Clock::now() + time;
  HttpAnswer answer;
  do {
    if (answer.status != 0) interim.push_back(answer.status);
    if (!read_head(answer, until)) {
      answer.status = 0;
      answer.closed = ended_;
      return answer;
    }
  } while (answer.status < 200);
  read_body(answer, method, until);
  if (same(answer.header("Connection"), "close")) {
    while (fill(until)) {
    }
    answer.closed = ended_;
    answer.excess = in_;
  }
  return answer;
}

HttpAnswer HttpClient::ask(std::string_view method, std::string_view path, std::string_view body,
                           const Headers& headers) {
  std::string text = std::string(method) + " " + std::string(path) + " HTTP/1.1\r\n";
  if (!has_header(headers, "Host")) text += "Host: localhost\r\n";
  const bool has_body = !body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
  if (has_body && !has_header(headers, "Content-Type")) {
    text += "Content-Type: application/json\r\n";
  }
  if (has_body) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  for (const auto& [name, value] : headers) {
    if (!value.empty() || name != "Content-Type") text += name + ": " + value + "\r\n";
  }
  send(text + "\r\n" + std::string(body));
  return read(method);
}

bool HttpClient::ends_within(milliseconds time) {
  const Clock::time_point until = Clock::now() + time;
  while (fill(until)) {
  }
  return ended_ && in_.empty();
}

HttpAnswer ask_at(const std::string& address, std::string_view method, std::string_view path,
                  std::string_view body, const Headers& headers) {
  return HttpClient(address).ask(method, path, body, headers);
}

HttpAnswer ask_raw_at(const std::string& address, std::string_view bytes, std::string_view method) {
  HttpClient client(address);
  client.send(bytes);
  return client.read(method);
}

}  // namespace cleave::test
