#include "http/exchange.hpp"

#include <charconv>
#include <ctime>
#include <exception>
#include <string>
#include <utility>

#include "cleave/problem.hpp"
#include "http/chars.hpp"
#include "http/status_line.hpp"
#include "observe/log.hpp"

namespace cleave::http {
namespace {

/// "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" (RFC 9110, 5.6.7), made once a second and thread.
std::string_view date_line() {
  thread_local std::time_t made_at = -1;
  thread_local char line[64];
  thread_local std::size_t size = 0;
  const std::time_t now = std::time(nullptr);
  if (now != made_at) {
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm t = {};
    gmtime_r(&now, &t);
    const int n = std::snprintf(line, sizeof line, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n",
                                kDays[t.tm_wday], t.tm_mday, kMonths[t.tm_mon], t.tm_year + 1900,
                                t.tm_hour, t.tm_min, t.tm_sec);
    size = static_cast<std::size_t>(n);
    made_at = now;
  }
  return {line, size};
}

/// Headers that a handler may not set: they belong to the connection or to every answer.
bool is_ours(std::string_view name) noexcept {
  static constexpr std::string_view kOurs[] = {
      "connection", "content-length", "date",
      "keep-alive", "server-timing",  "te",
      "trailer",    "traceparent",    "transfer-encoding",
      "upgrade",    "x-request-id",   "x-content-type-options"};
  for (const std::string_view ours : kOurs) {
    if (ours.size() == name.size() && iequals(ours, name)) return true;
  }
  return false;
}

/// " 1.2": milliseconds with one decimal.
void append_millis(std::string& to, io::Clock::duration time) {
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  char text[32];
  char* end = std::to_chars(text, text + sizeof text, micros / 1000).ptr;
  *end++ = '.';
  *end++ = static_cast<char>('0' + micros / 100 % 10);
  *end++ = static_cast<char>('0' + micros / 10 % 10);
  to.append(text, end);
}

void append_line(std::string& to, std::string_view name, std::string_view value) {
  to.append(name).append(": ").append(value).append("\r\n");
}

void produce(Job& job, Response& response) noexcept {
  try {
    job.produce(response);
    return;
  } catch (const Problem& problem) {
    response = problem.response(job.scope.id());
  } catch (const std::exception& error) {
    log::error("http", "a handler threw",
               {{"request", std::string(job.scope.id())}, {"what", error.what()}});
    response = Problem(500, "internal", "The service failed.").response(job.scope.id());
  } catch (...) {
    log::error("http", "a handler threw something that is no exception",
               {{"request", std::string(job.scope.id())}});
    response = Problem(500, "internal", "The service failed.").response(job.scope.id());
  }
}

/// The headers that the handler made, but for those that are ours or would break the answer.
void append_headers(std::string& head, const Job& job, const Response& response) {
  bool typed = false;
  for (const Header& header : response.headers) {
    if (is_ours(header.name)) continue;
    if (header.name.empty() || !all(header.name, kToken) || !all(header.value, kField)) {
      log::warn("http", "dropped a header that a handler made: it would break the answer",
                {{"request", std::string(job.scope.id())}, {"header", header.name}});
      continue;
    }
    typed = typed || iequals(header.name, "content-type");
    append_line(head, header.name, header.value);
  }
  if (!typed && !response.body.empty()) {
    append_line(head, "Content-Type", "text/plain; charset=utf-8");
  }
}

/// RFC 9110, 8.6: no length with 204; with 304 it would be the 200's, unknown here.
bool is_bodiless(int status) noexcept {
  return status == 204 || status == 304;
}

/// What every answer carries, and the empty line.
void append_ours(std::string& head, Job& job, std::size_t length, io::TimePoint start) {
  if (!is_bodiless(job.status)) {
    char digits[24];
    const char* end = std::to_chars(digits, digits + sizeof digits, length).ptr;
    append_line(head, "Content-Length", {digits, static_cast<std::size_t>(end - digits)});
  }
  if (job.brief) {
    head += "\r\n";
    return;
  }
  head += date_line();
  append_line(head, "X-Request-Id", job.scope.id());
  head += "traceparent: ";
  job.scope.trace.append_header(head);
  head += "\r\nServer-Timing: total;dur=";
  append_millis(head, io::Clock::now() - start);
  if (job.scope.timeline.size() > 0) {
    head += ", ";
    job.scope.timeline.append_server_timing(head);
  }
  head += "\r\nX-Content-Type-Options: nosniff\r\n";
  if (const std::string_view connection = job.connection(); !connection.empty()) {
    append_line(head, "Connection", connection);
  }
  head += "\r\n";
}

}  // namespace

void exchange(Job& job) noexcept {
  const io::TimePoint start = io::Clock::now();
  Response response;
  produce(job, response);
  if (response.status < 200 || response.status > 599) {
    log::error(
        "http", "a handler answered with no final status",
        {{"request", std::string(job.scope.id())}, {"status", std::to_string(response.status)}});
    response = Problem(500, "internal", "The service failed.").response(job.scope.id());
  }
  job.status = response.status;
  if (is_bodiless(job.status)) response.body.clear();

  // One buffer a thread: from here to send() nothing waits.
  thread_local std::string head;
  head = status_line(job.status);
  append_headers(head, job, response);
  append_ours(head, job, response.body.size(), start);
  std::string_view body = job.method == "HEAD" ? std::string_view() : response.body;
  // A small body goes into one piece with the head: copying it costs less than a second piece does
  // in the kernel.
  constexpr std::size_t kSmall = 4096;
  if (body.size() <= kSmall) head += std::exchange(body, {});
  job.send(head, body);
}

}  // namespace cleave::http
