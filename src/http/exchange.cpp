#include "http/exchange.hpp"

#include <charconv>
#include <cstring>
#include <ctime>
#include <exception>
#include <string>
#include <utility>

#include "cleave/problem.hpp"
#include "http/chars.hpp"
#include "http/httplib_shim.hpp"
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

/// httplib's stream over memory: reads a request line, hands the answer to the job.
class Wire final : public httplib::Stream {
 public:
  explicit Wire(Job& job) : job_(job), start_(io::Clock::now()) {}
  Job& job() noexcept { return job_; }
  /// A header of the answer. Not given to httplib: it would compare it with tolower(3), keep it in
  /// a multimap and format it with snprintf, which costs more than the rest of the door.
  void add(std::string_view name, std::string_view value) {
    lines_.append(name).append(": ").append(value).append("\r\n");
  }
  void forget_headers() noexcept { lines_.clear(); }

  bool is_readable() const override { return at_ < request().size(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* into, std::size_t size) override {
    const std::size_t n = std::min(size, request().size() - at_);
    std::memcpy(into, request().data() + at_, n);
    at_ += n;
    return static_cast<ssize_t>(n);
  }
  /// Both versions write the head in one piece, and then the body in one piece, if there is one.
  ssize_t write(const char* data, std::size_t size) override {
    if (!has_head_) {
      finish_head({data, size});
    } else {
      send({data, size});
    }
    return static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return -1; }  // never used: reads and writes come here

  /// An answer without a body is sent when httplib has returned.
  void flush() {
    if (!sent_) send({});
  }

 private:
  /// What httplib has to know: whether the answer's body is sent. The real head was parsed already.
  std::string_view request() const noexcept {
    return job_.method == "HEAD" ? "HEAD / HTTP/1.1\r\n\r\n" : "GET / HTTP/1.1\r\n\r\n";
  }

  /// A small body goes into one piece with the head: copying it costs less than a second piece does
  /// in the kernel.
  void send(std::string_view body) {
    constexpr std::size_t kSmall = 4096;
    if (body.size() <= kSmall) head() += std::exchange(body, {});
    job_.send(head(), body);
    sent_ = true;
  }

  /// One buffer a thread: between an answer's first piece and its last nothing waits.
  static std::string& head() {
    thread_local std::string buffer;
    return buffer;
  }

  /// Adds the handler's headers and what every answer carries.
  void finish_head(std::string_view from_httplib) {
    const router::RequestScope& scope = job_.scope;
    has_head_ = true;
    std::string& head = this->head();
    head.assign(from_httplib.substr(0, from_httplib.size() - 2));  // without the empty line
    head += lines_;
    head += date_line();
    head += "X-Request-Id: ";
    head += scope.id();
    head += "\r\ntraceparent: ";
    scope.trace.append_header(head);
    head += "\r\nServer-Timing: total;dur=";
    append_millis(head, io::Clock::now() - start_);
    if (scope.timeline.size() > 0) {
      head += ", ";
      scope.timeline.append_server_timing(head);
    }
    head += "\r\nX-Content-Type-Options: nosniff\r\n";
    if (const std::string_view connection = job_.connection(); !connection.empty()) {
      head += "Connection: ";
      head += connection;
      head += "\r\n";
    }
    head += "\r\n";
  }
  static void append_millis(std::string& to, io::Clock::duration time) {
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    char text[32];
    char* end = std::to_chars(text, text + sizeof text, micros / 1000).ptr;
    *end++ = '.';
    *end++ = static_cast<char>('0' + micros / 100 % 10);
    *end++ = static_cast<char>('0' + micros / 10 % 10);
    to.append(text, end);
  }

  Job& job_;
  std::size_t at_ = 0;  // in the request
  std::string lines_;   // the handler's headers
  io::TimePoint start_;
  bool has_head_ = false;
  bool sent_ = false;
};

// What this thread is about to run: hooks get no argument of ours. Read at the start of the first
// hook; nothing waits between run() and there, so no other fiber can have changed it.
thread_local Wire* current_wire = nullptr;

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

void fill(Wire& wire, Response& from, httplib::Response& to) {
  Job& job = wire.job();
  if (from.status < 200 || from.status > 599) {
    log::error("http", "a handler answered with no final status",
               {{"request", std::string(job.scope.id())}, {"status", std::to_string(from.status)}});
    from = Problem(500, "internal", "The service failed.").response(job.scope.id());
  }
  to.status = job.status = from.status;
  bool typed = false;
  for (const Header& header : from.headers) {
    if (is_ours(header.name)) continue;
    if (header.name.empty() || !all(header.name, kToken) || !all(header.value, kField)) {
      log::warn("http", "dropped a header that a handler made: it would break the answer",
                {{"request", std::string(job.scope.id())}, {"header", header.name}});
      continue;
    }
    typed = typed || iequals(header.name, "content-type");
    wire.add(header.name, header.value);
  }
  if (from.status == 204 || from.status == 304) return;  // these have no body
  to.body = std::move(from.body);
  if (!typed && !to.body.empty()) wire.add("Content-Type", "text/plain; charset=utf-8");
}

}  // namespace

/// Every hook is noexcept: httplib calls some of them outside its own try block, and an exception
/// there ends the process.
class Exchange::Httplib final : public HttplibServer {
 public:
  Httplib() {
    // Before httplib looks for files, reads a body, or matches its regular expressions.
    set_pre_routing_handler([](const httplib::Request&, httplib::Response& response) noexcept {
      Wire& wire = *current_wire;
      Response made;
      produce(wire.job(), made);
      try {
        fill(wire, made, response);
      } catch (...) {  // out of memory: an answer without ornaments is better than none
        wire.forget_headers();
        response.body.clear();
        response.status = wire.job().status = 500;
      }
      return HandlerResponse::Handled;
    });
    // Leaves of httplib's headers the length only: what else it adds by itself, Cleave says
    // otherwise or not at all.
    set_post_routing_handler([](const httplib::Request&, httplib::Response& response) noexcept {
      // RFC 9110, 8.6: no length with 204; with 304 it would be the 200's, unknown here.
      const bool bodiless = response.status == 204 || response.status == 304;
      std::erase_if(response.headers, [bodiless](const auto& header) {
        return bodiless || !iequals(header.first, "Content-Length");
      });
    });
  }
};

Exchange::Exchange() : httplib_(std::make_unique<Httplib>()) {}
Exchange::~Exchange() = default;

void Exchange::run(Job& job) const noexcept {
  Wire wire(job);
  current_wire = &wire;
  // "close": httplib then writes one fixed header instead of composing Keep-Alive by stringstream.
  httplib_->serve(wire, true);
  wire.flush();
}

}  // namespace cleave::http
