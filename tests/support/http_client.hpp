// A client on a plain socket: it sends what a test gives it, broken or not, and reads exactly one
// answer. It knows nothing of the server's code, so that both cannot share a mistake.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cleave::test {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpAnswer {
  int status = 0;  // 0: the connection ended, or the time was up, before a whole head came
  Headers headers;
  std::string body;
  bool closed = false;  // the peer closed behind it, as its "Connection: close" had promised
  std::string excess;   // what came after the answer, though nothing more was asked for

  /// Value of the first header of that name, whatever its case; "" when there is none.
  std::string header(std::string_view name) const;
  bool has(std::string_view name) const;
};

class HttpClient {
 public:
  static constexpr std::chrono::milliseconds kPatience{10000};

  /// "127.0.0.1:8080", "http://127.0.0.1:8080" or "unix:/path". Throws std::runtime_error.
  explicit HttpClient(const std::string& address);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  /// Bytes as they are. A peer that has closed meanwhile is no error: read() will tell.
  void send(std::string_view bytes);
  /// One final answer (1xx are read too, and counted in `interim`). `method` decides whether a body
  /// follows. After "Connection: close", waits for the end and tells in `closed`.
  HttpAnswer read(std::string_view method = "GET", std::chrono::milliseconds time = kPatience);
  /// Sends a well-formed request and reads its answer. Host and Content-Length are added, and
  /// Content-Type: application/json when there is a body and `headers` has none.
  HttpAnswer ask(std::string_view method, std::string_view path, std::string_view body = {},
                 const Headers& headers = {});
  /// True when the peer ends the connection within that time without another byte.
  bool ends_within(std::chrono::milliseconds time);

  std::vector<int> interim;  // statuses of the 1xx answers

 private:
  using Clock = std::chrono::steady_clock;
  bool fill(Clock::time_point until);  // false: the end, or the time was up
  bool read_head(HttpAnswer& answer, Clock::time_point until);
  void read_body(HttpAnswer& answer, std::string_view method, Clock::time_point until);

  int fd_ = -1;
  bool ended_ = false;
  std::string in_;
};

/// The same as HttpClient::ask, over a connection of its own.
HttpAnswer ask_at(const std::string& address, std::string_view method, std::string_view path,
                  std::string_view body = {}, const Headers& headers = {});
/// Sends bytes over a connection of its own and reads one answer.
HttpAnswer ask_raw_at(const std::string& address, std::string_view bytes,
                      std::string_view method = "GET");

}  // namespace cleave::test
