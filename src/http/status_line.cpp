#include "http/status_line.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <string>

#include "http/httplib_shim.hpp"

namespace cleave::http {
namespace {

/// httplib's stream over memory: it reads the smallest request there is, and its answer is kept.
class Memory final : public httplib::Stream {
 public:
  std::string written;

  bool is_readable() const override { return !request_.empty(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* into, std::size_t size) override {
    const std::size_t n = std::min(size, request_.size());
    std::memcpy(into, request_.data(), n);
    request_.remove_prefix(n);
    return static_cast<ssize_t>(n);
  }
  ssize_t write(const char* data, std::size_t size) override {
    written.append(data, size);
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return -1; }  // never used: reads and writes come here

 private:
  std::string_view request_ = "GET / HTTP/1.1\r\n\r\n";
};

std::string ask_httplib(int status) {
  HttplibServer server;
  // Before httplib looks for files, reads a body, or matches its regular expressions.
  server.set_pre_routing_handler([status](const httplib::Request&, httplib::Response& response) {
    response.status = status;
    return HttplibServer::HandlerResponse::Handled;
  });
  Memory memory;
  server.serve(memory, true);
  return memory.written.substr(0, memory.written.find("\r\n") + 2);
}

}  // namespace

std::string_view status_line(int status) {
  constexpr int kFirst = 200, kEnd = 600;
  thread_local std::array<std::string, kEnd - kFirst> lines;
  std::string& line = lines[static_cast<std::size_t>(status - kFirst)];
  if (line.empty()) {
    try {
      line = ask_httplib(status);
    } catch (const std::exception&) {
      line = "HTTP/1.1 " + std::to_string(status) + " \r\n";
    }
  }
  return line;
}

}  // namespace cleave::http
